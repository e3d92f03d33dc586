"""False-pass rates on strategies without an edge, in small; power on one with."""

import os

import numpy as np
import pytest
from scipy.special import bdtr, bdtrc

from quantlaxmi.gates import permutation, random_entry
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from tests.gate_fakes import FakeGrid, make_input, pair_trips

# Interpreted kernels are some hundred times slower; there the rates are only looked at.
RUNS = 20 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else 300
ROWS, TRIPS, ALPHA = 1200, 40, 0.05
POLICY = GatePolicy(n_sims=99, n_perms=99, n_neutral_pairs=2, extend_factor=1, max_net_bundles=0)


def _grid(rng, volatility=None, drift=None):
    """A pair whose spread is a random walk, with volatility by row where given."""
    moves = rng.normal(0, 40, (2, ROWS)) * (1 if volatility is None else volatility)
    moves = np.rint(moves).astype(np.int64)
    if drift is not None:
        moves[0] += drift
    return FakeGrid(
        seq=np.arange(ROWS, dtype=np.int64),
        ts_ns=np.arange(ROWS, dtype=np.int64) * 10**9,
        mid2=10**8 + np.cumsum(moves, axis=1),
        can_trade=np.ones(ROWS, bool),
        spread=np.full((2, ROWS), 10),
        size=np.full((2, ROWS), 10**6),
    )


def _coin(rng):
    return _grid(rng), pair_trips(rng, ROWS, TRIPS)


def _high_volatility(rng):
    """Coin sides, but only in the stretches where the market moves."""
    loud = (np.arange(ROWS) // 100) % 2 == 0
    grid = _grid(rng, np.where(loud, 5.0, 0.3))
    actions, row = [], 0
    while len(actions) < 2 * TRIPS:
        row += int(rng.integers(2, 9))
        held = int(rng.integers(2, 9))
        if loud[row % ROWS] and row + held < ROWS:
            q = 2 if rng.random() < 0.5 else -2
            actions += [(row, {0: q, 1: -q}), (row + held, {0: -q, 1: q})]
        row += held
        if row >= ROWS - 20:
            break
    return grid, actions


def _momentum(rng):
    """The side of the last move, on independent moves: always in the market."""
    grid = _grid(rng)
    actions, held = [], 0
    for row in range(10, ROWS - 1, 15):
        side = 1 if grid.mid2[0, row] > grid.mid2[0, row - 10] else -1
        if side != held:
            actions.append((row, {0: 3 * (side - held)}))
            held = side
    return grid, actions


@pytest.mark.parametrize("rule", [_coin, _high_volatility, _momentum])
def test_no_edge_passes_at_most_at_the_level(rule):
    passed = {"matched": 0, "labels": 0}
    judged = 0
    for run in range(RUNS):
        rng = np.random.default_rng([run, 20])
        grid, actions = rule(rng)
        inp = make_input(grid, actions, policy=POLICY, seed=run)
        matched = random_entry.evaluate(inp).matched.verdict
        labels = permutation.evaluate(inp).result.verdict
        if Verdict.INCONCLUSIVE in (matched, labels):
            continue
        judged += 1
        passed["matched"] += matched is Verdict.PASS
        passed["labels"] += labels is Verdict.PASS
    assert judged > 0.9 * RUNS
    for test, count in passed.items():
        assert bdtrc(count - 1, judged, ALPHA) > 0.001, (test, count, judged)
        assert bdtr(count, judged, ALPHA) > 0.0001, (test, count, judged)


def test_an_edge_is_found():
    """Sides that are right about six times in ten."""
    passed = 0
    for run in range(20):
        rng = np.random.default_rng([run, 21])
        drift = np.zeros(ROWS, np.int64)
        sides = [1] * TRIPS
        actions = pair_trips(rng, ROWS, TRIPS, sides=sides)
        for (begin, _), (end, _) in zip(actions[::2], actions[1::2], strict=True):
            drift[begin + 1 : end + 1] = 25
        inp = make_input(_grid(rng, drift=drift), actions, policy=POLICY, seed=run)
        passed += (
            random_entry.evaluate(inp).matched.verdict is Verdict.PASS
            and permutation.evaluate(inp).result.verdict is Verdict.PASS
        )
    assert passed >= 15
