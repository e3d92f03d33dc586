"""The engine next to the limits of 64 and 128 bits: exact, or an error that says so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.session import Session
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.strategies.kernel import FeatureSpec
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg

HIGH = traded.I64_MAX


def run_of(builder, schedule=None, universe="coarse", latency_ns=0, model=traded.COSTS[3], **more):
    case = Case("c", builder.tables(), schedule or {}, latency_ns, universe=universe, costs=model)
    return twins.check_case(case, **more)[0]


BUY = Decision((Leg(0, 1, HIGH),))
SELL = Decision((Leg(0, -1, HIGH),))
PRICE = HIGH // 10


FREE = traded.costs("0", "0", "0", fee_exponent=0)
BINANCE = CostModel.binance()


def test_greatest_values_are_exact():
    builder = MarketBuilder().quote(0, PRICE - 1, HIGH, PRICE, HIGH).quote(1, 1, 1, 2, HIGH)
    builder.wait(1).quote(0, PRICE - 2, HIGH, PRICE, HIGH).trade(0, HIGH, HIGH, 1)
    run = run_of(builder, {0: BUY, 1: SELL, 2: SELL}, model=FREE)
    assert run.exact.fills["qty"].tolist() == [HIGH] * 3
    assert run.exact.accounts[0].realized == -HIGH
    assert run.exact.accounts[0].position == -HIGH
    assert run.exact.cash["USDT"] == (PRICE - 3) * HIGH


@pytest.mark.parametrize(
    ("builder", "schedule"),
    [
        (MarketBuilder().quote(0, 1, 1, PRICE + 1, 1), {}),
        (MarketBuilder().quote(0, HIGH - 1, 1, HIGH, 1), {}),
        (MarketBuilder().quote(0, -HIGH, 1, 5, 1), {}),
        (
            MarketBuilder().depth(0, (1, 1, -1), [(1, 5, 1), (-1, PRICE + 1, 1)], snapshot=True),
            {},
        ),
        # A position beyond 64 bits.
        (
            MarketBuilder().quote(0, 1, 9, 2, HIGH).quote(0, 1, 9, 3, HIGH),
            {0: BUY, 1: Decision((Leg(0, 1, 1),))},
        ),
        # Quantities in flight beyond 64 bits.
        (
            MarketBuilder().quote(0, 1, 9, 2, 9),
            {0: Decision((Leg(0, 1, HIGH), Leg(0, 1, 1)), bundle=False)},
        ),
        # Stamps with no room for an arrival.
        (MarketBuilder(ts_ns=HIGH).quote(0, 1, 9, 2, 9), {}),
    ],
)
def test_what_does_not_fit_is_an_error(builder, schedule):
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["coarse"])
    for route in (backtest, replay):
        with pytest.raises(FixedPointOverflow) as caught:
            route(
                segment,
                twins.script(schedule),
                costs=traded.COSTS[3],
                latency_ns=5 * (1 in schedule),
            )
        assert "\n" not in str(caught.value)
        assert caught.value.row == int(builder.seq - 1)


def test_money_beyond_128_bits_is_an_error():
    """10**19 * 10**18 fits 128 bits, times a scale of 10**16 it does not."""
    wide = traded.instrument("W", InstrumentKind.SPOT, 0, 0)
    builder = MarketBuilder().quote(0, PRICE - 1, HIGH, PRICE, HIGH).wait(1)
    builder.quote(0, PRICE - 1, HIGH, PRICE, HIGH)
    segment = MemorySegment(builder.tables(), (wide, traded.PERP))
    for leg in (Leg(0, 1, HIGH), Leg(0, -1, HIGH)):
        with pytest.raises(FixedPointOverflow):
            backtest(segment, twins.script({0: Decision((leg,))}), costs=BINANCE, latency_ns=0)


def test_cash_that_overflows_is_an_error():
    """Bought dear and sold for nothing: 21 trips of 8.5e36 exceed 1.7e38."""
    for trips in (20, 21):
        builder = MarketBuilder()
        for _ in range(trips):
            builder.quote(0, 2, HIGH, PRICE, HIGH).wait(1).quote(0, 1, HIGH, 2, HIGH).wait(1)
        instruments = traded.UNIVERSES["coarse"]
        bound = twins.script(dict(enumerate([BUY, SELL] * trips))).bind(instruments)
        session = Session(instruments, bound, RunConfig.of(costs=FREE, latency_ns=0))
        if trips == 20:
            session.feed(builder.tables())
            session.finish()
            assert session.engine.cash(1) == [-20 * (PRICE - 1) * HIGH]
        else:
            with pytest.raises(FixedPointOverflow):
                session.feed(builder.tables())


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_near_the_limits_it_is_exact_or_an_error(data):
    """Never a wrap: what comes out is what integers without limits give."""
    big = st.one_of(
        st.integers(1, 40),
        st.integers(PRICE - 20, PRICE + 3),
        st.integers(HIGH - 40, HIGH),
        st.integers(1, HIGH),
    )
    builder = MarketBuilder()
    n = data.draw(st.integers(1, 8))
    for _ in range(n):
        bid = data.draw(big)
        ask = min(HIGH, bid + data.draw(st.sampled_from([1, 1, 2, HIGH // 20])))
        builder.quote(data.draw(st.integers(0, 1)), bid, data.draw(big), ask, data.draw(big))
        if data.draw(st.booleans()):
            builder.funding(0, data.draw(big), data.draw(big), builder.ts_ns + 1)
        builder.wait(1)
    schedule = {}
    for k in range(2 * n):
        if data.draw(st.booleans()):
            legs = (
                Leg(
                    data.draw(st.integers(0, 1)),
                    data.draw(st.sampled_from([1, -1])),
                    data.draw(big),
                ),
            )
            schedule[k] = Decision(legs)
    universe = data.draw(st.sampled_from(sorted(traded.UNIVERSES)))
    model = data.draw(st.sampled_from(traded.COSTS))
    case = Case(
        "big", builder.tables(), schedule, data.draw(st.integers(0, 2)), False, universe, model
    )
    try:
        run, _ = twins.run_case(case)
    except FixedPointOverflow:
        return
    engine, _ = twins.naive_run(case)
    twins.assert_same(run, engine)


class Featured(twins.Script):
    """Notes the feature at each call."""

    strategy_id = "featured"

    def features(self, instruments):
        return (FeatureSpec("mid_basis", (0, 1)),)

    def on_market(self, event, ctx):
        slot = ctx.feature(0)
        self.log.append((slot.num, slot.den))


@pytest.mark.parametrize(("spot_exponent", "perp_exponent"), [(-8, -8), (-2, -1), (0, -3)])
def test_mid_basis_is_exact(spot_exponent, perp_exponent):
    universe = (
        traded.instrument("S", InstrumentKind.SPOT, spot_exponent, -8),
        traded.instrument("P", InstrumentKind.PERP, perp_exponent, -8),
    )
    tables = random_markets.random_market(21, 300)
    strategy = type("F", (Featured,), {"log": []})()
    backtest(MemorySegment(tables, universe), strategy, costs=BINANCE, latency_ns=0)
    expected, found = [], type(strategy).log
    fine = min(spot_exponent, perp_exponent)

    def note(engine, table, row):
        s, p = engine.market.books
        num = den = 0
        if s.valid and p.valid:
            den = (s.bid + s.ask) * 10 ** (spot_exponent - fine)
            num = (p.bid + p.ask) * 10 ** (perp_exponent - fine) - den
        expected.append((num, den))

    twins.Engine(
        traded.terms_of(universe, CostModel.binance()), note, latency_ns=0, fee_exponent=-8
    ).run(tables)
    assert found == expected
    assert len({x[0] for x in found}) > 10


def test_a_feature_that_does_not_fit_is_an_error():
    universe = (
        traded.instrument("S", InstrumentKind.SPOT, 0, -8),
        traded.instrument("P", InstrumentKind.PERP, -8, -8),
    )
    builder = MarketBuilder().quote(0, 10**12, 1, 10**12 + 1, 1).quote(1, 9, 1, 10, 1)
    strategy = type("F", (Featured,), {"log": []})()
    with pytest.raises(FixedPointOverflow):
        backtest(MemorySegment(builder.tables(), universe), strategy, costs=BINANCE, latency_ns=0)
