"""Random sides: the kernel against its naive twin, and the larger p deciding."""

import numpy as np
import pytest

from quantlaxmi._jit import random_sides as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates import time_shift
from quantlaxmi.gates.path.columns import BoundError, check_squares
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.resampling.companion_nulls import (
    CompanionNull,
    judge_against_companions,
    trip_gains,
)
from quantlaxmi.gates.results import MonteCarlo, Verdict, rounded
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
        with running(threads):
            kernels.random_sides(np.uint64(77), 5, gains, out)
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


def test_the_larger_p_decides_and_both_are_said():
    points = walk_points(2, 900)
    context = make_input(points, pair_trips(np.random.default_rng(2), 900, 40))
    gains = trip_gains(context)
    for moved in (MonteCarlo(0, 199), MonteCarlo(199, 199)):
        found = judge_against_companions(
            context, "x", CompanionNull(moved, "moved positions"), gains
        )
        sides = found.details["random_sides"]
        assert found.deciding.p_value == max(float(moved.p_value), found.deciding.p_value)
        assert found.verdict is (Verdict.PASS if found.deciding.p_value <= 0.05 else Verdict.FAIL)
        assert "moved positions" in found.reason
        assert " random sides. Largest p = " in found.reason
        assert rounded(float(found.deciding.p_value)) >= sides["p_value"]


def test_all_gates_share_the_random_sides():
    points = walk_points(3, 1500)
    policy = GatePolicy(
        n_random_sides=99,
        extend_factor=1,
        random_entry={"n_sims": 99, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 99},
    )
    context = make_input(points, pair_trips(np.random.default_rng(3), 1500, 40), policy=policy)
    first = random_entries(context).matched.details["random_sides"]
    assert first == judged(permutation, context).details["random_sides"]
    assert first == judged(time_shift, context).details["random_sides"]


def test_a_drift_is_no_edge():
    """Always long while the market climbs: random sides are beaten, other places are not."""
    rng = np.random.default_rng(4)
    points = walk_points(4, 2000)
    points.mid2[0] += 300 * np.arange(2000)
    policy = GatePolicy(
        n_random_sides=199,
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
    for result in (
        random_entries(context).matched,
        judged(permutation, context),
    ):
        assert result.verdict is Verdict.FAIL
        assert result.details["random_sides"]["p_value"] <= 0.05
        assert result.details["moved"]["p_value"] > 0.05
