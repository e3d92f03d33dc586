"""Folds, purge, choice and neighbours: equal to their twins on made-up runs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.fixed import int128_halves
from quantlaxmi.gates.forward.choice import Trained, best_of, purge_of
from quantlaxmi.gates.forward.folds import Fold, folds_of
from quantlaxmi.gates.forward.neighbours import neighbours_of, varied
from quantlaxmi.gates.path.clock_buckets import bucket_ends
from quantlaxmi.run.grid_runs import GridRuns, SettingRun
from tests.depth import examples
from tests.naive import walk_forward as naive

SHARES = st.fractions(Fraction(1, 10), Fraction(9, 10), max_denominator=20)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(2, 9), SHARES, st.booleans())
def test_folds_are_integer_divisions_of_the_clock(first, span, n, share, rolling):
    found = folds_of(first, first + span, n, share, rolling)
    expected = naive.folds(first, first + span, n, share, rolling)
    assert [(f.train_begin_ns, f.test_begin_ns, f.test_stop_ns) for f in found] == expected
    assert [f.number for f in found] == list(range(1, n + 1))
    assert found[-1].test_stop_ns == first + span + 1


@st.composite
def grids(draw):
    """Runs of made-up net and trips in ten buckets of a span of 100."""
    n = draw(st.integers(1, 5))
    few = st.sampled_from([0, 0, 1, 1, 2, -1, 10**20])
    nets = [draw(st.lists(few, min_size=10, max_size=10)) for _ in range(n)]
    if draw(st.booleans()):
        nets[-1] = list(nets[0])  # equal statistics: the hash decides
    times = st.lists(st.integers(0, 100), min_size=3, max_size=3).map(sorted).map(tuple)
    trips = [sorted(draw(st.lists(times, max_size=4)), key=lambda t: t[2]) for _ in range(n)]
    return nets, trips, [bytes([draw(st.integers(0, 255)), k]) for k in range(n)]


def grid_of(nets, trips, ends):
    runs = []
    for net, one in zip(nets, trips, strict=True):
        halves = np.stack(int128_halves(np.cumsum(np.array(net, dtype=object)).tolist()))
        times = np.array(one, np.int64).reshape(len(one), 3).T
        runs.append(SettingRun(None, halves, np.ascontiguousarray(times), False, 0, ()))
    return GridRuns(ends, tuple(runs))


@given(grids(), st.integers(0, 40), st.integers(20, 101), SHARES)
@settings(max_examples=examples(200), deadline=None)
def test_purge_and_choice_are_their_twins(made, begin, test, cap):
    nets, trips, hashes = made
    ends = bucket_ends(0, 100, 10)
    grid, fold = grid_of(nets, trips, ends), Fold(1, begin, max(test, begin + 1), 200)
    purge = purge_of(grid, fold, cap)
    plain = (fold.train_begin_ns, fold.test_begin_ns, fold.test_stop_ns)
    assert purge.ns == naive.purge(trips, plain, cap)
    assert purge.capped == (purge.ns < purge.longest_ns)
    cut = fold.test_begin_ns - purge.ns
    found = best_of(Trained(grid, 0).choices(begin, cut), hashes)
    expected = naive.choice(nets, trips, hashes, ends.tolist(), 0, begin, cut)
    assert (None if found is None else found.index) == expected


def test_of_equal_settings_the_smaller_hash_is_chosen_and_a_loss_is_chosen_too():
    ends, trip = bucket_ends(0, 100, 10), [(1, 2, 3)]
    nets = [[-1, -2] + [0] * 8] * 2
    grid = grid_of(nets, [trip, trip], ends)
    choices = Trained(grid, 0).choices(0, 101)
    assert best_of(choices, [b"b", b"a"]).index == 1
    assert best_of(choices, [b"a", b"b"]).total == -3


def test_neighbours_are_one_step_away_in_one_value():
    grid = [{"a": a, "b": b, "c": "0"} for a in ("3", "3.5", "10") for b in ("true", "false")]
    assert varied(grid) == ("a", "b")
    assert neighbours_of(0, grid) == (1, 2)
    assert neighbours_of(3, grid) == (1, 2, 5)
    assert neighbours_of(0, grid[:1]) == ()
    # Explicit settings: what no other has is one step from what is next to it.
    assert neighbours_of(0, [{"a": "1"}, {"a": "9"}, {"a": "30"}]) == (1,)
