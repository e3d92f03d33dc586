"""What bundles of options come to at expiry, against the formula."""

import math
from fractions import Fraction

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.options import YEAR_SECONDS
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.payoff import payoff
from quantlaxmi.run.replay import run_columns
from quantlaxmi.schema import InstrumentKind
from tests import traded, twins
from tests.market_builder import START_NS, MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_bundle_policies import flat_costs

DAY = 86_400 * 10**9


def option(symbol: str, kind: InstrumentKind, strike: int, days: int = 2, **other: object):
    terms = {"currency": "INR", "base": "NIFTY", "lot": 25, "expiry_ns": START_NS + days * DAY}
    return traded.instrument(symbol, kind, -2, 0, strike=100 * strike, **{**terms, **other})


def straddle(strike: int, days: int, name: str):
    return (
        option(f"{name}C", InstrumentKind.CALL, strike, days),
        option(f"{name}P", InstrumentKind.PUT, strike, days),
    )


def run_of(listed, tops, legs, *more, bps: int = 0):
    """Every contract is quoted at (bid, ask) in paise, then the bundle is decided."""
    market = MarketBuilder()
    for k, (bid, ask) in enumerate(tops):
        market.quote(k, bid, 1_000, ask, 1_000)
    for _ in range(2):
        market.wait(5)
        for k, (bid, ask) in enumerate(tops):
            market.quote(k, bid, 1_000, ask, 1_000)
    decision = Decision(tuple(Leg(*leg) for leg in legs), policy="all_or_none", units=2)
    schedule = {len(tops) - 1: decision, **dict(more)}
    segment = MemorySegment(market.tables(), listed, ())
    config = RunConfig.of(costs=flat_costs(bps), latency_ns=1)
    return run_columns(segment, twins.script(schedule), config)


def test_a_straddle_is_worth_its_distance_from_the_strike_less_what_was_paid():
    run = run_of(straddle(100, 2, "F"), [(300, 310), (200, 220)], [(0, 1, 25), (1, 1, 25)], bps=10)
    found = payoff(run.exact)
    paid = 50 * (Fraction(310, 100) + Fraction(220, 100)) * Fraction(1001, 1000)
    wanted = [float(50 * abs(Fraction(x) - 100) - paid) for x in found.underlying.tolist()]
    np.testing.assert_allclose(found.value, wanted, rtol=0, atol=1e-9)
    assert found.expiry_ns == START_NS + 2 * DAY and found.currency == "INR"
    assert 100.0 in found.underlying
    low, high = found.break_evens
    assert low == pytest.approx(100 - float(paid / 50)) and high == pytest.approx(200 - low)


def test_a_short_vertical_loses_no_more_than_its_width():
    listed = (
        option("A", InstrumentKind.CALL, 100),
        option("B", InstrumentKind.CALL, 110),
    )
    run = run_of(listed, [(500, 510), (200, 210)], [(0, -1, 25), (1, 1, 25)])
    found = payoff(run.exact, 0)
    credit = 50 * (5.00 - 2.10)
    assert found.value.max() == pytest.approx(credit)
    assert found.value.min() == pytest.approx(credit - 50 * 10)


def test_a_later_leg_is_valued_with_the_volatility_that_its_mid_implies():
    """A long call and short put of one strike are a forward, whatever the volatility."""
    listed = (*straddle(100, 2, "F"), *straddle(100, 9, "B"))
    tops = [(300, 300), (200, 200), (700, 700), (500, 500)]
    tops = [(bid, ask + 2) for bid, ask in tops]
    run = run_of(listed, tops, [(2, 1, 25), (3, -1, 25), (0, 1, 25), (1, 1, 25)])
    found = payoff(run.exact)
    x = found.underlying
    paid = 50 * (7.02 - 5.00 + 3.02 + 2.02)
    # Forwards are 101 and 102: the later one stays 1 above.
    wanted = 50 * ((x + 1 - 100) + np.abs(x - 100)) - paid
    np.testing.assert_allclose(found.value, wanted, atol=1e-6)


def test_a_calendar_is_worth_most_at_its_strike():
    listed = (*straddle(100, 2, "F"), *straddle(100, 9, "B"))
    tops = [(300, 302), (200, 202), (600, 602), (500, 502)]
    legs = [(0, -1, 25), (1, -1, 25), (2, 1, 25), (3, 1, 25)]
    found = payoff(run_of(listed, tops, legs).exact)
    best = int(found.value.argmax())
    assert abs(found.underlying[best] - 100) < 1
    # At the money a straddle is worth about 0.8 times its standard deviation.
    sigma = (6.01 + 5.01) / 2 / 101 / 0.3989 / math.sqrt(9 * 86_400 / YEAR_SECONDS)
    later = 2 * 0.3989 * sigma * 100 * math.sqrt(7 * 86_400 / YEAR_SECONDS)
    paid = 6.02 + 5.02 - 3.00 - 2.00
    assert found.value[best] == pytest.approx(50 * (later - paid), rel=0.02)


def test_what_was_closed_by_another_decision_stays_in_the_bundle_that_opened_it():
    leg = Leg(0, -1, 25)
    run = run_of(
        straddle(100, 2, "F"),
        [(300, 310), (200, 220)],
        [(0, 1, 25), (1, 1, 25)],
        (2, Decision((leg,), policy="legs", units=1)),
    )
    assert payoff(run.exact, 1).value.max() == pytest.approx(25 * 3.0)


def test_what_has_no_payoff_is_one_sentence():
    perp = traded.instrument("P", InstrumentKind.PERP, -2, 0, currency="INR", base="NIFTY")
    others = {
        "is no option": (option("A", InstrumentKind.CALL, 100), perp),
        "of several: BANKNIFTY, NIFTY": (
            option("A", InstrumentKind.CALL, 100),
            option("B", InstrumentKind.CALL, 100, base="BANKNIFTY"),
        ),
        "no call and put of one strike at each expiry": (
            option("A", InstrumentKind.CALL, 100),
            option("B", InstrumentKind.CALL, 100, 9),
        ),
    }
    for said, listed in others.items():
        market = MarketBuilder()
        for k in range(2):
            market.quote(k, 300, 100, 310, 100)
        market.wait(5).quote(0, 300, 100, 310, 100)
        rates = flat_costs(0).rates
        costs = CostModel(rates={**rates, InstrumentKind.PERP: rates[InstrumentKind.CALL]})
        decision = Decision((Leg(0, 1, 25), Leg(1, 1, 25)))
        run = run_columns(
            MemorySegment(market.tables(), listed, ()),
            twins.script({1: decision}),
            RunConfig.of(costs=costs, latency_ns=1),
        )
        with pytest.raises(InputError, match=said):
            payoff(run.exact)
        with pytest.raises(InputError, match="decision: was 7, expected a decision of the run"):
            payoff(run.exact, 7)


def test_a_bundle_that_was_hedged_out_has_none():
    run = run_of(straddle(100, 2, "F"), [(300, 310), (0, 0)], [(0, 1, 25), (1, 1, 25)])
    with pytest.raises(
        InputError, match="decision: was not given, expected one that kept a position"
    ):
        payoff(run.exact)


def test_a_bundle_from_flat_to_flat_is_one_trade():
    legs = [(0, 1, 25), (1, 1, 25)]
    out = Decision((Leg(0, -1, 25), Leg(1, -1, 25)), policy="legs", units=2)
    run = run_of(straddle(100, 2, "F"), [(300, 310), (200, 220)], legs, (2, out))
    trades = run.trades()
    assert len(run.exact.fills) == 4
    assert len(trades) == 1
    assert trades["instruments"] == [2]
    assert sum(trades["net"]) == run.net


def test_the_picture_is_on_the_axes_that_are_given():
    pytest.importorskip("matplotlib")
    run = run_of(straddle(100, 2, "F"), [(300, 310), (200, 220)], [(0, 1, 25), (1, 1, 25)])
    ax = run.plot_payoff()
    assert ax.get_xlabel() == "underlying" and ax.get_ylabel() == "result, INR"
    assert len(ax.lines) >= 4
    assert run.plot_payoff(0, ax) is ax
