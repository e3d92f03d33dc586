"""Round trips and their money, against a naive bookkeeping fill by fill."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantlaxmi as ql
from quantlaxmi import backtest
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.run.round_trips import round_trips
from quantlaxmi.schema import FILL_DTYPE, FillFlag
from tests.depth import examples

DATA = Path(__file__).parents[2] / "data"


def ledger(moves: list[tuple[int, ...]]) -> np.ndarray[Any, Any]:
    """Fills of (decision step, instrument, signed quantity, whether inside a bar)."""
    rows = np.zeros(len(moves), FILL_DTYPE)
    position: dict[int, int] = {}
    decision = 0
    for k, (step, instrument, quantity, *in_bar) in enumerate(moves):
        decision += step
        position[instrument] = position.get(instrument, 0) + quantity
        rows[k]["decision"], rows[k]["instrument"] = decision, instrument
        rows[k]["side"], rows[k]["qty"] = (1 if quantity > 0 else -1), abs(quantity)
        rows[k]["position"] = position[instrument]
        rows[k]["flags"] = FillFlag.IN_BAR if any(in_bar) else 0
    return rows


def changes(fills: Any) -> Iterator[list[Any]]:
    """Fills of one decision, parted behind one inside a bar that leaves nothing held."""
    position: dict[int, int] = {}
    for _, group in groupby(fills, key=lambda fill: int(fill["decision"])):
        members: list[Any] = []
        for fill in group:
            members.append(fill)
            i = int(fill["instrument"])
            position[i] = position.get(i, 0) + int(fill["side"] * fill["qty"])
            if fill["flags"] & FillFlag.IN_BAR and not any(position.values()):
                yield members
                members = []
        if members:
            yield members


def naive(fills: Any) -> tuple[list[tuple[int, int, int]], bool]:
    """Parts (trip, fill, signed quantity), one unit of quantity after another."""
    position: dict[int, int] = {}
    parts, trip, row = [], -1, 0
    for members in changes(fills):
        start = {i: q for i, q in position.items() if q}
        end = dict(position)
        for fill in members:
            i = int(fill["instrument"])
            end[i] = end.get(i, 0) + int(fill["side"] * fill["qty"])
        turns = bool(start) and any(end.values()) and all(q * end[i] <= 0 for i, q in start.items())
        if not start or turns:
            trip += 1
        for fill in members:
            i, side = int(fill["instrument"]), int(fill["side"])
            split = {trip - 1: 0, trip: 0}
            for _ in range(int(fill["qty"])):
                held = position.get(i, 0)
                # A unit between 0 and the old position's side belongs to the old trip.
                low = min(held, held + side)
                old = start.get(i, 0)
                is_old = turns and ((old > 0 and low >= 0) or (old < 0 and low < 0))
                split[trip - 1 if is_old else trip] += side
                position[i] = held + side
            parts += [(t, row, q) for t, q in split.items() if q]
            row += 1
    return sorted(parts), any(position.values())


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.integers(0, 2),
            st.sampled_from([-3, -2, -1, 1, 2, 3]),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_parts_of_fills_are_those_of_units_counted_one_by_one(moves):
    fills = ledger(moves)
    before = fills.copy()
    found = round_trips(fills)
    np.testing.assert_array_equal(fills, before)
    parts = list(
        zip(found.trip.tolist(), found.fill.tolist(), found.quantity.tolist(), strict=True)
    )
    assert (parts, found.is_open) == naive(fills)
    assert found.n == (parts[-1][0] + 1 if parts else 0)
    assert found.first_part.tolist() == [
        next(k for k, part in enumerate(parts) if part[0] == t) for t in range(found.n)
    ]
    # The gates count no bundle that was trimmed away within its decision.
    assert count_round_trips(fills) <= found.n


def runs() -> Iterator[Any]:
    yield backtest(DATA / "planted", "basis_capture")
    yield backtest(DATA / "planted", "basis_capture", flatten=True, latency_ns=200_000_000)
    yield backtest(DATA / "edgeless", "basis_capture")


@pytest.fixture(scope="module")
def finished() -> list[Any]:
    return list(runs())


def test_sums_of_trades_are_the_runs_money_to_the_last_unit(finished):
    for run in finished:
        for table in (run.trades(), run.trades(by_instrument=True)):
            for name in ("net", "gross", "slippage", "fees", "funding", "interest"):
                assert sum(table[name], Decimal(0)) == getattr(run, name), name
        rest = run.gross - run.slippage - run.fees + run.funding - run.interest
        assert rest == run.net
        assert run.money[run.currency].net == run.net
        unit = Fraction(10) ** (run.ledger_exponent - 1)
        assert Fraction(run.net) == run.exact.net_pnl * unit


def test_excursions_are_those_of_every_book_by_hand(finished):
    run = finished[0]
    quotes = run.segment.columns("quotes")
    unit = [Fraction(10) ** (i.price_exponent + i.qty_exponent) for i in run.instruments]
    references = run.exact.attributions.reference_price.tolist()
    fills, found = run.exact.fills, round_trips(run.exact.fills)
    table = run.trades()
    for trip in range(0, found.n, 37):
        rows = found.fill[found.trip == trip].tolist()
        seqs = [int(fills["seq"][r]) for r in rows]
        mid = [0] * len(unit)
        worst = best = traded = Fraction(0)
        position = [0] * len(unit)
        done = 0
        for q in range(int(np.searchsorted(quotes["seq"], seqs[-1], side="right"))):
            mid[quotes["instrument"][q]] = int(quotes["bid"][q]) + int(quotes["ask"][q])
            at = int(quotes["seq"][q])
            coming = quotes["seq"][q + 1] if q + 1 < len(quotes["seq"]) else at + 1
            if at < seqs[0] and coming <= seqs[0]:
                continue
            if done:
                value = traded + sum(
                    p * Fraction(m, 2) * u for p, m, u in zip(position, mid, unit, strict=True)
                )
                worst, best = min(worst, value), max(best, value)
            while done < len(rows) and seqs[done] < coming:
                fill = fills[rows[done]]
                i, signed = int(fill["instrument"]), int(fill["side"] * fill["qty"])
                traded -= signed * Fraction(references[rows[done]], 10) * unit[i]
                position[i] += signed
                done += 1
                value = traded + sum(
                    p * Fraction(m, 2) * u for p, m, u in zip(position, mid, unit, strict=True)
                )
                worst, best = min(worst, value), max(best, value)
        assert (Fraction(table["worst"][trip]), Fraction(table["best"][trip])) == (worst, best)


def test_a_target_met_in_a_bar_ends_a_trip_though_the_same_decision_buys_again():
    """Both belong to the decision at the bar's end, and stood as one trip from 101 to 101."""
    closes = [100.0, 101.0, 103.0, 104.0, 104.5, 104.0]
    opens = [100.0, 100.5, 101.0, 103.5, 104.0, 104.5]
    bars = {
        "time": [1704067200 + 3600 * k for k in range(6)],
        "open": opens, "high": [102.0, 102.0, 104.0, 105.0, 105.0, 105.0],
        "low": [99.0] * 6, "close": closes, "volume": [1000] * 6,
    }  # fmt: skip

    class Again(ql.BarStrategy):
        strategy_id = "again"

        def next(self):
            if not self.position:
                self.buy(1, take_profit=self.data.close[-1] + 2)

    run = ql.backtest(ql.from_frame(bars, symbol="BTCUSDT"), Again, costs=ql.CostModel.binance())
    table = run.trades()
    # Bought at 100.5 and 103.5, sold at 102 inside the third bar.
    assert len(run.fills()) == 3 and len(table) == 2 and table["open"] == [False, True]
    assert table["exit_price"][0] == Decimal(102) and table["entry_price"][1] > Decimal("103.5")
    assert sum(table["net"]) == run.net and run.stats().round_trips == 2


def test_trades_of_a_run_without_fills_is_an_empty_table():
    run = backtest(DATA / "planted", "basis_capture", latency_ns=10**13)
    assert run.n_fills == 0
    table = run.trades()
    assert len(table) == 0 and "net" in table.columns and len(run.trades(by_instrument=True)) == 0
    assert run.net == 0 and run.stats().round_trips == 0
    assert run.stats(capital=100).win_rate is None
