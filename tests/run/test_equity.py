"""The ledger on a clock grid, against a book-keeping done message by message."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module", params=["planted", "edgeless"])
def run(request):
    return backtest(open_segment(DATA / request.param), "basis_capture")


def joined(high, low):
    return (int(high) << 64) + (int(low) & (2**64 - 1))


def by_hand(run, points):
    """Equity at each point from prices, quantities and booked payments alone, as Fractions."""
    scale = Fraction(10) ** run.ledger_exponent
    quotes = run.segment.columns("quotes")
    n = len(run.instruments)
    price_unit = [Fraction(10) ** one.price_exponent for one in run.instruments]
    qty_unit = [Fraction(10) ** one.qty_exponent for one in run.instruments]
    out = []
    cash, position, mid = Fraction(0), [0] * n, [Fraction(0)] * n
    q = f = 0
    # Money that stands in rows: what was paid to the run, and what it paid.
    rows = [(1, row) for row in run.exact.funding] + [(-1, row) for row in run.exact.borrow]
    paid = sorted(
        (int(r["ts_ns"]), sign * joined(r["amount_hi"], r["amount_lo"])) for sign, r in rows
    )
    for point in points:
        while q < len(quotes["seq"]) and quotes["ts_ns"][q] <= point:
            k = int(quotes["instrument"][q])
            mid[k] = Fraction(int(quotes["bid"][q]) + int(quotes["ask"][q]), 2) * price_unit[k]
            q += 1
        while f < run.n_fills and run.exact.fills["ts_ns"][f] <= point:
            row = run.exact.fills[f]
            side, qty, price = int(row["side"]), int(row["qty"]), int(row["price"])
            fee = (int(row["fee_hi"]) << 64) + (int(row["fee_lo"]) & (2**64 - 1))
            k = int(row["instrument"])
            cash -= side * qty * price * price_unit[k] * qty_unit[k] + fee * scale
            position[k] += side * qty
            f += 1
        while paid and paid[0][0] <= point:
            cash += paid.pop(0)[1] * scale
        marked = sum(x * u * m for x, u, m in zip(position, qty_unit, mid, strict=True))
        for row in run.exact.borrow:
            k, since = int(row["instrument"]), int(row["since_ns"])
            if since < point < row["ts_ns"]:
                # At the rate that is assumed where none is known, half to even in ledger units.
                worth = -int(row["position"]) * qty_unit[k] * mid[k]
                years = Fraction(point - since, 365 * 86_400 * 10**9)
                marked -= round(worth * Fraction(1000, 10**4) * years / scale) * scale
        out.append(cash + marked)
    return out


@pytest.mark.parametrize("step_ns", [1_000_000_000, 7_777_777_777, 10**15])
def test_equity_is_cash_plus_marked_positions(run, step_ns):
    curve = run.equity_curve(step_ns)
    expected = by_hand(run, curve.ts_ns.tolist())
    unit = Fraction(10) ** curve.exponent
    assert [int(e) * unit for e in curve.equity] == expected


def test_equity_ends_at_the_runs_net_pnl(run):
    curve = run.equity_curve(60 * 10**9)
    assert curve.equity[-1] == run.exact.net_pnl
    costs = curve.fees - curve.funding + curve.borrow + curve.accrued
    assert (curve.equity == curve.realized + curve.unrealized - costs).all()
    assert curve.borrow[-1] > 0
    assert curve.ts_ns[-1] == run.segment.last_ts_ns
    assert (np.diff(curve.ts_ns[:-1]) == 60 * 10**9).all()
    assert curve.max_drawdown >= 0


@pytest.mark.parametrize("step_ns", [0, -1, 1])
def test_equity_refuses_a_step_that_makes_no_grid(run, step_ns):
    with pytest.raises(InputError, match="step_ns"):
        run.equity_curve(step_ns)


def test_a_flattened_run_ends_with_cash_alone(run):
    flat = backtest(run.segment, "basis_capture", flatten=True)
    curve = flat.equity_curve(10**9)
    assert curve.equity[-1] == curve.cash[-1] == flat.exact.net_pnl == 10 * flat.exact.cash["USDT"]
    assert not curve.position[:, -1].any()


def test_a_currency_the_run_does_not_have_is_refused(run):
    with pytest.raises(InputError, match="in currency EUR, expected one of USDT"):
        run.equity_curve(10**9, "EUR")


def test_the_table_of_a_curve_has_a_row_an_instrument_and_their_sum(run):
    curve = run.equity_curve(60 * 10**9)
    rows = curve.table().drop_columns(["ts"]).to_pylist()
    assert len(rows) == 3 * len(curve)
    for line in range(len(curve)):
        *parts, total = rows[3 * line : 3 * line + 3]
        assert [p["symbol"] for p in parts] == [i.symbol for i in run.instruments]
        assert (total["symbol"], total["position"], total["mid"]) == (None, None, None)
        for name in (
            "cash",
            "realized",
            "unrealized",
            "fees",
            "funding",
            "borrow",
            "accrued",
            "equity",
        ):
            assert total[name] == sum(p[name] for p in parts)
        for p in (*parts, total):
            costs = p["fees"] - p["funding"] + p["borrow"] + p["accrued"]
            assert p["equity"] == p["realized"] + p["unrealized"] - costs
        for p in parts:
            assert p["equity"] == p["cash"] + p["position"] * p["mid"] - p["accrued"]
