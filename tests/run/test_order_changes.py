"""Changes of orders: what limits see of those in flight, and whose the fills after them are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates.observation import path_of
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.schema import FillFlag, OrderAction, OrderReason, OrderType, RiskRule
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive.engine import Leg
from tests.run.test_attribution import check, check_identities
from tests.run.test_order_flows import order_cases
from tests.run.test_orders import cancel, fills, limit, modify, one, story

#: Without fees, and money in whole units.
FREE = traded.costs("0", "0", "0", fee_exponent=0)
POSITION, NOTIONAL, LOSS = RiskRule.MAX_POSITION, RiskRule.MAX_NOTIONAL, RiskRule.MAX_LOSS


def quotes(*bids, step=10):
    """A quote every 10 ns, the touch a point wide, much shown."""
    builder = MarketBuilder()
    for bid in bids:
        builder.quote(0, bid, 50, bid + 1, 50).wait(step)
    return builder


def run(builder, schedule, latency=1, **limits):
    wanted = RiskLimits(**{name: FixedPoint(value, 0) for name, value in limits.items()})
    case = Case("c", builder.tables(), schedule, latency, False, "coarse", FREE, wanted)
    return twins.check_case(case)[0]


def broken(found):
    """(rule, decision, value) of every row."""
    return [(r["rule"], r["decision"], r["value"]) for r in twins.rows_of(found.exact.risk)]


# --- changes in flight together ----------------------------------------------------------------


def test_an_order_counts_as_the_largest_that_its_changes_in_flight_make_it():
    """Five rest; down to 2 and up to 5 are under way when 3 more are wanted."""
    m = quotes(*[100] * 10).trade(0, 98, 99, -1).wait(1)
    changes = {3: one(modify(0, 2, 99)), 4: one(modify(0, 5, 99))}
    schedule = {0: one(limit(1, 5, 99)), **changes, 6: one(limit(1, 3, 99))}
    found = run(m, schedule, latency=25, max_position=5)
    assert broken(found) == [(POSITION, 3, 8)]
    assert [f[:3] for f in fills(found)] == [(0, 99, 5)]


def test_what_is_filled_already_does_not_count_again():
    """Two of five are filled: raised to 9 there are seven to come, with the two held nine."""
    m = quotes(100, 100).quote(0, 98, 50, 99, 2).wait(10).quote(0, 100, 50, 101, 50).wait(10)
    m.quote(0, 100, 50, 101, 50).wait(1)
    schedule = {0: one(limit(1, 5, 99)), 3: one(modify(0, 9, 99)), 4: one(limit(1, 1, 98))}
    assert broken(run(m, schedule, max_position=9)) == [(POSITION, 2, 10)]
    assert broken(run(m, schedule, latency=4, max_position=8)) == [(POSITION, 1, 9)]


def test_two_changes_in_one_decision_count_as_the_larger():
    m = quotes(*[100] * 4)
    both = one(modify(0, 9, 99), modify(0, 7, 99), limit(1, 2, 98), limit(1, 1, 98))
    found = run(m, {0: one(limit(1, 5, 99)), 2: both}, max_position=11)
    assert broken(found) == [(POSITION, 1, 12)]


def test_a_refused_change_raises_nothing():
    m = quotes(*[100] * 4)
    both = one(modify(0, 12, 99), limit(1, 5, 98))
    found = run(m, {0: one(limit(1, 5, 99)), 2: both}, max_position=10)
    assert broken(found) == [(POSITION, 1, 12)]


def test_an_order_is_no_close_while_a_change_can_still_make_it_too_large():
    """Five are held and to be sold: 2, or 5 again, and 3 more, which would leave -3."""
    m = quotes(*[100] * 10).trade(0, 120, 99, 1).wait(1)
    opening, closing = one(Leg(0, 1, 5)), one(limit(-1, 5, 110))
    changes = {4: one(modify(1, 2, 110)), 5: one(modify(1, 5, 110))}
    schedule = {0: opening, 3: closing, **changes, 7: one(limit(-1, 3, 110))}
    found = run(m, schedule, latency=25, max_notional=520)
    assert broken(found) == []  # three at 110 are within the limit
    assert [f["position"] for f in twins.rows_of(found.exact.fills)] == [5, 0, -3]
    # Once a loss was passed only what closes may be sent.
    m = quotes(100, 100, 100, 100, 50, 50, 50, 50, 50, 50).trade(0, 120, 99, 1).wait(1)
    found = run(m, schedule, latency=25, max_loss=9)
    assert broken(found) == [(LOSS, 4, -252)]
    assert [f["position"] for f in twins.rows_of(found.exact.fills)] == [5, 0]


# --- prices ------------------------------------------------------------------------------------


def test_a_change_of_the_price_is_held_against_the_notional():
    """As a new order there is: ten at 199."""
    m = quotes(100, 100, 200, 200, 200, 200).trade(0, 198, 30, -1).wait(1)
    schedule = {0: one(limit(1, 10, 100)), 3: one(modify(0, 10, 199))}
    found = run(m, schedule, max_notional=1000)
    assert broken(found) == [(NOTIONAL, 1, 1990)]
    assert ("MODIFY", "REJECTED", "REFUSED", 10, 0) in story(found)
    assert fills(found) == []
    assert broken(run(m, {3: one(limit(1, 10, 199))}, max_notional=1000)) == [(NOTIONAL, 0, 1990)]


def test_the_notional_is_at_what_the_change_leaves_and_the_position_at_what_there_is():
    m = quotes(100, 100, 200, 200, 200)
    schedule = {0: one(limit(1, 10, 100)), 3: one(modify(0, 5, 199), limit(1, 1, 90))}
    found = run(m, schedule, max_notional=1000, max_position=10)
    # 5 at 199 are 995; but until that has arrived ten may be bought, and one more.
    assert broken(found) == [(POSITION, 1, 11)]
    assert ("MODIFY", "PENDING", "MODIFIED", 5, 0) in story(found)


def test_a_change_of_the_price_is_no_way_around_a_passed_loss():
    m = quotes(100, 100, 90, 90, 90, 90)
    schedule = {0: one(Leg(0, 1, 1), limit(1, 10, 80)), 3: one(modify(1, 10, 91))}
    found = run(m, schedule, max_loss=5)
    assert broken(found) == [(LOSS, 1, -10)]
    assert [f[:3] for f in fills(found)] == [(0, 101, 1)]


@pytest.mark.parametrize("price", [95, 97])
def test_a_change_of_what_closes_passes(price):
    m = quotes(100, 100, 90, 90, 90, 90)
    opening = one(Leg(0, 1, 10))
    schedule = {0: opening, 1: one(limit(-1, 10, 110)), 3: one(modify(1, 10, price))}
    assert broken(run(m, schedule, max_loss=5, max_notional=1010)) == []
    wider = {**schedule, 3: one(modify(1, 11, price))}
    assert broken(run(m, wider, max_loss=5)) == [(LOSS, 2, -105)]


def test_less_at_the_same_price_always_passes():
    m = quotes(100, 100, 90, 90, 90, 90)
    start = {0: one(Leg(0, 1, 1), limit(1, 10, 80))}
    limits = {"max_loss": 5, "max_notional": 990, "max_position": 11}
    found = run(m, {**start, 3: one(modify(1, 9, 80))}, **limits)
    assert broken(found) == []
    # The price of what it will find counts too: 10 at 80 again, with less on its way, is more.
    changes = {3: one(modify(1, 4, 80)), 4: one(modify(1, 10, 80))}
    assert broken(run(m, {**start, **changes}, latency=15, **limits)) == [(LOSS, 2, -10)]
    both = {3: one(modify(1, 4, 80), modify(1, 10, 80), modify(1, 3, 80))}
    assert broken(run(m, {**start, **both}, **limits)) == [(LOSS, 1, -10)]


def test_a_change_of_an_order_that_has_ended_changes_nothing_and_is_not_refused():
    m = quotes(100, 100, 90, 90, 90, 90)
    schedule = {0: one(Leg(0, 1, 1), limit(1, 2, 80)), 1: one(cancel(1)), 4: one(modify(1, 9, 99))}
    found = run(m, schedule, max_loss=5, max_position=2)
    assert broken(found) == [(POSITION, 0, 3)]
    assert story(found, 1)[-1] == ("MODIFY", "REJECTED", "NOT_RESTING", 9, 0)


# --- whose the fills are -----------------------------------------------------------------------


def test_an_order_with_a_new_price_is_measured_against_the_decision_that_gave_it():
    """Sent at mid 100.5, moved to 200 when the mid is 200.5: half a point was earned."""
    m = quotes(100, 100, 200).quote(0, 200, 7, 201, 9).wait(4).trade(0, 250, 1, 1).wait(6)
    m.quote(0, 300, 5, 301, 5).wait(1).trade(0, 199, 3, -1).wait(1)
    found = run(m, {0: one(limit(1, 1, 99)), 4: one(limit(-1, 1, 900), modify(0, 1, 200))})
    (fill,) = twins.rows_of(found.exact.fills)
    assert (fill["order"], fill["decision"], fill["leg"]) == (0, 1, 2)
    assert found.exact.attributions.reference_price.tolist() == [2005]
    (seen,) = found.trade_attributions()
    unit = 10**-seen.exponent
    assert (seen.gross * 2, seen.slippage * 2) == (-401 * unit, -unit)
    assert seen.book_depth_at_decision == 9
    assert seen.spread_at_decision_bps == round(10**8 / 200.5)
    # The fill names its order, and leads to the decision that moved it.
    context = found.trace.fills[0].correlation
    assert context.decision_id == found.trace.decisions[1].correlation.decision_id
    assert context.order_id == found.trace.orders[0].correlation.order_id
    rows = [o for o in twins.rows_of(found.exact.orders) if o["order"] == 0]
    assert [o["decision"] for o in rows] == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("change", "decisions"),
    [
        (modify(0, 3, 99), [0, 0]),  # less: the place is kept, and the decision
        (modify(0, 7, 99), [0, 1]),
        (modify(0, 4, 98), [0, 1]),
        (modify(0, 1, 98), [0]),  # ended by it
    ],
)
def test_a_change_that_keeps_the_place_keeps_the_decision(change, decisions):
    m = quotes(100, 100).quote(0, 98, 5, 99, 2).wait(1).quote(0, 110, 5, 111, 5).wait(9)
    m.trade(0, 97, 9, -1).wait(1)
    found = run(m, {0: one(limit(1, 4, 99)), 3: one(change)})
    rows = twins.rows_of(found.exact.fills)
    assert [f["decision"] for f in rows] == decisions
    mids = {0: 1005, 1: 1105}
    assert found.exact.attributions.reference_price.tolist() == [mids[d] for d in decisions]


def test_a_change_that_comes_too_late_takes_nothing_over():
    m = quotes(100, 100, 200).trade(0, 98, 9, -1).wait(30).trade(0, 98, 9, -1)
    found = run(m, {0: one(limit(1, 1, 99)), 2: one(modify(0, 1, 200))}, latency=15)
    assert [f["decision"] for f in twins.rows_of(found.exact.fills)] == [0]
    assert story(found)[-1][2] == "NOT_RESTING"


def test_gates_value_what_a_changed_order_filled_at_the_row_of_its_change():
    """Sent first and filled last: the path has it where its price was given."""
    m = MarketBuilder().quote(1, 300, 5, 301, 5)
    for bid in (100, 100, 200, 200):
        m.quote(0, bid, 50, bid + 1, 50).wait(10)
    m.trade(0, 198, 9, -1).wait(9).quote(0, 300, 5, 301, 5)
    schedule = {1: one(limit(1, 2, 99)), 2: one(Leg(0, 1, 1)), 3: one(modify(0, 2, 199))}
    case = Case("c", m.tables(), schedule, 1, False, "coarse", FREE)
    found, _ = twins.check_case(case)
    assert [f["decision"] for f in twins.rows_of(found.exact.fills)] == [1, 2]
    path = path_of(found, decision_points(found))
    assert [(a.bundle, a.cost) for a in path.trips[0].actions[:2]] == [
        (((0, 1),), 5),
        (((0, 2),), -30),
    ]
    assert path.gross == 10 * 300 * 3 + 5 * 3 - (1005 + 2 * 2005)


# --- of random flows ---------------------------------------------------------------------------


@st.composite
def changing_cases(draw, max_messages=110):
    """Orders of one instrument that are changed again and again, under one limit."""
    n, seeds = draw(st.integers(0, max_messages)), st.integers(0, 2**32 - 1)
    kinds = draw(st.sampled_from(["lpdddd", "lde", "mlppdddee", "lllcddd"]))
    return Case(
        "changing",
        random_markets.random_market(draw(seeds), n, 1),
        random_markets.random_orders(
            draw(seeds), n, 1, draw(st.sampled_from([0.3, 1.0])), 3, kinds
        ),
        draw(st.sampled_from([0, 1, 2, 5, 13])),
        False,
        draw(st.sampled_from(["coarse", "lots"])),
        draw(st.sampled_from(traded.COSTS)),
    )


STEPS = st.tuples(
    st.sampled_from("-nnmmmm"), st.integers(1, 6), st.integers(0, 3), st.integers(95, 99)
)


@st.composite
def resting_cases(draw):
    """Orders that rest in a still market, their changes, and at the end trades that fill all."""
    m, schedule, side = MarketBuilder(), {}, draw(st.sampled_from([1, 1, -1]))
    for call, (what, qty, target, price) in enumerate(draw(st.lists(STEPS, max_size=40))):
        m.quote(0, 100, 50, 101, 50).wait(2)
        price = price if side > 0 else 201 - price
        if what == "n":
            schedule[call] = one(limit(side, qty, price))
        elif what == "m":
            leg = modify(target, qty, price - 100)
            schedule[call] = replace(one(leg), relative=True)
    m.wait(40).trade(0, 1, 999, -1).trade(0, 999, 999, 1).wait(9).quote(0, 100, 50, 101, 50)
    return Case("rests", m.tables(), schedule, draw(st.integers(0, 20)))


FLOWS = st.one_of(order_cases(universes=("coarse", "lots")), changing_cases(), resting_cases())


@settings(max_examples=examples(500), deadline=None)
@given(FLOWS, st.integers(1, 25))
def test_no_position_passes_its_limit(case, most):
    limits = RiskLimits(max_position=FixedPoint(most, 0))
    found, _ = twins.check_case(replace(case, limits=limits, flatten=False))
    for fill in twins.rows_of(found.exact.fills):
        assert fill["flags"] & FillFlag.TRIM or abs(fill["position"]) <= most


@settings(max_examples=examples(300), deadline=None)
@given(changing_cases(), st.sampled_from([0, 2_000, 9_030]), st.sampled_from([0, 1, 30]))
def test_changes_under_limits_match_naive(case, notional, loss):
    amounts = {"max_notional": FixedPoint(notional, 0), "max_loss": FixedPoint(loss, 0)}
    twins.check_case(replace(case, limits=RiskLimits(**amounts)))


@settings(max_examples=examples(200), deadline=None)
@given(order_cases())
def test_attribution_matches_naive(case):
    check_identities(*check(case))


@settings(max_examples=examples(200), deadline=None)
@given(order_cases())
def test_every_fill_is_of_the_leg_that_gave_its_price(case):
    found, _ = twins.run_case(case)
    legs, decisions = twins.rows_of(found.exact.legs), twins.rows_of(found.exact.decisions)
    sent = {o["order"]: o["leg"] for o in twins.rows_of(found.exact.orders) if o["kind"] == 1}
    mids = found.exact.attributions.reference_price.tolist()
    for fill, mid in zip(twins.rows_of(found.exact.fills), mids, strict=True):
        if fill["leg"] < 0:
            continue
        leg = legs[fill["leg"]]
        assert (leg["decision"], leg["side"]) == (fill["decision"], fill["side"])
        assert mid == leg["reference_price"]
        changed = leg["action"] == OrderAction.MODIFY
        assert leg["target"] == fill["order"] if changed else sent[fill["order"]] == fill["leg"]
        assert fill["ts_ns"] >= decisions[fill["decision"]]["ts_ns"] + case.latency_ns
        if fill["flags"] & FillFlag.MAKER:
            assert fill["price"] == leg["limit_price"]
        elif leg["order_type"] == OrderType.LIMIT:
            assert (leg["limit_price"] - fill["price"]) * fill["side"] >= 0


def test_flows_have_changes_in_flight_together_and_fills_after_changes():
    refused, changed = set(), 0
    for seed in range(30):
        market, flow = (
            random_markets.random_market(seed, 110),
            random_markets.random_orders(seed, 110),
        )
        limits = RiskLimits(max_position=FixedPoint(12, 0), max_notional=FixedPoint(11_000, 0))
        case = Case("c", market, flow, seed % 14, universe="coarse", limits=limits)
        found, engine = twins.check_case(case)
        refused |= {
            (o["kind"], o["reason"]) for o in engine.orders if o["reason"] == OrderReason.REFUSED
        }
        changed += sum(
            f["leg"] >= 0 and engine.legs[f["leg"]]["action"] == OrderAction.MODIFY
            for f in engine.fills
        )
        assert found.n_fills == len(engine.fills)
    assert {kind for kind, _ in refused} == {2, 4}
    assert changed > 20
