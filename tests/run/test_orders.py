"""Corners of orders that rest, each worked out by hand; the twin is held to them too."""

from __future__ import annotations

import pytest

from quantlaxmi.run.result import Run
from quantlaxmi.schema import (
    FillFlag,
    OrderAction,
    OrderEventKind,
    OrderReason,
    OrderStatus,
    TimeInForce,
)
from tests import traded, twins
from tests.cases import Case
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg

GTC, IOC, POST = list(TimeInForce)[:3]  # the others are of orders inside bars
MODIFY, CANCEL = OrderAction.MODIFY, OrderAction.CANCEL
PRO_RATA = traded.costs("0", "0", "0", queue="pro_rata")
FREE = traded.COSTS[3]


def limit(side, qty, price, tif=GTC, k=0):
    return Leg(k, side, qty, 1, price, int(tif))


def cancel(target, k=0):
    return Leg(k, 1, 0, action=int(CANCEL), target=target)


def modify(target, qty, price, k=0):
    return Leg(k, 1, qty, 1, price, action=int(MODIFY), target=target)


def one(*legs):
    return Decision(tuple(legs), bundle=False)


def market():
    """One quote at seq 0, bid 99 (5 shown) and ask 101 (4 shown), then a nanosecond."""
    return MarketBuilder().quote(0, 99, 5, 101, 4).wait(1)


def run(
    builder, schedule, latency=0, model=FREE, universe="coarse", limits=traded.NO_LIMITS
) -> Run:
    case = Case("c", builder.tables(), schedule, latency, False, universe, model, limits)
    return twins.check_case(case)[0]


def fills(found):
    """(order, price, qty, seq, flags) of every fill."""
    return [
        (f["order"], f["price"], f["qty"], f["seq"], f["flags"])
        for f in twins.rows_of(found.exact.fills)
    ]


def story(found, order=0):
    """(event, status, reason, qty, filled) of an order's rows."""
    return [
        (
            OrderEventKind(o["kind"]).name,
            OrderStatus(o["status"]).name,
            OrderReason(o["reason"]).name,
            o["qty"],
            o["filled_qty"],
        )
        for o in twins.rows_of(found.exact.orders)
        if o["order"] == order
    ]


SENT = ("NEW", "PENDING", "DECISION")
MAKER = int(FillFlag.MAKER)


# --- the queue ---------------------------------------------------------------------------------


def test_two_trades_fill_in_part_after_the_size_that_was_there_first():
    m = market().trade(0, 99, 3, -1).trade(0, 99, 4, -1).trade(0, 99, 9, -1).wait(1)
    found = run(m.trade(0, 99, 1, -1), {0: one(limit(1, 6, 99))})
    # Five were ahead: 3 and 2 of the first two trades; then 2 of the second and 4 of the third.
    assert fills(found) == [(0, 99, 2, 2, MAKER), (0, 99, 4, 3, MAKER)]
    assert story(found) == [
        (*SENT, 6, 0),
        ("UPDATE", "RESTING", "RESTS", 6, 0),
        ("UPDATE", "RESTING", "FILLED", 6, 2),
        ("UPDATE", "FILLED", "FILLED", 6, 6),
    ]


def test_a_trade_of_the_same_side_says_nothing_at_the_price():
    m = market().trade(0, 99, 50, 1).wait(1).trade(0, 99, 5, -1)
    assert fills(run(m, {0: one(limit(1, 6, 99))})) == []


@pytest.mark.parametrize("aggressor", [1, -1, 0])
def test_a_trade_beyond_the_price_fills_the_whole_order(aggressor):
    """Whatever it traded: nothing would have traded there before all of ours was gone."""
    m = market().trade(0, 98, 2, aggressor).trade(0, 99, 3, -1).wait(1)
    found = run(m, {0: one(limit(1, 6, 99))})
    assert fills(found) == [(0, 99, 6, 1, MAKER)]
    assert story(found)[-1] == ("UPDATE", "FILLED", "FILLED", 6, 6)


def test_what_a_trade_beyond_fills_is_not_there_at_its_own_price():
    m = MarketBuilder().quote(0, 90, 1, 110, 1).wait(1).trade(0, 95, 7, -1).wait(1)
    legs = (limit(1, 4, 96), limit(1, 9, 95), limit(1, 1, 97))
    assert [f[:3] for f in fills(run(m, {0: one(*legs)}))] == [(2, 97, 1), (0, 96, 4), (1, 95, 2)]
    legs = (limit(1, 40, 96), limit(1, 9, 95))
    assert [f[:3] for f in fills(run(m, {0: one(*legs)}))] == [(0, 96, 40)]


def test_no_more_is_ahead_than_is_displayed():
    """Five were ahead; two are shown later, whether traded or cancelled."""
    m = market().quote(0, 99, 2, 101, 4).wait(1).trade(0, 99, 3, -1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 99))})) == [(0, 99, 1, 2, MAKER)]
    # The touch falls below the price: nothing is shown there, so nothing is ahead.
    m = market().quote(0, 98, 2, 101, 4).quote(0, 99, 9, 101, 4).wait(1).trade(0, 99, 3, -1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 99))})) == [(0, 99, 3, 3, MAKER)]
    # It grows again: what was added stands behind.
    m = market().quote(0, 99, 2, 101, 4).quote(0, 99, 50, 101, 4).trade(0, 99, 3, -1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 99))})) == [(0, 99, 1, 3, MAKER)]
    # A book that is not valid shows nothing either way.
    m = market().quote(0, 0, 0, 101, 4).trade(0, 99, 6, -1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 99))})) == [(0, 99, 1, 2, MAKER)]


def test_depth_beyond_the_snapshot_is_unknown_but_for_what_changed():
    """A difference shows 90; what is between it and the snapshot's worst, 95, nobody knows."""
    levels = [(1, 99, 5), (1, 95, 1), (-1, 101, 4), (-1, 105, 4)]
    changes = [(1, 90, 3), (1, 95, 0), (-1, 110, 3), (-1, 105, 0)]
    for price, ahead in ((98, 0), (95, 0), (94, None), (91, None), (90, 3), (89, None)):
        for side in (1, -1):
            own, hit = (price, price) if side > 0 else (200 - price, 200 - price)
            m = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True)
            m.depth(0, (6, 6, -1), changes).wait(1).trade(0, hit, 9, -side).wait(1)
            found = run(m, {1: one(limit(side, 20, own))})
            filled = [f[2] for f in fills(found)]
            assert filled == ([] if ahead is None else [9 - ahead]), (price, side)


def test_a_snapshot_of_one_side_tells_nothing_of_the_other():
    levels = [(-1, 101, 4), (-1, 105, 4)]
    m = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True)
    m.depth(0, (6, 6, -1), [(1, 99, 5), (1, 90, 5)]).wait(1).trade(0, 95, 9, -1).wait(1)
    assert fills(run(m, {1: one(limit(1, 2, 95))})) == []


@pytest.mark.parametrize("model", [FREE, PRO_RATA])
def test_maker_fills_are_whole_lots(model):
    """Lot 2: of a trade's last 3, two; of a displayed 3, two; and a rest of one lot whole."""
    m = market().trade(0, 99, 8, -1).wait(1).quote(0, 96, 9, 98, 3).wait(1)
    found = run(
        m.trade(0, 98, 1, -1).wait(1), {0: one(limit(1, 6, 99))}, universe="lots", model=model
    )
    assert [f[2:4] for f in fills(found)] == [(2, 1), (2, 2), (2, 3)]


def test_an_order_that_improves_the_touch_has_nobody_ahead():
    m = market().trade(0, 100, 2, -1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 100))})) == [(0, 100, 2, 1, MAKER)]


def test_depth_says_what_is_ahead_deeper_than_the_touch():
    levels = [(1, 99, 5), (1, 97, 3), (1, 95, 1), (-1, 101, 4)]
    for price, ahead in ((97, 3), (96, 0), (95, 1)):
        m = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True).wait(1)
        found = run(m.trade(0, price, 4, -1), {0: one(limit(1, 6, price))})
        assert [f[2] for f in fills(found)] == [4 - ahead]


def test_between_a_fresher_touch_and_the_depth_the_place_is_unknown():
    levels = [(1, 96, 5), (1, 95, 1), (-1, 103, 4)]
    m = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True).quote(0, 99, 5, 101, 4)
    m.wait(1).trade(0, 98, 9, -1).trade(0, 97, 3, -1).wait(1)
    found = run(m, {1: one(limit(1, 6, 98))})
    # Nobody knows what stands at 98: only the trade beyond it fills.
    assert fills(found) == [(0, 98, 6, 3, MAKER)]


@pytest.mark.parametrize("recorded", [False, True])
def test_an_unknown_place_waits_for_the_touch(recorded):
    """Deeper than the touch without depth, or below the last level recorded."""
    m = MarketBuilder()
    if recorded:
        m.depth(0, (5, 5, -1), [(1, 99, 5), (1, 98, 5), (-1, 101, 4)], snapshot=True)
    m.quote(0, 99, 5, 101, 4).wait(1).trade(0, 97, 50, -1)  # not a fill: the place is unknown
    m.quote(0, 97, 3, 101, 4).wait(1).trade(0, 97, 2, -1).trade(0, 97, 2, -1).wait(1)
    found = run(m, {int(recorded): one(limit(1, 6, 97))})
    assert fills(found) == [(0, 97, 1, 4 + recorded, MAKER)]


def test_an_unknown_place_is_filled_by_a_trade_beyond_it():
    m = market().trade(0, 96, 2, 1).wait(1)
    assert fills(run(m, {0: one(limit(1, 6, 97))})) == [(0, 97, 6, 1, MAKER)]


def test_an_unknown_place_that_the_touch_leaves_behind_has_nobody_ahead():
    m = market().quote(0, 96, 5, 101, 4).wait(1).trade(0, 97, 2, -1)
    assert fills(run(m, {0: one(limit(1, 6, 97))})) == [(0, 97, 2, 2, MAKER)]


def test_the_opposite_touch_fills_what_it_displays_at_our_price():
    m = market().quote(0, 97, 5, 98, 2).wait(1).quote(0, 97, 5, 98, 4, quiet=True).wait(1)
    found = run(m.quote(0, 99, 5, 101, 2), {0: one(limit(1, 6, 99))})
    assert fills(found) == [(0, 99, 2, 1, MAKER), (0, 99, 2, 2, MAKER)]
    # Bought at 99 where 98 was offered: never at the better price of the book.
    fees = sum(f["fee"] for f in twins.rows_of(found.exact.fills))
    assert found.exact.cash["USDT"] + fees == -4 * 99 * 10**8


def test_size_taken_by_an_order_is_not_given_to_the_one_that_rests():
    m = market().quote(0, 97, 5, 98, 5).wait(1).trade(0, 1_000, 1, 1)
    found = run(m, {0: one(limit(1, 3, 99), limit(1, 9, 98)), 1: one(Leg(0, 1, 9))})
    assert [f[:3] for f in fills(found)] == [(0, 99, 3), (1, 98, 2)]
    assert story(found, 2)[-1][2] == "SIZE_EXHAUSTED"


def test_a_trade_is_given_out_once_by_price_then_age():
    m = MarketBuilder().quote(0, 90, 1, 110, 1).wait(1).trade(0, 95, 7, -1).wait(1)
    legs = (limit(1, 2, 95), limit(1, 3, 96), limit(1, 4, 95), limit(1, 9, 94))
    assert [f[:3] for f in fills(run(m, {0: one(*legs)}))] == [(1, 96, 3), (0, 95, 2), (2, 95, 2)]


def test_a_younger_order_never_passes_an_older_one():
    m = market().quote(0, 99, 1, 101, 4).wait(1).trade(0, 99, 4, -1).trade(0, 99, 4, -1).wait(1)
    found = run(m, {0: one(limit(1, 2, 99)), 1: one(limit(1, 2, 99))})
    # The first joined behind 5, of which 1 was left when the second came.
    assert [f[:4] for f in fills(found)] == [(0, 99, 2, 2), (1, 99, 1, 2), (1, 99, 1, 3)]


def test_a_place_becomes_known_with_the_depth_that_shows_it():
    """Of the older order as of the younger one, which comes with the depth."""
    m = market().depth(0, (5, 5, -1), [(1, 99, 5), (1, 97, 1), (1, 95, 1), (-1, 101, 4)], True)
    m.wait(1).trade(0, 97, 9, -1).trade(0, 96, 3, -1).wait(1)
    found = run(m, {0: one(limit(1, 2, 97)), 1: one(limit(1, 2, 97))})
    assert [f[:4] for f in fills(found)] == [(0, 97, 2, 2), (1, 97, 2, 2)]


def test_pro_rata_cancels_shorten_the_queue():
    """Eight ahead, as many behind; 2 traded, 7 left shown of 14: half was cancelled, 3 ahead."""
    m = MarketBuilder().quote(0, 99, 8, 101, 4).wait(1).quote(0, 99, 16, 101, 4).trade(0, 99, 2, -1)
    m.quote(0, 99, 7, 101, 4).trade(0, 99, 5, -1).wait(1)
    schedule = {0: one(limit(1, 6, 99))}
    assert fills(run(m, schedule)) == []
    assert fills(run(m, schedule, model=PRO_RATA)) == [(0, 99, 2, 4, MAKER)]


def test_pro_rata_fills_whole_lots():
    """Eight ahead of 16; three are cancelled, one of them ahead: of ten traded three are left."""
    m = MarketBuilder().quote(0, 99, 8, 101, 4).wait(1).quote(0, 99, 16, 101, 4)
    m.quote(0, 99, 13, 101, 4).trade(0, 99, 10, -1).wait(1)
    schedule = {0: one(limit(1, 6, 99))}
    found = run(m, schedule, universe="lots", model=PRO_RATA)
    assert fills(found) == [(0, 99, 2, 3, MAKER)]


def test_depth_finer_than_the_lot_is_taken_in_whole_lots():
    """Lots of two: of 3 at 101 two are taken, nothing of 1 at 102, and the rest of 9 at 103."""
    m = MarketBuilder().depth(
        0, (1, 1, -1), [(1, 99, 5), (-1, 101, 3), (-1, 102, 1), (-1, 103, 9)], snapshot=True
    )
    m.wait(1).quote(0, 99, 5, 101, 3)
    found = run(m, {0: one(Leg(0, 1, 6))}, universe="lots")
    assert fills(found) == [(0, 101, 2, 0, 0), (0, 103, 4, 0, FillFlag.DEPTH)]
    short = run(market().quote(0, 99, 5, 101, 3), {1: one(Leg(0, 1, 6))}, universe="lots")
    assert fills(short) == [(0, 101, 2, 1, 0)]
    assert twins.rows_of(short.exact.orders)[-1]["reason"] == OrderReason.SIZE_EXHAUSTED


# --- time in force -----------------------------------------------------------------------------
