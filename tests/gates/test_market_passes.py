"""Settings of a draw as lanes of one pass: sums, verdicts and failures are those of single runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest

from quantlaxmi import backtest, open_segment
from quantlaxmi.errors import StrategyError
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates.resampling import market_passes
from quantlaxmi.gates.resampling.market_passes import CHECKED, SettingPasses
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import split_segment
from quantlaxmi.strategies.parameter_grid import grid_configs
from tests.lane_kernel import FAILS, LIES, PLAIN, SLEEPS, WRITES, InTurns, LaneConfig

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    out = tmp_path_factory.mktemp("split") / "parts"
    return split_segment(open_segment(DATA / "planted"), out, rows=6000)[0]


def replays_of(run, configs):
    context = SimpleNamespace(decision_points=decision_points(run), threads=1)
    made = Replays(context, Rerun(run), 7)
    made.keep_bound(configs)
    return made


def alone(replays, configs, moved):
    return [replays.sums(moved, config) for config in configs]


@pytest.mark.parametrize("drift", [True, False])
def test_sums_of_lanes_are_those_of_single_runs(short, drift):
    run = backtest(short, "basis_capture")
    configs = [None, *grid_configs(run.strategy.strategy, 100)]
    replays = replays_of(run, configs)
    passes = SettingPasses(replays, configs)
    assert passes.are_lanes
    moved = replays.room()
    passes.prove(alone(replays, configs, moved))
    for draw in (*range(5), CHECKED, 2 * CHECKED):
        replays.move(draw, moved, drift)
        assert passes.sums(moved) == alone(replays, configs, moved)
    other = replays.move(1, replays.room(), drift)
    assert passes.sums(other) == alone(replays, configs, other)


def test_more_settings_than_a_pass_has(short):
    run = backtest(short, "basis_capture")
    one = grid_configs(run.strategy.strategy, 100)[0]
    configs = [
        one.replace(threshold_bps=FixedPoint(200 + k, -2), exit_threshold_bps=FixedPoint(1, 0))
        for k in range(50)
    ]
    replays = replays_of(run, configs)
    passes = SettingPasses(replays, configs)
    moved = replays.move(3, replays.room())
    assert passes.sums(moved) == alone(replays, configs, moved)


def runs_alone(short, strategy, **options):
    run = backtest(short, strategy, **options)
    replays = replays_of(run, [None])
    passes = SettingPasses(replays, [None])
    assert not passes.are_lanes
    assert passes.sums(replays.room()) == [None]
    passes.prove([replays.sums(replays.room())])


def test_what_cannot_be_a_lane_runs_alone(short):
    drawn = LatencyModel(entry=Latency(0, (1_000_000, 2_000_000)))
    runs_alone(short, "basis_capture", latency=drawn)
    answers = LatencyModel(response=Latency(1_000))
    runs_alone(short, "basis_capture", latency=answers)
    closes = RiskLimits(max_loss=FixedPoint(100_000, 0), on_max_loss="close")
    runs_alone(short, "basis_capture", limits=closes)
    runs_alone(short, "basis_capture", limits=RiskLimits(capital=FixedPoint(100_000, 0)))
    runs_alone(short, "basis_capture", interpreted=True)


def turns(short, *modes, since=0):
    if numba.config.DISABLE_JIT:
        pytest.skip("without Numba's compiler its kernels are interpreted, and no lanes")
    run = backtest(short, InTurns(LaneConfig()))
    configs = [
        LaneConfig(mode=mode, every=(k + 1) * 700_000_000, since=since)
        for k, mode in enumerate(modes)
    ]
    replays = replays_of(run, configs)
    return replays, configs, SettingPasses(replays, configs)


def test_a_lane_that_fails_leaves_the_others(short):
    replays, configs, passes = turns(short, PLAIN, FAILS, SLEEPS, since=2_000)
    moved = replays.move(1, replays.room())
    found = passes.sums(moved)
    assert found[1] is None
    assert found[::2] == alone(replays, configs[::2], moved)
    with pytest.raises(StrategyError, match="message seq 2000"):
        replays.sums(moved, configs[1])
    # It is made as new for the next draw, and fails again.
    assert passes.sums(replays.move(2, moved))[1] is None


def test_all_lanes_fail(short):
    replays, _, passes = turns(short, FAILS, FAILS, since=2_000)
    assert passes.sums(replays.move(1, replays.room())) == [None, None]


def test_a_kernel_that_sleeps_through_its_turn_is_named(short):
    replays, configs, passes = turns(short, SLEEPS, LIES)
    moved = replays.room()
    with pytest.raises(StrategyError, match=r"'in_turns' with .*mode=2.* acts at a message"):
        passes.prove(alone(replays, configs, moved))
    replays.move(CHECKED, moved)
    with pytest.raises(StrategyError, match="acts at a message that its kernel's asleep"):
        passes.sums(moved)
    honest = turns(short, SLEEPS, PLAIN)
    honest[2].prove(alone(honest[0], honest[1], moved := honest[0].room()))
    assert honest[2].are_lanes
    assert honest[2].sums(honest[0].move(CHECKED, moved))


def test_kernels_that_write_to_books_are_no_lanes(short):
    replays, configs, passes = turns(short, WRITES, WRITES)
    moved = replays.move(CHECKED, replays.room())
    with pytest.raises(StrategyError, match="answers otherwise among other settings"):
        passes.sums(moved)
    again = SettingPasses(replays, configs)
    again.prove(alone(replays, configs, replays.room()))
    assert not again.are_lanes


def report_of(segment, threads, monkeypatch=None, draws=40):
    policy = GatePolicy(min_trades=10, market_null={"n_draws": draws, "n_draws_extended": draws})
    if monkeypatch is not None:
        monkeypatch.setattr(market_passes.SettingPasses, "_make", no_lanes)
    run = backtest(segment, "basis_capture")
    suite = G2AntiOverfitSuite.from_run(run, policy=policy, threads=threads)
    (found,) = suite.run_market_null()
    return found.to_json()


def no_lanes(self):
    raise ValueError


def test_the_gate_is_the_same_with_and_without_lanes_on_any_threads(short, monkeypatch):
    found = report_of(short, 1)
    assert report_of(short, 2) == found
    assert report_of(short, 1, monkeypatch) == found


WITHOUT_JIT = """
import json, sys
from quantlaxmi import open_segment
from tests.gates.test_market_passes import report_of
print(json.dumps(report_of(open_segment(sys.argv[1]), 1), default=str))
"""


def test_the_gate_is_the_same_without_numbas_compiler(short):
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_JIT, str(short.path)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(found.stdout) == json.loads(json.dumps(report_of(short, 1), default=str))


INTERRUPTED = """
import sys, time
from quantlaxmi import open_segment, backtest
from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
run = backtest(open_segment(sys.argv[1]), "basis_capture")
policy = GatePolicy(min_trades=2, market_null={"n_draws": 100000, "n_draws_extended": 100000})
suite = G2AntiOverfitSuite.from_run(run, policy=policy, threads=int(sys.argv[2]))
print("begun", flush=True)
try:
    suite.run_market_null()
except KeyboardInterrupt:
    print("heard", flush=True)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_is_heard(threads):
    command = [sys.executable, "-c", INTERRUPTED, str(DATA / "planted"), threads]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        watch = threading.Timer(60, child.kill)
        watch.start()
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "heard\n"
        assert child.wait() == 0
        watch.cancel()
