"""What settlement costs: tax on long options in the money alone, rounded with the day's fees."""

from __future__ import annotations

from fractions import Fraction

import pytest

from quantlaxmi.fixed import int128_array
from quantlaxmi.gates.observation import amounts_of
from quantlaxmi.gates.path.bucket_costs import bucket_costs
from quantlaxmi.run.bucket_sums import bucket_ends
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns, run_log
from quantlaxmi.run.result import Run
from quantlaxmi.schema import InstrumentKind
from tests import traded, twins
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg

#: 09:15 and 15:30 IST of 2025-08-29.
OPENS, ENDS = 1_756_439_100_000_000_000, 1_756_461_600_000_000_000
OPTION = {"currency": "INR", "base": "NIFTY", "venue": "nse", "lot": 75, "expiry_ns": ENDS}
CHAIN = tuple(
    traded.instrument(f"NIFTY-20250829-24500-{name}", kind, -2, 0, strike=2_450_000, **OPTION)
    for name, kind in (("CE", InstrumentKind.CALL), ("PE", InstrumentKind.PUT))
)


def settled(side: int, price: int, *, instrument: int = 0, log: bool = False) -> Run:
    """75 traded at 100.00 in the morning; the index settles in the afternoon."""
    market = MarketBuilder(ts_ns=OPENS)
    market.quote(0, 99_95, 750, 100_00, 750).quote(1, 99_95, 750, 100_00, 750).wait(10)
    market.quote(0, 99_95, 750, 100_00, 750).wait(ENDS - OPENS - 10)
    tables = market.settle(0, price).settle(1, price).tables()
    strategy = twins.script({1: Decision((Leg(instrument, side, 75),))})
    segment = MemorySegment(tables, CHAIN)
    return (run_log if log else run_columns)(segment, strategy, RunConfig.of(latency_ns=0))


def rupees(run: Run, name: str) -> list[Fraction]:
    """A column of the notes."""
    rows, unit = run.exact.notes, Fraction(10) ** run.ledger_exponent
    return [a * unit for a in int128_array(rows[f"{name}_hi"], rows[f"{name}_lo"]).tolist()]


@pytest.mark.parametrize("log", [False, True])
def test_a_long_option_in_the_money_pays_tax_on_what_it_is_paid(log):
    """150.00 by 75 is 11,250; 0.125 % of it 14.0625, which the note has as 14."""
    run = settled(1, 2_465_000, log=log)
    [row] = twins.rows_of(run.exact.settled)
    unit = Fraction(10) ** run.ledger_exponent
    assert (row["amount"] * unit, row["fee"] * unit) == (11_250, Fraction("14.0625"))
    assert sorted(rupees(run, "total")) == [Fraction("0.225"), Fraction("14.0625")]
    assert run.rounding == -run.rounding.__class__("0.2875")
    table = run.table("note_rounding").to_pylist()
    assert [(str(r["day"]), r["currency"]) for r in table] == [("2025-08-29", "INR")]
    assert (str(table[0]["exact"].normalize()), str(table[0]["rounding"].normalize())) == (
        "14.2875",
        "-0.2875",
    )
    assert [r["rounding"] for r in run.table("ledger").to_pylist()] == [0] * 4
    money = run.money["INR"]
    assert money.gross - money.slippage - money.fees - money.rounding == money.net
    assert amounts_of(run).net == run.exact.net_pnl


@pytest.mark.parametrize(
    ("side", "price", "instrument"),
    [(1, 2_450_000, 0), (1, 2_440_000, 0), (-1, 2_465_000, 0), (1, 2_465_000, 1), (1, 0, 0)],
)
def test_what_is_out_of_the_money_or_sold_pays_none(side, price, instrument):
    run = settled(side, price, instrument=instrument)
    [row] = twins.rows_of(run.exact.settled)
    assert row["fee"] == 0
    assert all(total < 10 for total in rupees(run, "total"))


def test_what_is_settled_is_not_traded():
    """Points off every fill are off what was traded: a settlement has no spread."""
    run = settled(1, 2_465_000)
    scale = 10 * run.exact.scales[0]
    assert amounts_of(run).notional == 75 * 100_00 * scale
    ends = bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns)
    found = bucket_costs(run, ends)
    assert sum(found.notional) == 75 * 100_00 * scale
    assert sum(found.fees) == amounts_of(run).fees
