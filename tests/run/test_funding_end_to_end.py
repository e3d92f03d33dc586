"""Funding from files to cash: imported, held, settled once at each time, with the right sign.

The same three settlements come once as ``fundingRate`` of the archive, which has no mark price, and
once as ``markPrice`` of a stream; the money is worked out with fractions from what was written.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.importers import import_binance_stream, import_binance_vision
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.schema import EventKind, FillFlag, OrderType, TimeInForce
from quantlaxmi.segment import Segment
from tests import twins
from tests.as_read import rows_as_read
from tests.captures import T0, line, mark, ticker, trade
from tests.naive.engine import Decision, Leg


@pytest.fixture(scope="module", autouse=True)
def as_read():
    """Amounts are written at 10**-8 below."""
    with rows_as_read():
        yield


MS = 10**6
MINUTE = 60_000 * MS
UNIT = Fraction(1, 10**16)
QTY = 12_300_000  # 0.123, whole lots


@dataclasses.dataclass(frozen=True)
class Settlement:
    """At minute ``at``: held before it, rate and mark."""

    at: int
    rate: str
    mark: str


SETTLEMENTS = (
    Settlement(10, "0.00012345", "30010.15000001"),  # long: pays
    Settlement(20, "-0.00031", "30020.3"),  # long: receives
    Settlement(30, "0.0001", "29999.98"),  # nothing held
    Settlement(40, "0.00007777", "30040.7"),  # short: receives
    Settlement(50, "-0.00001", "30050.1"),  # short: pays
)
#: Position through each settlement, in mantissas; the orders are sent at calls of quotes.
HELD = (QTY, QTY, 0, -3 * QTY, -3 * QTY)
#: Minute -> signed order.
ORDERS = {5: QTY, 25: -QTY, 35: -3 * QTY}


def prices(minute: int) -> tuple[str, str]:
    """Bid and ask of a minute; their sum is odd in the last place, so a mid is half a unit."""
    return f"{30_000 + minute}.10000001", f"{30_000 + minute}.20000000"


def strategy() -> twins.Script:
    """Decides at quotes only, one a minute from minute 0."""
    schedule = {
        minute: Decision((Leg(0, 1 if qty > 0 else -1, abs(qty)),))
        for minute, qty in ORDERS.items()
    }
    return twins.script(schedule, kinds=(EventKind.QUOTE,))


def archive(folder: Path) -> Segment:
    """``bookTicker`` and ``fundingRate`` as the archive names them."""
    t0 = T0 // MS
    rows = [
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
    ]
    for minute in range(60):
        bid, ask = prices(minute)
        stamp = t0 + 60_000 * minute
        rows.append(f"{minute + 1},{bid},9,{ask},9,{stamp},{stamp}")
    (folder / "BTCUSDT-bookTicker-2023-11-14.csv").write_text("\n".join(rows) + "\n")
    rows = ["calc_time,funding_interval_hours,last_funding_rate"]
    # Settled within a minute, some milliseconds late as the venue stamps them.
    rows += [f"{t0 + 60_000 * s.at + 7},8,{s.rate}" for s in SETTLEMENTS]
    (folder / "BTCUSDT-fundingRate-2023-11.csv").write_text("\n".join(rows) + "\n")
    return import_binance_vision(sorted(folder.glob("*.csv")), folder / "seg").segment


def capture(folder: Path) -> Segment:
    """The same quotes with ``markPrice`` rows, which announce the next settlement."""
    lines = []
    for minute in range(60):
        ts = T0 + minute * MINUTE
        lines.append((ts, ticker(ts, minute + 1, *prices(minute), True)))
        following = next((s for s in SETTLEMENTS if s.at > minute), None)
        if following is None:
            continue
        # Rate and mark wander until the last row before the settlement.
        final = minute == following.at - 1
        data = {
            "e": "markPriceUpdate",
            "E": ts // MS + 500,
            "s": "BTCUSDT",
            "p": following.mark if final else "1.5",
            "P": "1",
            "i": "1",
            "r": following.rate if final else "0.5",
            "T": (T0 + following.at * MINUTE) // MS,
        }
        stream = {"stream": "btcusdt@markPrice@1s", "data": data}
        lines.append((ts + 500 * MS, line(ts + 500 * MS, stream)))
    (folder / "perp").write_bytes(b"\n".join(text for _, text in sorted(lines)) + b"\n")
    return import_binance_stream(None, folder / "perp", folder / "seg").segment


def half_even(value: Fraction) -> int:
    return round(value / UNIT)


def mid(minute: int) -> Fraction:
    """Mid of a minute at 10**-8, half to even."""
    bid, ask = prices(minute)
    return Fraction(round((Fraction(bid) + Fraction(ask)) / 2 * 10**8), 10**8)


@pytest.mark.parametrize("route", [backtest, replay])
@pytest.mark.parametrize("source", ["archive", "capture"])
def test_each_settlement_is_paid_once_on_what_is_held(source: str, route, tmp_path: Path) -> None:
    segment = {"archive": archive, "capture": capture}[source](tmp_path)
    run: Run = route(segment, strategy())
    expected = []
    for settlement, held in zip(SETTLEMENTS, HELD, strict=True):
        mark = mid(settlement.at) if source == "archive" else Fraction(settlement.mark)
        amount = -Fraction(held, 10**8) * mark * Fraction(settlement.rate)
        late = 7 * MS if source == "archive" else 0
        if held:
            at = T0 + settlement.at * MINUTE + late
            expected.append((at, held, int(mark * 10**8), half_even(amount)))
    found = [
        (r["ts_ns"], r["position"], r["mark"], r["amount"])
        for r in twins.rows_of(run.exact.funding)
    ]
    assert found == expected
    signs = [amount > 0 for *_, amount in found]
    assert signs == [False, True, True, False]
    assert run.exact.accounts[0].funding == sum(amount for *_, amount in found)
    # Cash is what was traded, less fees, with just these payments.
    traded = sum(
        -f["side"] * f["price"] * f["qty"] - f["fee"] for f in twins.rows_of(run.exact.fills)
    )
    assert run.exact.cash == {"USDT": traded + run.exact.accounts[0].funding}
    assert [f["side"] * f["qty"] for f in twins.rows_of(run.exact.fills)] == list(ORDERS.values())


def test_the_manifest_says_what_stands_for_the_mark(tmp_path: Path) -> None:
    segment = archive(tmp_path)
    assert not segment.columns("funding")["mark"].any()
    assert any("a run settles at the instrument's mid" in n for n in segment.manifest.notes)


def test_a_settlement_by_a_book_from_depth_alone(tmp_path: Path) -> None:
    """No quote and no trade ever: the mid is that of the rebuilt book."""
    t0 = T0 // MS
    rows = [
        "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu",
        f"BTCUSDT,{t0},1,1,b,snap,100,9,-1",
        f"BTCUSDT,{t0},1,1,a,snap,103,9,-1",
        f"BTCUSDT,{t0 + 5},2,2,b,set,101,9,1",
        f"BTCUSDT,{t0 + 20_000},3,3,b,set,102,9,2",
    ]
    (tmp_path / "BTCUSDT_T_DEPTH_2023-11-14.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "BTCUSDT-fundingRate-2023-11.csv").write_text(
        f"calc_time,funding_interval_hours,last_funding_rate\n{t0 + 10_000},8,0.01\n"
    )
    segment = import_binance_vision(sorted(tmp_path.glob("*.csv")), tmp_path / "seg").segment
    run = backtest(segment, twins.script({0: Decision((Leg(0, 1, 10**8),))}))
    [row] = twins.rows_of(run.exact.funding)
    assert (row["mark"], row["amount"]) == (102 * 10**8, -102 * 10**14)


def at_the_stamp(folder: Path, *, announced: bool) -> Segment:
    """A settlement at second 20, with a trade through 100 at its very stamp.

    ``announced``: a message of that stamp names the next settlement; trades stand before it.
    """
    s = 1000 * MS
    lines = [ticker(T0 + k * s, k + 1, "100", "100.1", True) for k in (0, 10, 30, 40)]
    due = (T0 + 20 * s) // MS
    terms = {"r": "0.001", "p": "100"}
    lines.append(mark(T0 + 1 * s, **terms, T=due))
    lines.append(trade(T0 + 20 * s, 7, True, p="99", q="3", m=True))
    if announced:
        lines.append(mark(T0 + 20 * s, **terms | {"r": "0.5"}, T=due + 10**6))
        lines.append(trade(T0 + 21 * s, 8, True, p="98", q="3", m=True))
    lines.sort(key=lambda text: int(text.split()[0]))
    (folder / "perp").write_bytes(b"\n".join(lines) + b"\n")
    return import_binance_stream(None, folder / "perp", folder / "seg").segment


@pytest.mark.parametrize("route", [backtest, replay])
@pytest.mark.parametrize("announced", [False, True])
def test_a_fill_by_a_message_of_the_stamp_is_held_and_an_order_that_arrives_then_is_not(
    announced: bool, route, tmp_path: Path
) -> None:
    segment = at_the_stamp(tmp_path, announced=announced)
    due, held, later = T0 + 20_000 * MS, 150_000_000, 120_000_000
    resting = Decision(
        (Leg(0, 1, held, OrderType.LIMIT, 100 * 10**8, TimeInForce.GTC),), bundle=False
    )
    taking = Decision((Leg(0, 1, later),))
    # Sent at the quotes of seconds 0 and 10; the one that takes arrives at the settlement's stamp.
    strategy = twins.script({0: resting, 1: taking}, kinds=(EventKind.QUOTE,))
    run: Run = route(segment, strategy, latency_ns=10_000 * MS)
    fills = [
        (f["ts_ns"], f["qty"], f["flags"] & FillFlag.MAKER) for f in twins.rows_of(run.exact.fills)
    ]
    assert fills == [(due, held, FillFlag.MAKER), (due, later, 0)]
    [row] = twins.rows_of(run.exact.funding)
    assert (row["ts_ns"], row["position"], row["rate"]) == (due, held, 100_000)
    assert row["fills_before"] == 1
