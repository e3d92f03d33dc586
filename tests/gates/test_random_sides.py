"""Random sides: the kernel against its naive twin, and a diagnosis that decides nothing."""

import numpy as np
import pytest

from quantlaxmi._jit import random_sides as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates import random_sides
from quantlaxmi.gates.path.columns import BoundError, check_squares
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.random_sides import trip_gains
from quantlaxmi.gates.results import Verdict
from quantlaxmi.stats.monte_carlo import wide_ints
from tests.gate_fakes import judged, make_input, pair_trips, random_entries, walk_points
from tests.naive import random_sides as naive


@pytest.mark.parametrize("k", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("size", [10, 2**59])
def test_random_sides_match_naive(k, size):
    gains = np.random.default_rng(k).integers(-size, size + 1, k)
    before = gains.copy()
    for threads in (1, 2):
        out = np.empty((70, 4), np.uint64)
        with running(threads) as divided:
            divided(lambda at, part: kernels.random_sides(np.uint64(77), 5 + at, gains, part), out)
        s, q = wide_ints(out[:, 0], out[:, 1]), wide_ints(out[:, 2], out[:, 3])
        expected = [naive.random_sides(77, 5 + t, gains.tolist()) for t in range(70)]
        assert list(zip(s, q, strict=True)) == expected
    np.testing.assert_array_equal(gains, before)


def test_gains_are_the_trips_gross_and_bounded():
    points = walk_points(1, 900)
    context = make_input(points, pair_trips(np.random.default_rng(1), 900, 40))
    gains = trip_gains(context)
    total = context.path.gross
    assert total % int(gains.sum()) == 0
    assert len(gains) == 40
    points.mid2[:, 300:] *= 2**30
    wide = [(10, {0: 2**20 + 1}), (400, {0: -(2**20) - 1}), (500, {0: 1}), (501, {0: -1})]
    with pytest.raises(BoundError, match="limit is 2\\^62"):
        trip_gains(make_input(points, wide))
    with pytest.raises(BoundError, match="more than 2\\^127"):
        check_squares(2**61, 32)
    check_squares(2**61, 31)


def test_the_gate_shows_its_p_and_decides_nothing():
    points = walk_points(2, 900)
    policy = GatePolicy(extend_factor=1, random_sides={"n_draws": 99})
    context = make_input(points, pair_trips(np.random.default_rng(2), 900, 40), policy=policy)
    found = judged(random_sides, context)
    assert (found.role, found.verdict, found.kind) == ("diagnosis", Verdict.SHOWN, "sides")
    gains = trip_gains(context).tolist()
    draws = [naive.random_sides(context.key("coin_sides"), t, gains) for t in range(99)]
    own = sum(gains)
    assert found.monte_carlo.exceedances == sum(s >= own for s, _ in draws)  # Q is the same
    assert found.monte_carlo.draws == 99
    assert "decides nothing" in found.reasons[0]
    few = make_input(points, [(1, {0: 1}), (5, {0: -1})], policy=policy)
    assert judged(random_sides, few).verdict is Verdict.SHOWN
    assert "Round trips: 1" in judged(random_sides, few).reasons[0]


def test_a_drift_is_no_edge():
    """Always long while the market climbs: random sides are beaten, other places are not."""
    rng = np.random.default_rng(4)
    points = walk_points(4, 2000)
    points.mid2[0] += 300 * np.arange(2000)
    policy = GatePolicy(
        random_sides={"n_draws": 199},
        extend_factor=1,
        random_entry={"n_sims": 199, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 199},
    )
    actions = [
        (row, {0: q if q > 0 else -2})
        for row, d in pair_trips(rng, 2000, 60, sides=[1] * 60)
        for q in (d[0],)
    ]
    context = make_input(points, actions, policy=policy)
    assert judged(random_sides, context).monte_carlo.p_value <= 0.05
    assert random_entries(context).matched.verdict is Verdict.FAIL
    assert judged(permutation, context).monte_carlo.p_value > 0.05
