"""Funding at decision points and in random entry's draws: what the engine booked, exactly."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.gates import random_entry
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.observation import path_of
from quantlaxmi.gates.path.placement import PlacementError
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import EventKind
from quantlaxmi.segment import open_segment
from tests import cases, market_builder, random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.gates.test_engine import DATA, QUICK, funded_segment
from tests.naive.engine import Decision, Leg
from tests.run.test_replay_loop import random_cases


def check_settlements(case: Case) -> int:
    """Every payment of a run is the decision points', made on what had arrived before its time."""
    run, _ = twins.run_case(case)
    points = decision_points(run)
    times = points.settlements[:, 1]
    assert all(a <= b for a, b in pairwise(times.tolist()))
    # Orders at the market are filled when they arrive; flattening comes after everything.
    fills = [f for f in twins.rows_of(run.exact.fills) if f["decision"] >= 0]
    expected = []
    for number, (i, before, mark, rate) in enumerate(points.settlements.tolist()):
        held = sum(
            f["side"] * f["qty"] for f in fills if f["instrument"] == i and f["ts_ns"] < before
        )
        if held:
            amount = points.funding(((i, held),))[number]
            expected.append((i, held, mark, rate, amount))
    paid = [
        (f["instrument"], f["position"], f["mark"], f["rate"], 10 * f["amount"])
        for f in twins.rows_of(run.exact.funding)
    ]
    # The points have them by time; the run has one that was announced late when it was paid.
    assert sorted(paid) == sorted(expected)
    late = [
        int(sum(before <= ts + case.latency_ns for before in times.tolist()))
        for ts in points.ts_ns.tolist()
    ]
    assert points.settled.tolist() == late
    return len(paid)


@settings(max_examples=examples(300), deadline=None)
@given(random_cases(slow=True))
def test_settlements_are_those_of_the_run(case):
    check_settlements(case)


@pytest.mark.parametrize("case", cases.replay_cases(), ids=str)
def test_settlements_of_the_corners(case):
    for universe in traded.UNIVERSES:
        check_settlements(
            Case(case.name, case.tables, case.schedule, case.latency_ns, case.flatten, universe)
        )


def test_some_markets_settle():
    """The comparison above is not empty."""
    made = [
        Case(
            "m",
            random_markets.random_market(seed, 90),
            random_markets.random_schedule(seed, 90, share=0.5),
        )
        for seed in range(20)
    ]
    assert sum(map(check_settlements, made)) > 20


def calm_case(seed, latency, model) -> Case:
    """Valid books of ample size; settlements announced early, late, twice, changed and overdue."""
    r = Random(seed)
    builder = (
        market_builder.MarketBuilder().quote(0, 1000, 99, 1001, 99).quote(1, 1010, 99, 1011, 99)
    )
    for _ in range(150):
        builder.wait(r.choice((0, 0, 1, 1, 2, 5)))
        k, mid = r.randrange(2), 1000 + r.randrange(-9, 10)
        if r.random() < 0.3:
            mark = r.choice((0, mid))
            rate = r.choice((50_000_000, -50_000_000, 12_345_678, -7, 99_999_999))
            builder.funding(k, mark, rate, builder.ts_ns + r.choice((-3, 0, 1, 2, 4, 9)))
        else:
            builder.quote(k, mid, 99, mid + r.randrange(1, 4), 99)
    schedule = {
        call: Decision(tuple(Leg(k, r.choice((1, -1)), r.choice((1, 2, 3))) for k in legs))
        for call in r.sample(range(2, 150), 20)
        for legs in (r.choice(((0,), (1,), (0, 1))),)
    }
    return Case("calm", builder.tables(), schedule, latency, False, "coarse", model)


def stretched(case: Case, factor: int) -> Case:
    """The same with every time multiplied, so that interest counts."""
    tables = random_markets.stretched(case.tables, factor)
    return replace(case, tables=tables, latency_ns=case.latency_ns * factor)


def check_identity(case: Case) -> tuple[bool, bool]:
    """The identity draw against the ledger; whether there was funding and interest in it."""
    run, _ = twins.run_case(case)
    policy = QUICK.replace(random_entry={"max_net_bundles": 100})
    suite = G2AntiOverfitSuite.from_run(run, policy=policy)
    path = suite.context.path
    try:
        lay = random_entry._build(suite.context)
    except PlacementError:
        return False, False
    assert not lay.costs.reason
    net = random_entry._own_sums(suite.context, lay)[2] * lay.costs.unit
    assert net - path.stray_cost == path.net == run.exact.net_pnl
    return path.funding != 0, path.borrow != 0


@settings(max_examples=examples(150), deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 2, 5]),
    st.sampled_from(traded.COSTS),
    st.sampled_from([1, 10**13, 86_400 * 10**9]),
)
def test_the_identity_draw_is_the_ledger_on_random_markets(seed, latency, model, factor):
    case = stretched(calm_case(seed, latency, model), factor)
    check_settlements(case)
    check_identity(case)


def test_random_markets_have_identities_with_funding():
    found = [
        check_identity(stretched(calm_case(seed, 1, traded.COSTS[1]), 10**13)) for seed in range(40)
    ]
    assert sum(funded for funded, _ in found) > 20
    assert sum(lent for _, lent in found) > 20


@pytest.mark.parametrize("which", ["planted", "edgeless"])
def test_a_segment_with_many_settlements(which):
    segment = funded_segment(open_segment(DATA / which))
    run = backtest(segment, "basis_capture")
    assert len(run.exact.funding) > 30
    suite = G2AntiOverfitSuite.from_run(run, policy=QUICK)
    assert suite.context.path.net == run.exact.net_pnl
    assert suite.run_random_entry().details["net"] is not None
    assert suite.run_neutral_entry().verdict is Verdict.PASS
    total = sum(10 * f["amount"] for f in twins.rows_of(run.exact.funding))
    assert suite.context.path.funding == total != 0
    # Without funding the draws' sums would be others.
    lay = random_entry._build(suite.context)
    assert random_entry._own_sums(suite.context, lay)[2] * lay.costs.unit == (
        suite.context.path.net + suite.context.path.stray_cost
    )


def test_a_position_open_at_the_end_meets_settlements_after_the_last_row():
    builder = market_builder.MarketBuilder().quote(0, 100, 9, 101, 9).quote(1, 100, 9, 101, 9)
    for k in range(40):
        builder.wait(10).funding(1, 100, 5_000_000, builder.ts_ns + 25)
        if k < 30:
            builder.quote(1, 100 + k % 2, 9, 102, 9)
    schedule = {3: Decision((Leg(1, 1, 2),)), 9: Decision((Leg(1, 1, 1),))}
    case = Case("open", builder.wait(40).trade(0, 1, 1, 1).tables(), schedule, 3)
    run, _ = twins.run_case(case, kinds=(EventKind.QUOTE,))
    points = decision_points(run)
    path = path_of(run, points)
    assert path.trips[-1].open_at_end
    late = [f for f in twins.rows_of(run.exact.funding) if f["ts_ns"] > int(points.ts_ns[-1])]
    assert len(late) > 1
    suite = G2AntiOverfitSuite.from_run(run, policy=QUICK)
    lay = random_entry._build(suite.context)
    assert random_entry._own_sums(suite.context, lay)[2] * lay.costs.unit == run.exact.net_pnl
    assert np.array_equal(lay.carry.funding.own_settled[-1:], [len(points.settlements)])


def test_an_open_position_is_marked_where_the_ledger_marks_it():
    """Mids moved after the strategy was last asked: the end of the data is a row more."""
    builder = (
        market_builder.MarketBuilder().quote(0, 100, 9, 101, 9).quote(1, 100, 9, 101, 9).wait(5)
    )
    builder.quote(0, 100, 9, 102, 9).wait(5).quote(0, 80, 9, 82, 9, quiet=True)
    case = Case("moved", builder.tables(), {1: Decision((Leg(0, 1, 2),))})
    run, _ = twins.run_case(case)
    points = decision_points(run)
    assert points.mid2[0].tolist() == [201, 201, 202, 162]
    assert points.can_trade.tolist() == [True, True, True, False]
    assert not points.cost(((0, 1),)).fillable[-1]
    path = G2AntiOverfitSuite.from_run(run, policy=QUICK).context.path
    assert path.trips[-1].actions[-1].row == 3
    assert path.net == run.exact.net_pnl
