"""Bars become quotes that are traded at the next bar's open, never at the bar that decided."""

from __future__ import annotations

import gzip
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers import import_bars
from quantlaxmi.importers.bars.messages import spread_out
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import OrderReason, QuoteFlag
from quantlaxmi.segment import verify_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.trace.parity import Match, verify_replay_parity
from tests import twins
from tests.bars_files import (
    HEADER,
    HOUR,
    MAPPING,
    START,
    bar_line,
    random_lines,
    rows_of,
    run_import,
    write_files,
)
from tests.depth import examples
from tests.naive import bars as naive

H = Fraction(1, 10_000)


def legs_of(lines: list[str], size: int = 5 * 10**8) -> list[list[dict]]:
    legs: list[list[dict]] = [[], []]
    for line in lines:
        cells = line.split(",")
        for k in range(2):
            opened, closed = cells[1 + 4 * k], cells[4 + 4 * k]
            legs[k].append(
                {
                    "open_ns": int(cells[0]) * 10**9,
                    "open": Fraction(opened),
                    "close": Fraction(closed),
                    "size": size,
                }
            )
    return legs


def funding_of(lines: list[str]) -> list[tuple[int, int, int]]:
    """Settlements at every eighth hour: the close of the perpetual's bar that ends then, or else
    its open then."""
    legs = legs_of(lines)
    ends = {bar["open_ns"] + HOUR: bar["close"] for bar in legs[1]}
    found = []
    for line, bar in zip(lines, legs[1], strict=True):
        at = bar["open_ns"]
        if at % (8 * HOUR) == 0:
            mark = naive.units(ends.get(at, bar["open"]))
            found.append((at, mark, int(Fraction(line.split(",")[-1]) * 10**8)))
    return found


def test_two_bars_by_hand(tmp_path: Path) -> None:
    lines = [bar_line(0, ("100", "110"), ("101", "111")), bar_line(1, ("112", "90"), ("113", "91"))]
    result = run_import(tmp_path, lines)
    five, unit, quiet = 5 * 10**8, 10**4, int(QuoteFlag.QUIET)

    def quote(hour: int, k: int, bid: int, ask: int, flags: int) -> tuple:
        return ("quotes", (START + hour * HOUR, k, bid * unit, five, ask * unit, five, flags))

    assert rows_of(result) == [
        ("funding", (START, 101 * 10**8, 10**4)),
        quote(0, 0, 999900, 1000100, quiet),
        quote(0, 1, 1009899, 1010101, quiet),
        quote(1, 0, 1099890, 1100110, quiet),
        quote(1, 1, 1109889, 1110111, 0),  # every close is in: the strategy decides
        quote(1, 0, 1119888, 1120112, quiet),
        quote(1, 1, 1129887, 1130113, quiet),
        quote(2, 0, 899910, 900090, quiet),  # nothing to trade at any more
        quote(2, 1, 909909, 910091, quiet),
    ]
    assert (result.lines, result.header_lines, result.message_lines) == (3, 1, 2)
    notes = " ".join(result.segment.manifest.notes)
    assert "half spread assumed 1 bps" in notes
    assert "displayed size assumed 5, whatever was traded" in notes
    assert "1 funding settlement," in notes
    verify_segment(result.segment.path)


@pytest.mark.parametrize("gone", [[], [3], [3, 4, 9], [0], [29], [8, 16, 24]])
def test_rows_match_naive(tmp_path: Path, gone: list[int]) -> None:
    lines = [line for k, line in enumerate(random_lines(30)) if k not in gone]
    result = run_import(tmp_path, lines)
    assert rows_of(result) == naive.quote_rows(legs_of(lines), HOUR, H, funding_of(lines))
    gaps = result.segment.manifest.gaps
    inner = [k for k in gone if 0 < k < 29]
    assert sum(int(g.reason.split()[0]) for g in gaps if g.table == "quotes") == 2 * len(inner)
    lost = [g.start_ns for g in gaps if g.table == "funding"]
    assert lost == [START + k * HOUR for k in gone if k in (0, 8, 16, 24) and k > 0]


def test_one_leg_may_lack_bars_the_other_has(tmp_path: Path) -> None:
    lines = random_lines(12)
    spot, perp = tmp_path / "spot.csv", tmp_path / "perp.csv"
    texts: list[list[str]] = [[], []]
    for k in range(2):
        for line in lines:
            cells = line.split(",")
            texts[k].append(",".join([cells[0], *cells[1 + 4 * k : 5 + 4 * k]]))
    del texts[0][5], texts[1][7], texts[1][-1]
    for path, text in ((spot, texts[0]), (perp, texts[1])):
        path.write_text("\n".join(["time,o,h,l,c", *text]) + "\n")
    mapping = MAPPING.partition("[funding]")[0].replace("[perp]", "[perp]\ninput = 2")
    for name, short in (("open", "o"), ("high", "h"), ("low", "l"), ("close", "c")):
        mapping = mapping.replace(f'"s_{name}"', f'"{short}"').replace(f'"p_{name}"', f'"{short}"')
    rules = tmp_path / "m.toml"
    rules.write_text(mapping)
    result = import_bars([spot, perp], tmp_path / "seg", mapping=rules)
    legs = legs_of(lines)
    del legs[0][5], legs[1][7], legs[1][-1]
    assert rows_of(result) == naive.quote_rows(legs, HOUR, H)
    assert result.lines == 2 + 11 + 10


def strategy(**sets: str):
    base = {"threshold_bps": "10", "exit_threshold_bps": "3", "position_size": "0.01"}
    given = [f"{k}={v}" for k, v in (base | sets).items()]
    return StrategyRegistry(installed=False).create("basis_capture", sets=given)


#: What a spreadsheet can follow; fees in base have a twin in tests/run/test_base_fees.py.
IN_QUOTE = CostModel(rates={}, buy_fee={"spot": "quote"})


@pytest.mark.parametrize("latency_ns", [0, 1, 10**6, HOUR - 1])
def test_pnl_by_hand(tmp_path: Path, latency_ns: int) -> None:
    lines = [line for k, line in enumerate(random_lines(600)) if k not in (70, 71, 302, 440)]
    result = run_import(tmp_path, lines)
    run = backtest(result.segment, strategy(), costs=IN_QUOTE, latency_ns=latency_ns)
    paid = {at: (Fraction(m, 10**8), Fraction(r, 10**8)) for at, m, r in funding_of(lines)}
    legs = legs_of(lines)
    bars = [
        {
            "open_ns": s["open_ns"],
            "spot": (s["open"], s["close"]),
            "perp": (p["open"], p["close"]),
            "funding": paid.get(s["open_ns"]),
        }
        for s, p in zip(*legs, strict=True)
    ]
    hand = naive.basis_by_hand(
        bars,
        HOUR,
        half_spread=H,
        threshold=Fraction(10),
        exit_threshold=Fraction(3),
        qty=Fraction(1, 100),
        fees=(Fraction(10, 10_000), Fraction(5, 10_000)),
    )
    loans = naive.interest_by_hand(
        bars, hand, HOUR, half_spread=H, bps=Fraction(1000), latency_ns=latency_ns
    )
    compare(run, hand, loans)
    assert len(loans) > 5
    assert len(hand["fills"]) > 20
    assert len(hand["payments"]) > 10
    again = replay(result.segment, strategy(), costs=IN_QUOTE, latency_ns=latency_ns)
    assert isinstance(verify_replay_parity(run.trace, again.trace), Match)


def compare(run, hand, loans) -> None:
    """A run against the spreadsheet and the interest on its spot, to the last unit."""
    taker = [run.costs.rate(i).taker_bps for i in run.instruments]
    assert [float(t) for t in map(naive_bps, taker)] == [10.0, 5.0]
    scale = Fraction(10) ** -run.ledger_exponent
    interest = sum(amount for *_, amount in loans)
    assert run.ledger_exponent == -16
    assert dict(run.exact.cash) == {"USDT": int(hand["cash"] * scale) - interest}
    assert [a.borrow for a in run.exact.accounts] == [interest, 0]
    names = ("since_ns", "ts_ns", "position")
    paid = [(*(int(b[n]) for n in names), b["amount"]) for b in twins.rows_of(run.exact.borrow)]
    assert paid == loans
    assert sum(a.fees for a in run.exact.accounts) == hand["fees"] * scale
    assert sum(a.funding for a in run.exact.accounts) == hand["funding"] * scale
    fills = [
        (int(f["instrument"]), int(f["side"]) * int(f["qty"]), int(f["price"]))
        for f in run.exact.fills
    ]
    assert fills == [fill[1:] for fill in hand["fills"]]
    assert [int(p["ts_ns"]) for p in run.exact.funding] == [p[0] for p in hand["payments"]]
    assert [a.position for a in run.exact.accounts] == [
        -int(hand["held"] * 10**8), int(hand["held"] * 10**8)
    ]  # fmt: skip
    marked = sum(
        a.position * int(mid)
        for a, mid in zip(run.exact.accounts, run.exact.last_mids, strict=True)
    )
    # last_mids are at a tenth of the price unit; the ledger here at price times quantity.
    assert (
        Fraction(dict(run.exact.cash)["USDT"]) + Fraction(marked, 10)
        == hand["equity"] * scale - interest
    )
    reasons = run.exact.orders["reason"].tolist()
    assert reasons.count(OrderReason.BOOK_INVALID) == 2 * hand["cancelled"]


def naive_bps(value) -> Fraction:
    return Fraction(value.mantissa) * Fraction(10) ** value.exponent


#: The venue takes a perpetual order from 100 USDT on; these are worth one.
ANY_WORTH = CostModel(rates={}, min_notional={"perp": FixedPoint(0, 0)})


def test_a_decision_before_a_missing_bar_is_cancelled(tmp_path: Path) -> None:
    flat, wide = (("100", "100"), ("100", "100")), (("100", "100"), ("100", "101"))
    hours = {0: flat, 1: wide, 4: flat, 5: flat}
    lines = [bar_line(hour, *prices) for hour, prices in hours.items()]
    result = run_import(tmp_path, lines)
    for latency_ns in (0, 10**6):
        run = backtest(result.segment, strategy(), costs=ANY_WORTH, latency_ns=latency_ns)
        assert run.n_decisions == 1
        assert run.n_fills == 0
        assert run.exact.orders["reason"].tolist() == [0, 0, *[OrderReason.BOOK_INVALID] * 2]


def test_nothing_is_decided_on_the_last_close(tmp_path: Path) -> None:
    lines = [bar_line(0, ("100", "100"), ("100", "100")),
             bar_line(1, ("100", "100"), ("100", "101"))]  # fmt: skip
    run = backtest(run_import(tmp_path, lines).segment, strategy(), latency_ns=0)
    assert run.n_decisions == 0


def test_the_close_that_decides_is_not_the_price(tmp_path: Path) -> None:
    """A price that jumps between close and open is paid at the open."""
    lines = [bar_line(0, ("100", "100"), ("100", "102")),
             bar_line(1, ("90", "100"), ("95", "100")),
             bar_line(2, ("100", "100"), ("100", "100"))]  # fmt: skip
    run = backtest(run_import(tmp_path, lines).segment, strategy(), costs=ANY_WORTH, latency_ns=0)
    assert [(f["side"], f["price"]) for f in run.exact.fills[:2]] == [
        (-1, 9499050000),
        (1, 9000900000),
    ]
    assert [leg["bid"] for leg in run.exact.legs[:2]] == [10198980000, 9999000000]


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.integers(2, 10**15) | st.integers(2**62, 2**63 - 1), min_size=1, max_size=3),
    st.fractions(Fraction(1, 10**6), 5_000, max_denominator=10**6),
)
def test_spread_is_outward_and_exact(prices: list[int], bps: Fraction) -> None:
    bids, asks = spread_out(np.array(prices), bps)
    for price, bid, ask in zip(prices, map(int, bids), map(int, asks), strict=True):
        hold_spread(price, bid, ask, bps)


def hold_spread(price: int, bid: int, ask: int, bps: Fraction) -> None:
    share = bps / 10_000
    assert bid <= price * (1 - share) < bid + 1
    assert ask - 1 < price * (1 + share) <= ask
    assert bid < price < ask


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    lines = random_lines(40)
    expected = rows_of(run_import(tmp_path, lines))
    cells = [line.split(",") for line in lines]
    names = HEADER.split(",")
    stamps = pa.array([int(c[0]) * 1000 for c in cells], pa.int64())
    for zone, kind in ((None, pa.float64()), ("Asia/Kolkata", pa.string())):
        columns = [stamps.cast(pa.timestamp("ms", zone))]
        for k in range(1, 10):
            texts = [c[k] for c in cells]
            columns.append(pa.array(texts if kind == pa.string() else map(float, texts), kind))
        path = tmp_path / f"{zone is None}.parquet"
        pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path)
        rules = tmp_path / "mapping.toml"
        rules.write_text(MAPPING.replace('unit = "s"', ""))
        result = import_bars([path], tmp_path / f"{zone is None}", mapping=rules)
        assert rows_of(result) == expected
        assert (result.lines, result.header_lines) == (40, 0)


@pytest.mark.parametrize(
    "form", ["gzip", "crlf", "bom", "quoted", "semicolon", "ms", "text", "close"]
)
def test_forms_of_one_file_give_the_same_rows(tmp_path: Path, form: str) -> None:
    lines = random_lines(20)
    expected = rows_of(run_import(tmp_path, lines))
    data, rules = write_files(tmp_path, lines)
    raw, mapping = data.read_bytes(), MAPPING
    rows = [line.split(",") for line in raw.decode().splitlines()]
    if form == "gzip":
        raw = gzip.compress(raw)
    elif form == "crlf":
        raw = raw.replace(b"\n", b"\r\n")
    elif form == "bom":
        raw = b"\xef\xbb\xbf" + raw
    elif form == "quoted":
        raw = "".join(",".join(f'"{c}"' for c in row) + "\n" for row in rows).encode()
    elif form == "semicolon":
        raw = raw.replace(b",", b" ; ")
        mapping = 'delimiter = ";"\n' + mapping
    elif form == "ms":
        raw = "".join(",".join([row[0] + "000" * (k > 0), *row[1:]]) + "\n"
                      for k, row in enumerate(rows)).encode()  # fmt: skip
        mapping = mapping.replace('"s"', '"ms"')
    elif form == "text":
        days = [f"{1 + k // 24:02d}.01.2024 {k % 24:02d}:30" for k in range(20)]
        stamped = [",".join([d, *r[1:]]) for d, r in zip(days, rows[1:], strict=True)]
        raw = "\n".join([HEADER, *stamped, ""]).encode()
        mapping = mapping.replace('"s"', '"%d.%m.%Y %H:%M"\nzone = "Asia/Kolkata"')
    else:
        raw = "".join(",".join([row[0] if k == 0 else str(int(row[0]) + 3600), *row[1:]]) + "\n"
                      for k, row in enumerate(rows)).encode()  # fmt: skip
        mapping = mapping.replace('unit = "s"', 'unit = "s"\nstamp = "close"').replace(
            'every = "8h"', 'every = "8h"\ntime = { column = "time", unit = "s", stamp = "open" }'
        )
    data.write_bytes(raw)
    rules.write_text(mapping)
    result = import_bars([data], tmp_path / "again", mapping=rules)
    found = rows_of(result)
    if form == "text":  # half an hour from 05:30
        shift = 5 * HOUR
        assert [r for r in found if r[0] == "quotes"] == [
            (t, (row[0] - shift, *row[1:])) for t, row in expected if t == "quotes"
        ]
    elif form == "close":
        assert [r for r in found if r[0] == "quotes"] == [r for r in expected if r[0] == "quotes"]
    else:
        assert found == expected


def test_volume_gives_the_displayed_size(tmp_path: Path) -> None:
    lines = [f"{START // 10**9 + 3600 * k},100,101,{v}" for k, v in enumerate(["7", "0.3", "0"])]
    mapping = """
interval = "1h"
half_spread_bps = "1"
currency = "USD"
time = { column = "time", unit = "s" }
[spot]
symbol = "X"
open = "o"
close = "c"
volume = "v"
"""
    result = run_import(tmp_path, lines, mapping=mapping, header="time,o,c,v")
    sizes = [(row[0] - START, row[3], row[5]) for _, row in rows_of(result)]
    tenth = 10**7
    assert sizes == [
        (0, 7 * tenth, 7 * tenth),
        (HOUR, 7 * tenth, 7 * tenth),
        (HOUR, 3 * 10**6, 3 * 10**6),
        (2 * HOUR, 3 * 10**6, 3 * 10**6),
        (2 * HOUR, 0, 0),
        (3 * HOUR, 0, 0),
    ]
    assert "0.1 of the bar's volume" in " ".join(result.segment.manifest.notes)
