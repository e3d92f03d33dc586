"""Orders are refused whose margin is not there: the twin's margin decides, to a paisa."""

from __future__ import annotations

from fractions import Fraction

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns, run_log
from quantlaxmi.schema import InstrumentKind, OrderReason, RiskRule
from tests import traded, twins
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.naive.scan_margin import Contract, margin
from tests.options.test_scan_margin import AFTER, DAY, ENDS, NOW

OPTION = {"currency": "INR", "base": "NIFTY", "venue": "nse", "lot": 75}
STRIKES = (2_455_000, 2_460_000, 2_465_000)
#: Bid and ask by expiry, strike and side.
QUOTES = {
    (k, strike, kind): (bid, bid + 10)
    for k in (1, 2)
    for strike, call, put in zip(
        STRIKES, (14_000, 11_000, 8_500), (8_400, 10_500, 13_000), strict=True
    )
    for kind, bid in (("call", call + 8_000 * (k - 1)), ("put", put + 8_000 * (k - 1)))
}
CHAIN = tuple(
    traded.instrument(
        f"NIFTY-{k}-{strike}-{kind}",
        InstrumentKind(kind),
        -2,
        0,
        strike=strike,
        expiry_ns=ENDS[k],
        **OPTION,
    )
    for k, strike, kind in QUOTES
)
CONTRACTS = [
    Contract(kind, ENDS[k], DAY + (0, 4, 11)[k], strike, 0.01) for k, strike, kind in QUOTES
]
MIDS = [sum(quote) / 2 for quote in QUOTES.values()]
#: Straddle at 24,600: front call and put, back call and put.
FRONT, BACK = (2, 3), (8, 9)


def market(more: int = 3) -> MemorySegment:
    """All quotes, then the first of them again and again."""
    made = MarketBuilder(ts_ns=NOW)
    for i, (bid, ask) in enumerate(QUOTES.values()):
        made.quote(i, bid, 7_500, ask, 7_500)
    bid, ask = QUOTES[1, STRIKES[0], "call"]
    for _ in range(more):
        made.wait(10**9).quote(0, bid, 7_500, ask, 7_500)
    return MemorySegment(made.tables(), CHAIN)


def run_of(schedule, capital: str, log: bool = False):
    limits = RiskLimits.from_mapping({"capital": capital, "margin": "scan"}, "risk")
    last = len(QUOTES) - 1
    strategy = twins.script({last + k: decision for k, decision in enumerate(schedule)})
    config = RunConfig.of(limits=limits, latency_ns=0)
    return (run_log if log else run_columns)(market(), strategy, config)


def needed(qty: dict[int, int]) -> dict:
    """The twin's margin of a portfolio, rupees."""
    amounts = [qty.get(i, 0) for i in range(len(CHAIN))]
    return margin(CONTRACTS, list(QUOTES.values()), MIDS, amounts, NOW, DAY, AFTER)


def rows(run):
    return [r for r in twins.rows_of(run.exact.risk) if r["rule"] == RiskRule.MARGIN]


def sold(*instruments: int, qty: int = 75) -> Decision:
    return Decision(tuple(Leg(i, -1, qty) for i in instruments))


@pytest.mark.parametrize("log", [False, True])
def test_a_straddle_is_sold_where_its_margin_is_there_and_not_a_paisa_below(log):
    asked = needed({FRONT[0]: -75, FRONT[1]: -75})["required"]
    premium = 75 * (11_000 + 10_500) / 100
    edge = asked - premium
    run = run_of([sold(*FRONT)], f"{edge + 0.01:.2f}", log)
    assert not rows(run) and run.n_fills == 2
    run = run_of([sold(*FRONT)], f"{edge - 0.01:.2f}", log)
    assert run.n_fills == 0 and len(rows(run)) == 2
    for row in rows(run):
        unit = Fraction(1, 10**8)
        assert float(row["value"] * unit) == pytest.approx(asked, abs=1e-6)
        assert float(row["limit"] * unit) == pytest.approx(edge - 0.01 + premium, abs=0.006)
    refused = [o for o in twins.rows_of(run.exact.orders) if o["reason"] == OrderReason.REFUSED]
    assert len(refused) == 2


def test_premium_is_paid_up_front():
    cost = 75 * 11_010 / 100
    run = run_of([Decision((Leg(FRONT[0], 1, 75),))], f"{cost + 0.01:.2f}")
    # Fees then take equity below the position's worth, which `capital` has a rule of its own for.
    assert not rows(run) and run.n_fills == 2
    run = run_of([Decision((Leg(FRONT[0], 1, 75),))], f"{cost - 0.01:.2f}")
    [row] = rows(run)
    assert run.n_fills == 0 and row["value"] == 0 > row["limit"]


def test_a_calendar_asks_for_less_than_what_it_sells_alone():
    whole = needed({FRONT[0]: -75, FRONT[1]: -75})
    both = needed({FRONT[0]: -75, FRONT[1]: -75, BACK[0]: 75, BACK[1]: 75})
    assert both["required"] < whole["required"] and both["exposure"] == whole["exposure"]
    legs = Decision(tuple(Leg(i, 1, 75) for i in BACK) + tuple(Leg(i, -1, 75) for i in FRONT))
    paid = 75 * (19_010 + 18_510 - 11_000 - 10_500) / 100
    edge = both["required"] + paid
    assert run_of([legs], f"{edge + 0.01:.2f}").n_fills == 4
    assert run_of([legs], f"{edge - 0.01:.2f}").n_fills == 0


def test_what_lowers_a_lack_passes_and_what_raises_it_does_not():
    """The first straddle takes all there is; a part of it is bought back, no more is sold."""
    asked = needed({FRONT[0]: -150, FRONT[1]: -150})["required"]
    capital = f"{asked - 150 * (11_000 + 10_500) / 100 + 1:.2f}"
    back = Decision((Leg(FRONT[0], 1, 75), Leg(FRONT[1], 1, 75)))
    run = run_of([sold(*FRONT, qty=150), sold(4), back], capital)
    assert {r["instrument"] for r in rows(run)} == {4}
    assert run.n_fills == 4
    assert run.exact.accounts[FRONT[0]].position == -75


def test_orders_on_their_way_count():
    asked = needed({FRONT[0]: -75, FRONT[1]: -75})["required"]
    capital = f"{asked - 75 * (11_000 + 10_500) / 100 + 5:.2f}"
    limits = RiskLimits.from_mapping({"capital": capital, "margin": "scan"}, "risk")
    first = len(QUOTES) - 1
    strategy = twins.script({first: sold(*FRONT), first + 1: sold(*FRONT)})
    config = RunConfig.of(limits=limits, latency_ns=1_500_000_000)
    run = run_columns(market(), strategy, config)
    assert len(rows(run)) == 2 and run.n_fills == 2


def test_without_quotes_of_a_strike_what_opens_is_refused_as_unknown():
    tables = MarketBuilder(ts_ns=NOW).quote(0, 100, 750, 110, 750).wait(1).tables()
    limits = RiskLimits.from_mapping({"capital": "1000000", "margin": "scan"}, "risk")
    config = RunConfig.of(limits=limits, latency_ns=0)
    strategy = twins.script({0: sold(0)})
    run = run_columns(MemorySegment(tables, CHAIN), strategy, config)
    [row] = rows(run)
    assert row["value"] == 2**63 - 1 and run.n_fills == 0


def test_the_setting_needs_capital_contracts_and_a_day_of_the_table():
    with pytest.raises(ConfigError, match=r"\(capital\): is missing"):
        RiskLimits.from_mapping({"margin": "scan"}, "risk")
    limits = RiskLimits.from_mapping({"margin": "scan", "capital": "5"}, "risk")
    assert RiskLimits.from_description(limits.describe()) == limits
    assert "margin" not in RiskLimits.from_mapping({"capital": "5"}, "risk").describe()
    config = RunConfig.of(limits=limits, costs=traded.COSTS[0])
    tables = MarketBuilder(ts_ns=NOW).quote(0, 99, 5, 101, 5).tables()
    with pytest.raises(ConfigError, match=r"\(margin\): is of contracts of NSE, and S is none"):
        run_columns(MemorySegment(tables, (traded.SPOT,)), twins.script({}), config)
    early = MarketBuilder(ts_ns=NOW - 365 * 86_400 * 10**9).quote(0, 99, 5, 101, 5).tables()
    with pytest.raises(ConfigError, match=r"nse\.toml \(margins\): has no row on 2024-08-29"):
        run_columns(MemorySegment(early, CHAIN), twins.script({}), RunConfig.of(limits=limits))
