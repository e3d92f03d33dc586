"""Draws made several at a time are those made one by one: markets, tries and sums."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment
from quantlaxmi._ext.lane_draws import LaneDraws
from quantlaxmi._ext.market_null import SignFlips
from quantlaxmi.errors import StrategyError
from quantlaxmi.gates.resampling import market_passes, market_replays
from quantlaxmi.gates.resampling.draw_parts import DrawFailed, in_parts
from quantlaxmi.gates.resampling.market_passes import CHECKED, SettingPasses
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import split_segment
from quantlaxmi.strategies.parameter_grid import grid_configs

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("split") / "parts"
    return backtest(
        split_segment(open_segment(DATA / "planted"), out, rows=6000)[0], "basis_capture"
    )


@pytest.fixture(scope="module")
def configs(run):
    return [None, *grid_configs(run.strategy.strategy, 100)]


def replays_of(run, configs, threads=1):
    context = SimpleNamespace(decision_points=decision_points(run), threads=threads)
    made = Replays(context, Rerun(run), 7)
    made.keep_bound(configs)
    return made


def one_by_one(replays, passes, draws, drift):
    room, made = replays.room(), []
    for draw in draws:
        moved = replays.move(draw, room, drift)
        made.append((moved.tries, passes.sums(moved) if moved.accepted else None))
    return made


def flips_near_zero(run):
    """The increments at prices so low that most markets fall below 0; spreads stay."""
    low = {
        name: column.copy() if name in ("bid", "ask") else column
        for name, column in run.segment.columns("quotes").items()
    }
    base = int(low["bid"].min()) - 40_000
    low["bid"] -= base
    low["ask"] -= base
    return SignFlips(low, run.segment.columns("depth"), 2)


@pytest.mark.parametrize("drift", [True, False])
def test_draws_together_are_those_one_by_one(run, configs, drift):
    replays = replays_of(run, configs)
    passes = SettingPasses(replays, configs)
    room = replays.room()
    for first, count in ((1, 7), (8, 1), (100, 16)):
        draws = range(first, first + count)
        together = [tuple(one) for one in passes.drawn(draws, room, drift)]
        assert together == one_by_one(replays, passes, draws, drift)
    # What is checked is left to a run by itself, and the arrays serve any draw afterwards.
    around = passes.drawn(range(CHECKED - 2, CHECKED + 3), room, drift)
    assert [one is None for one in around] == [False, False, True, False, False]
    moved = replays.move(3, room, drift)
    assert passes.sums(moved) == [replays.sums(moved, config) for config in configs]


def test_a_price_near_zero_needs_more_tries_and(run, configs, monkeypatch):
    replays = replays_of(run, configs[:1])
    passes = SettingPasses(replays, configs[:1])
    room = replays.room()
    monkeypatch.setattr(replays, "flips", flips_near_zero(run))
    draws = range(1, 40)
    found = passes.drawn(draws, room, False)
    expected = one_by_one(replays, passes, draws, False)
    assert [(one.tries, one.sums) for one in found] == expected
    tries = [one.tries for one in found]
    assert min(tries) >= 1
    assert max(tries) > 1


def test_a_draw_that_finds_no_positive_market_says_so(run, configs, monkeypatch):
    for module in (market_passes, market_replays):
        monkeypatch.setattr(module, "MAX_TRIES", 2)
    replays = replays_of(run, configs[:1])
    passes = SettingPasses(replays, configs[:1])
    monkeypatch.setattr(replays, "flips", flips_near_zero(run))
    draws = range(1, 40)
    found = passes.drawn(draws, replays.room(), False)
    assert [(one.tries, one.sums) for one in found] == one_by_one(replays, passes, draws, False)
    lost = [one for one in found if one.sums is None]
    assert 0 < len(lost) < len(found)
    assert {one.tries for one in lost} == {2}


def test_settings_that_are_no_lanes_are_left_alone(run):
    own = backtest(run.segment, "basis_capture", interpreted=True)
    replays = replays_of(own, [None])
    passes = SettingPasses(replays, [None])
    assert passes.drawn(range(1, 4), replays.room()) == [None] * 3


def test_an_interrupt_ends_a_call(run, configs):
    replays = replays_of(run, configs[:1])
    passes = SettingPasses(replays, configs[:1])
    moved = replays.room()
    passes.drawn(range(1, 2), moved)
    room = next(iter(passes._rooms.values()))

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.draws.made(stop, 7, 1, 4, True, 3)
    again = passes.drawn(range(1, 3), moved)
    assert [tuple(one) for one in again] == one_by_one(replays, passes, range(1, 3), True)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_the_first_draw_that_fails_is_named_whatever_the_parts(threads, most):
    def work(part, room, made):
        for draw in part:
            if draw in (7, 9):
                raise StrategyError(f"no {draw}")
            made.append(-draw)

    with pytest.raises(DrawFailed) as failed:
        in_parts(range(2, 12), most, work, [], list, threads)
    assert failed.value.draw == 7
    assert failed.value.before == [-2, -3, -4, -5, -6]
    assert failed.value.reason.endswith("no 7.")
    assert in_parts(range(2, 7), most, work, [], list, threads) == failed.value.before
    assert in_parts(range(0), most, work, [], list, threads) == []


def test_a_room_is_taken_by_one_part_at_a_time():
    numbers = itertools.count()
    rooms = []

    def work(part, room, made):
        made += [room[0]] * len(part)

    found = in_parts(range(40), 3, work, rooms, lambda: [next(numbers)], 2)
    assert len(found) == 40
    assert sorted(room[0] for room in rooms) == sorted(set(found))
    assert len(rooms) <= 2


def test_arrays_that_do_not_fit_are_refused(run, configs):
    replays = replays_of(run, configs[:1])
    passes = SettingPasses(replays, configs[:1])
    moved = replays.room()
    passes.drawn(range(1, 2), moved)
    room = next(iter(passes._rooms.values()))
    arrays = (moved.signs, moved.quotes, moved.depth)
    weights, ends, nothing = np.ones(2, np.int64), np.arange(3), np.zeros(0, np.int64)
    mids = np.ones(8, np.int64)

    def refused(arrays=arrays, mids=mids, places=nothing, rows=nothing, weights=weights):
        with pytest.raises(ValueError, match=r"(mid|row|size|instrument)"):
            LaneDraws(
                room.groups[0], replays.flips, arrays, mids,
                ((places, rows), (nothing, nothing)), weights, 0, ends,
            )  # fmt: skip

    refused(mids=np.ones(7, np.int64))
    refused(weights=np.ones(3, np.int64))
    refused(arrays=(moved.signs, moved.quotes[:-1].copy(), moved.depth))
    refused(places=np.array([8]), rows=np.array([0]))
    refused(places=np.array([-1]), rows=np.array([0]))
    refused(places=np.array([0]), rows=np.array([len(moved.quotes)]))
    refused(places=np.array([0]))
