"""Gates read depth by an index; without one every number and hash is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.resampling import market_replays
from quantlaxmi.report.run_gates import run_gates
from quantlaxmi.run import decision_points as points
from quantlaxmi.run import replay
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from tests.gates.test_market_null_draws import replays_of

DATA = Path(__file__).parents[2] / "data"
POLICY = GatePolicy(
    min_trades=2,
    random_sides={"n_draws": 19},
    extend_factor=1,
    random_entry={"n_sims": 19, "n_neutral_pairs": 5},
    label_permutation={"n_perms": 19},
    market_null={"n_draws": 19, "n_draws_extended": 19},
    time_shift={"n_shifts": 19},
)


def without_index(monkeypatch):
    for module in (market_replays, points, replay):
        monkeypatch.setattr(module, "depth_index_of", lambda market: None)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_report_has_the_same_hash_with_the_live_book(monkeypatch, threads):
    made = []
    for live in (False, True):
        if live:
            without_index(monkeypatch)
        segment = open_segment(DATA / "planted")
        made.append(run_gates(segment, "basis_capture", policy=POLICY, threads=threads))
    assert made[0].report_hash == made[1].report_hash


def test_draws_are_the_same_with_the_live_book(monkeypatch):
    run = backtest(DATA / "planted", "basis_capture")
    indexed = replays_of(run)
    assert indexed.depth_index is not None
    without_index(monkeypatch)
    live = replays_of(run)
    assert live.depth_index is None
    for draw in range(6):
        for drift in (True, False):
            one = indexed.move(draw, indexed.room(), drift)
            other = live.move(draw, live.room(), drift)
            assert np.array_equal(one.quotes, other.quotes)
            assert indexed.sums(one) == live.sums(other)
            tables = [s.engine.tables() for s in (indexed.session(one), live.session(other))]
            assert all(tables[0][name].tobytes() == tables[1][name].tobytes() for name in tables[0])
