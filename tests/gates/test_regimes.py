"""Regimes against their definition, read off one row at a time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates.path.regimes import BEAR, BULL, CHOP, trend_regimes
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from tests.depth import examples
from tests.gate_fakes import judged, make_input, pair_trips, walk_points

STEP = 10


def naive(ts, price, window):
    def at(boundary):
        before = [p for t, p in zip(ts, price, strict=True) if t < boundary]
        return before[-1] if before else price[0]

    found = []
    for t in ts:
        k = t // STEP
        if k - ts[0] // STEP < window:
            found.append(CHOP)
            continue
        seen = [at((k - j) * STEP) for j in range(window + 1)]
        move = seen[0] - seen[-1]
        path = sum(abs(a - b) for a, b in itertools.pairwise(seen))
        trend = path > 0 and Fraction(abs(move), path) >= Fraction(3, 10)
        found.append((BULL if move > 0 else BEAR) if trend and move else CHOP)
    return found


@given(
    gaps=st.lists(st.integers(0, 25), min_size=1, max_size=60),
    data=st.data(),
    window=st.integers(1, 6),
    scale=st.sampled_from([1, 10**15]),
)
@settings(max_examples=examples(150), deadline=None)
def test_regimes_are_their_definition(gaps, data, window, scale):
    ts = (1000 + np.cumsum(gaps)).tolist()
    price = data.draw(
        st.lists(st.integers(1, 9000).map(lambda p: p * scale), min_size=len(ts), max_size=len(ts))
    )
    found = trend_regimes(np.array(ts), np.array(price), STEP, window)
    assert found.tolist() == naive(ts, price, window)
    # From the past alone: what comes later changes nothing.
    cut = data.draw(st.integers(1, len(ts)))
    assert trend_regimes(np.array(ts[:cut]), np.array(price[:cut]), STEP, window).tolist() == (
        found[:cut].tolist()
    )


def test_nothing_has_no_regime():
    assert trend_regimes(np.zeros(0, np.int64), np.zeros(0, np.int64), STEP, 3).tolist() == []


def test_runs_are_shuffled_within_times_of_a_regime():
    points = walk_points(4, 6000)
    policy = GatePolicy(
        random_sides={"n_draws": 200},
        extend_factor=1,
        label_permutation={
            "n_perms": 200,
            "block_seconds": 60,
            "within": "regime",
            "regime_steps": 5,
        },
    )
    context = make_input(points, pair_trips(np.random.default_rng(1), 6000, 60), policy=policy)
    block, size = permutation._blocks(context)
    regimes = trend_regimes(points.ts_ns, points.mid2[0], 60 * 10**9, 5)
    assert size.startswith("times of one regime")
    assert len(set(regimes.tolist())) == 3
    assert (np.diff(block) == (np.diff(regimes) != 0)).all()
    found = judged(permutation, context)
    assert found.verdict is Verdict.SHOWN and found.monte_carlo.draws == 200
    grown, _ = permutation.grown_blocks(context.path.changes, block)
    assert found.details["blocks"] == int(grown[-2]) - int(grown[0]) + 1
    within = {
        name: permutation._blocks(
            replace(context, policy=policy.replace(label_permutation={"within": name}))
        )[1]
        for name in ("auto", "day", "block")
    }
    assert within == {"auto": "60 s", "day": "UTC day", "block": "60 s"}


def test_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match=r"label_permutation\.within"):
        GatePolicy(label_permutation={"within": "week"})


def test_too_many_steps_are_not_counted():
    points = walk_points(4, 200, step_ns=10**15)
    policy = GatePolicy(min_trades=2, label_permutation={"block_seconds": 1, "within": "regime"})
    context = make_input(points, pair_trips(np.random.default_rng(1), 200, 5), policy=policy)
    found = judged(permutation, context)
    assert found.verdict is Verdict.SHOWN and found.monte_carlo is None
    assert found.reasons == (
        "Regime steps of 1 s: 199000000, limit 10000000. "
        "Use smaller positions or a shorter segment.",
    )
