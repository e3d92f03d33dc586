"""What becomes of an order that takes, rests, changes and ends, each worked out by hand."""

from __future__ import annotations

import pytest

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import (
    FillFlag,
    InstrumentKind,
    OrderType,
    RiskRule,
    Side,
)
from tests import traded, twins
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Leg
from tests.run.test_orders import (
    CANCEL,
    FREE,
    GTC,
    IOC,
    MAKER,
    POST,
    SENT,
    cancel,
    fills,
    limit,
    market,
    modify,
    one,
    run,
    story,
)


def test_a_limit_order_takes_what_is_within_its_price_and_rests_with_the_rest():
    levels = [(1, 99, 5), (-1, 101, 4), (-1, 102, 3), (-1, 103, 9)]
    m = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True).wait(1)
    found = run(m.trade(0, 102, 2, -1), {0: one(limit(1, 10, 102))})
    assert fills(found) == [
        (0, 101, 4, 0, 0),
        (0, 102, 3, 0, int(FillFlag.DEPTH)),
        (0, 102, 2, 1, MAKER),
    ]


def test_the_rest_of_an_immediate_order_is_cancelled():
    found = run(market(), {0: one(limit(1, 10, 101, IOC), limit(1, 1, 100, IOC))})
    assert story(found)[-1] == ("UPDATE", "PARTIAL", "IMMEDIATE", 10, 4)
    assert story(found, 1)[-1] == ("UPDATE", "CANCELLED", "IMMEDIATE", 1, 0)


def test_a_post_only_order_that_would_take_is_cancelled_whole():
    found = run(market(), {0: one(limit(1, 9, 101, POST), limit(-1, 9, 100, POST))})
    assert story(found) == [(*SENT, 9, 0), ("UPDATE", "CANCELLED", "WOULD_TAKE", 9, 0)]
    assert story(found, 1)[1][2] == "RESTS"
    assert fills(found) == []


def test_with_an_invalid_book_what_may_rest_rests():
    m = (
        MarketBuilder()
        .quote(0, 90, 1, 110, 1)
        .quote(0, 0, 0, 110, 1)
        .trade(0, 99, 1, 1)
        .wait(1)
        .quote(0, 99, 3, 101, 1)
        .trade(0, 99, 4, -1)
    )
    legs = (limit(1, 1, 99), limit(1, 1, 99, IOC), limit(1, 2, 99, POST))
    found = run(m, {2: one(*legs)})
    assert story(found, 1)[-1][2] == "BOOK_INVALID"
    assert [f[:3] for f in fills(found)] == [(0, 99, 1)]


# --- changes -----------------------------------------------------------------------------------


def test_a_cancel_that_comes_in_time_and_one_that_does_not():
    m = market().wait(1).trade(0, 99, 6, -1).wait(2).trade(0, 99, 9, -1).wait(9).trade(0, 50, 1, 1)
    schedule = {0: one(limit(1, 6, 99)), 1: one(cancel(0)), 2: one(cancel(0))}
    found = run(m, schedule, latency=1)
    # The order rests from the first trade's time on, which fills one after five; the cancel
    # arrives before the second trade.
    assert [f[2] for f in fills(found)] == [1]
    assert story(found) == [
        (*SENT, 6, 0),
        ("UPDATE", "RESTING", "RESTS", 6, 0),
        ("UPDATE", "RESTING", "FILLED", 6, 1),
        ("CANCEL", "PENDING", "DECISION", 0, 0),
        ("CANCEL", "PARTIAL", "CANCELLED", 6, 1),
        ("CANCEL", "PENDING", "DECISION", 0, 0),
        ("CANCEL", "REJECTED", "NOT_RESTING", 0, 0),
    ]


def test_less_at_the_same_price_keeps_the_place_and_anything_else_loses_it():
    for change, filled in (
        (modify(0, 4, 99), 3),  # 8 traded, 5 were ahead
        (modify(0, 7, 99), 0),  # behind the 8 shown when it came
        (modify(0, 6, 98), 0),
    ):
        m = market().quote(0, 99, 8, 101, 4).wait(1).trade(0, 99, 8, -1).wait(1)
        found = run(m, {0: one(limit(1, 6, 99)), 1: one(change)})
        assert sum(f[2] for f in fills(found)) == filled
        assert ("MODIFY", "RESTING" if filled else "PENDING", "MODIFIED", change.qty, 0) in story(
            found
        )


@pytest.mark.parametrize(
    ("tif", "last"),
    [
        (GTC, ("UPDATE", "FILLED", "FILLED", 3, 3)),
        (POST, ("UPDATE", "PARTIAL", "WOULD_TAKE", 3, 1)),
    ],
)
def test_a_changed_order_takes_unless_it_is_post_only(tif, last):
    """The trade at its price fills one, after five, before the change comes."""
    m = market().trade(0, 99, 6, -1).wait(1)
    found = run(m, {0: one(limit(1, 6, 99, tif)), 1: one(modify(0, 3, 101))})
    assert ("MODIFY", "PENDING", "MODIFIED", 3, 1) in story(found)
    assert story(found)[-1] == last


def test_a_total_that_is_filled_ends_the_order():
    m = market().trade(0, 99, 9, -1).wait(1).trade(0, 98, 4, -1)
    found = run(m, {0: one(limit(1, 6, 99)), 1: one(modify(0, 3, 99))})
    assert story(found)[-1] == ("MODIFY", "FILLED", "MODIFIED", 4, 4)
    assert sum(f[2] for f in fills(found)) == 4


def test_a_change_of_an_order_that_was_never_to_rest_is_rejected():
    m = market().quote(0, 99, 5, 101, 4).wait(1)
    found = run(m, {0: one(Leg(0, 1, 2)), 1: one(modify(0, 9, 99), cancel(0))})
    assert [s[:3] for s in story(found)[2:]] == [
        ("MODIFY", "PENDING", "DECISION"),
        ("CANCEL", "PENDING", "DECISION"),
        ("MODIFY", "REJECTED", "NOT_RESTING"),
        ("CANCEL", "REJECTED", "NOT_RESTING"),
    ]


def test_what_rests_and_what_is_under_way_ends_with_the_data():
    found = run(market().quote(0, 99, 5, 101, 4), {0: one(limit(1, 6, 99)), 1: one(cancel(0))}, 1)
    assert story(found)[-2:] == [
        ("CANCEL", "REJECTED", "END_OF_DATA", 0, 0),
        ("UPDATE", "CANCELLED", "END_OF_DATA", 6, 0),
    ]


# --- money, rules, errors ----------------------------------------------------------------------


def test_a_maker_pays_the_makers_fee():
    model = traded.costs("50", "-25", "0", fee_exponent=-8)  # maker -0.7 bps on spot
    found = run(market().trade(0, 98, 6, -1).wait(1), {0: one(limit(1, 6, 99))}, model=model)
    fee = twins.rows_of(found.exact.fills)[0]["fee"]
    assert fee * 10**5 == -7 * 6 * 99 * 10**-found.ledger_exponent
    # Bought a point below the mid: slippage is negative.
    assert found.exact.attributions.slippage.tolist() == [-6 * 10 * 10**8]


TICKED = Instrument(
    symbol="T",
    venue="test",
    venue_symbol="T",
    kind=InstrumentKind.SPOT,
    price_exponent=0,
    qty_exponent=0,
    currency="USDT",
    base="BTC",
    tick=5,
)
traded.STEPPED["ticks"] = (TICKED, traded.UNIVERSES["coarse"][1])


def test_a_price_off_the_tick_is_refused():
    legs = (limit(1, 2, 95), limit(1, 2, 96))
    m = MarketBuilder().quote(0, 95, 5, 105, 5).wait(1).quote(0, 95, 5, 105, 5).wait(1)
    found = run(m, {0: one(*legs), 1: one(modify(0, 1, 97))}, universe="ticks")
    rows = [(r["rule"], r["value"], r["limit"]) for r in twins.rows_of(found.exact.risk)]
    assert rows == [(RiskRule.TICK, 96, 5), (RiskRule.TICK, 97, 5)]
    assert story(found, 1)[-1] == ("UPDATE", "CANCELLED", "REFUSED", 2, 0)
    assert ("MODIFY", "REJECTED", "REFUSED", 1, 0) in story(found)


def test_what_rests_and_what_a_change_adds_counts_to_the_position():
    limits = RiskLimits(max_position=FixedPoint(10, 0), max_orders_per_second=4)
    m = market()
    for _ in range(4):
        m.quote(0, 99, 5, 101, 4).wait(1)
    schedule = {
        0: one(limit(1, 6, 99)),
        1: one(limit(1, 5, 98), limit(-1, 10, 103)),
        2: one(modify(0, 10, 99)),
        3: one(limit(1, 1, 98), cancel(0), modify(0, 4, 99)),
        4: one(limit(1, 6, 98)),
    }
    found = run(m, schedule, limits=limits)
    rows = [(r["rule"], r["value"]) for r in twins.rows_of(found.exact.risk)]
    # 6 + 5; 10 + 1; and the fifth, for a change is an order and a cancel is not.
    assert rows == [
        (RiskRule.MAX_POSITION, 11),
        (RiskRule.MAX_POSITION, 11),
        (RiskRule.ORDERS_PER_SECOND, 5),
    ]


def test_a_second_change_adds_to_what_the_first_left():
    limits = RiskLimits(max_position=FixedPoint(10, 0))
    m = market().quote(0, 99, 5, 101, 4).wait(1).quote(0, 99, 5, 101, 4).wait(1)
    changes = {1: one(modify(0, 9, 99)), 2: one(modify(0, 10, 99))}
    found = run(m.quote(0, 99, 5, 101, 4), {0: one(limit(1, 6, 99)), **changes}, limits=limits)
    assert len(found.exact.risk) == 0
    assert story(found)[-1] == ("UPDATE", "CANCELLED", "END_OF_DATA", 10, 0)


class Bad(twins.Script):
    """Decides ``legs`` once."""

    strategy_id = "bad"
    legs: tuple[LegIntent, ...] = ()
    bundle: bool | None = None

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls > 1:
            return None
        return ctx.decide(self.legs, rationale=twins.RATIONALES[0], bundle=self.bundle)


RESTS = LegIntent("S", Side.BUY, 1, OrderType.LIMIT, 99)


@pytest.mark.parametrize(
    ("legs", "bundle", "said"),
    [
        ((RESTS,), True, "a bundle takes new orders that end on arrival"),
        ((LegIntent("S", Side.BUY, 0, action=CANCEL, target=0),), None, "names no order"),
        ((LegIntent("S", Side.BUY, 1, action=CANCEL, target=0),), None, "a cancel has 0"),
        ((LegIntent("S", Side.BUY, 0, action=CANCEL),), None, "target was None"),
        ((LegIntent("S", Side.BUY, 1, target=3),), None, "a new order has no target"),
        ((LegIntent("S", Side.BUY, 1, time_in_force=IOC),), None, "only a new limit order"),
        ((LegIntent("S", Side.BUY, 1, OrderType.LIMIT, 2**62),), None, "cannot be an order"),
    ],
)
def test_what_cannot_be_an_order_ends_the_run_with_a_sentence(legs, bundle, said):
    made = type("Bad", (Bad,), {"legs": legs, "bundle": bundle, "log": []})
    segment = MemorySegment(market().tables(), traded.UNIVERSES["coarse"])
    with pytest.raises(StrategyError, match=said) as caught:
        backtest(segment, made(), costs=FREE)
    assert "\n" not in str(caught.value)
