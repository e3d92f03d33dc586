"""Random entry: what it says of runs, and where it cannot say."""

import numpy as np
import pytest

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.path import funding as held_funding
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from quantlaxmi.stats.monte_carlo import studentised_at_least
from tests.gate_fakes import make_input, pair_trips, random_entries, walk_points
from tests.gates.test_random_entry import _case


def _edge_case(rows=4000, trips=40):
    """Sides that know the coming move of the basis."""
    points = walk_points(7, rows)
    rng = np.random.default_rng(7)
    actions = pair_trips(rng, rows, trips, sides=[1] * trips)
    basis = points.mid2[0] - points.mid2[1]
    known = []
    for (a, d), (b, _) in zip(actions[::2], actions[1::2], strict=True):
        side = 1 if basis[b] >= basis[a] else -1
        known += [
            (a, {i: side * q for i, q in d.items()}),
            (b, {i: -side * q for i, q in d.items()}),
        ]
    return points, known


def test_knowing_sides_passes_and_reports_net():
    points, actions = _edge_case()
    result = random_entries(make_input(points, actions))
    assert result.matched.verdict is Verdict.PASS
    assert result.matched.monte_carlo.exceedances == 0
    assert result.matched.details["net"]["draws"] == 200
    assert result.neutral.verdict is Verdict.PASS
    assert "limit 0.05" in result.matched.reasons[0]


def test_knowing_the_wrong_side_fails():
    points, actions = _edge_case()
    actions = [(r, {i: -q for i, q in d.items()}) for r, d in actions]
    result = random_entries(make_input(points, actions))
    assert result.matched.verdict is Verdict.FAIL
    assert result.matched.monte_carlo.exceedances == 200


def test_too_few_trips_are_inconclusive():
    points, actions = _case(trips=29, rows=2000)
    result = random_entries(make_input(points, actions))
    assert result.matched.verdict is Verdict.INCONCLUSIVE
    assert result.matched.reasons == (
        "Round trips: 29, at least 30 needed. Run on about 1.1 times as much data.",
    )


def test_no_trades_are_inconclusive():
    result = random_entries(make_input(walk_points(0, 10), []))
    assert result.neutral.verdict is Verdict.NOT_APPLICABLE  # nothing is drawn


def test_too_few_arrangements_are_inconclusive():
    points = walk_points(0, 66)
    actions = []
    for k in range(30):  # equal trips with 6 free rows: C(36, 30) = 1,947,792 ways
        actions += [(2 * k, {0: 1}), (2 * k + 1, {0: -1})]
    many = random_entries(make_input(points, actions))
    assert many.matched.verdict is not Verdict.INCONCLUSIVE
    points = walk_points(0, 61)  # one free row: 31 ways
    few = random_entries(make_input(points, actions))
    assert few.matched.reasons == (
        "Distinct arrangements: 31, at least 1000 needed. Run on more data.",
    )
    # No entry is drawn, so the guard on drawn entries blocks no verdict.
    assert few.matched.verdict is Verdict.INCONCLUSIVE
    assert few.neutral.verdict is Verdict.NOT_APPLICABLE


def test_no_room_is_inconclusive():
    can = np.zeros(2000, bool)
    can[:20] = True
    points, actions = _case(trips=30, rows=2000, can_trade=can)
    result = random_entries(make_input(points, actions))
    assert result.matched.verdict is Verdict.INCONCLUSIVE
    assert "there are 20" in result.matched.reasons[0]


def test_net_is_left_out_above_the_limit_of_bundles():
    rng = np.random.default_rng(2)
    points = walk_points(2, 3000)
    actions = []
    for k, (row, deltas) in enumerate(pair_trips(rng, 3000, 30)):
        actions.append((row, {i: q * (1 + k // 2) for i, q in deltas.items()}))
    result = random_entries(make_input(points, actions))
    assert result.matched.details["net"] is None
    assert "limit is 16" in result.matched.details["net_unavailable"]
    assert result.matched.verdict is not Verdict.INCONCLUSIVE


def test_net_is_left_out_above_the_limit_of_payments(monkeypatch):
    points, actions = _case(trips=30, rows=2000, dues=[(row, 0, 5) for row in range(100, 1100)])
    whole = random_entries(make_input(points, actions)).matched
    assert whole.details["net"] is not None
    assert whole.details["funding"] != "0.00000000000000000"
    monkeypatch.setattr(held_funding, "MAX_PAYMENTS", 1999)
    found = random_entries(make_input(points, actions)).matched
    assert found.details["net"] is None
    assert found.details["net_unavailable"] == (
        "2 positions (with their opposites) over 1000 funding settlements are 2000 payments, the "
        "limit is 1999."
    )
    assert found.monte_carlo == whole.monte_carlo


def test_wide_funding_is_left_out_not_wrapped():
    points, actions = _case(trips=30, rows=2000, dues=[(700, 0, 2**64)])
    context = make_input(points, actions)
    found = random_entries(context).matched
    assert found.details["net"] is None
    assert "the limit is 2^62" in found.details["net_unavailable"]


def test_funding_that_is_not_the_replays_is_an_engine_error():
    points, actions = _case(trips=30, rows=2000, dues=[(row, 0, 5) for row in range(0, 2000, 7)])
    context = make_input(points, actions)
    object.__setattr__(context.path, "funding", context.path.funding + 1)
    with pytest.raises(EngineError, match="gave net"):
        random_entries(context)


def test_wide_numbers_are_refused_not_wrapped():
    points, actions = _case(trips=30, rows=2000)
    points.mid2[0] = np.random.default_rng(0).integers(1, 2**62, 2000)
    points.size[:] = 2**62
    actions = [(r, {0: d[0] * 10**9, 1: d[1]}) for r, d in actions]
    result = random_entries(make_input(points, actions))
    assert result.matched.verdict is Verdict.INCONCLUSIVE
    assert "limit" in result.matched.reasons[0]


def test_ties_count_against_the_strategy():
    points = walk_points(0, 3000)
    points.mid2[:] = 10**6
    _, actions = _case(trips=30, rows=3000)
    result = random_entries(make_input(points, actions))
    assert result.matched.monte_carlo.exceedances == result.matched.monte_carlo.draws


def test_draws_grow_once_where_the_interval_holds_alpha():
    points, actions = _case(trips=30, rows=2000)
    policy = GatePolicy(
        alpha="0.5", random_sides={"n_draws": 60}, random_entry={"n_sims": 60, "n_neutral_pairs": 2}
    )
    found = {
        random_entries(make_input(points, actions, policy=policy, seed=s)).matched.monte_carlo
        for s in range(6)
    }
    assert {c.draws for c in found} <= {60, 600}
    for count in found:
        assert count.extended == (count.draws == 600)


@pytest.mark.parametrize(
    ("draw", "own", "expected"),
    [
        ((3, 9), (3, 9), True),
        ((-3, 9), (3, 9), False),
        ((3, 16), (3, 9), False),
        ((-1, 100), (-1, 1), True),
        ((0, 0), (1, 1), False),
        ((0, 0), (-1, 1), True),
        ((-1, 1), (0, 0), False),
        ((0, 5), (0, 0), True),
        ((10**37 + 1, 10**38), (10**37, 10**38), True),
        ((10**37 - 1, 10**38), (10**37, 10**38), False),
    ],
)
def test_studentised_comparison_is_exact(draw, own, expected):
    assert studentised_at_least(*draw, *own) is expected
