"""Runs, bound strategies and reports travel to other processes; a forked child sweeps too."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi.errors import StrategyError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.segment import Window, open_segment
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.registry import StrategyRegistry

ROOT = Path(__file__).resolve().parents[2]
POLICY = GatePolicy(suites={"g2": ["net_positive"]})


@pytest.fixture(scope="module")
def segment():
    return open_segment(ROOT / "data" / "planted")


@pytest.fixture(scope="module")
def run(segment):
    return quantlaxmi.backtest(segment, "basis_capture", costs=CostModel.binance(), seed=5)


def again(value):
    return pickle.loads(pickle.dumps(value))


def asked_elsewhere(run):
    """In a process of its own: what a run says, what its strategy gives again, and the run."""
    made = Rerun(run).again()
    return (
        run.trace.trace_hash,
        made.trace.trace_hash,
        run.exact.net_pnl,
        run.table("fills").num_rows,
        run,
    )


def test_a_run_travels_to_a_spawned_process_and_back(run):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (found,) = pool.map(asked_elsewhere, [run])
    trace, made, net, fills, back = found
    assert trace == made == run.trace.trace_hash
    assert (net, fills) == (run.exact.net_pnl, run.n_fills)
    assert back.config == run.config
    assert back.segment.digest == run.segment.digest
    for field in fields(run.exact):
        ours, theirs = getattr(run.exact, field.name), getattr(back.exact, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
        elif field.name != "attributions":
            assert ours == theirs, field.name
    assert list(back.trade_attributions()) == list(run.trade_attributions())


def test_a_run_over_a_window_travels(segment):
    window = Window(segment, segment.first_seq + 100, segment.last_seq - 100)
    run = quantlaxmi.backtest(window, "basis_capture", latency=LatencyModel.constant(5))
    assert again(run).segment.digest == window.digest
    assert again(run).trace.trace_hash == run.trace.trace_hash


@pytest.mark.parametrize("interpreted", [False, True])
def test_a_bound_kernel_is_bound_again(segment, interpreted):
    strategy = StrategyRegistry().create("basis_capture", sets=["threshold_bps=6.5"])
    bound = strategy.bind(segment.instruments, interpreted=interpreted)
    for one in (bound, bound.neutralised(bound.signals)):
        made = again(one)
        assert type(made) is BoundStrategy
        assert (made.form, made.config_hash, made.neutral) == (
            one.form,
            one.config_hash,
            one.neutral,
        )
        np.testing.assert_array_equal(made.params, one.params)
        assert made.universe == segment.instruments


def test_a_strategy_that_was_given_bound_says_why_it_cannot_travel(segment):
    from dataclasses import replace

    bound = StrategyRegistry().create("basis_capture").bind(segment.instruments)
    with pytest.raises(StrategyError, match=r"was given bound, .* give the strategy itself"):
        pickle.dumps(replace(bound, strategy=None))


def test_other_settings_than_those_pickled_are_told(segment):
    from quantlaxmi.strategies.kernel import _bound_again

    strategy = StrategyRegistry().create("basis_capture")
    with pytest.raises(StrategyError, match="was pickled with settings of hash 00000000"):
        _bound_again(strategy, segment.instruments, False, (), bytes(32))


def test_a_run_of_a_strategy_file_travels(segment, tmp_path):
    """Another process imports the file by itself."""
    name = f"{ROOT / 'examples' / 'basis_capture_python.py'}:Basis"
    run = quantlaxmi.backtest(segment, StrategyRegistry().create(name))
    kept = tmp_path / "run.pickle"
    kept.write_bytes(pickle.dumps(run))
    code = (
        "import pickle, sys; run = pickle.load(open(sys.argv[1], 'rb'));"
        "print(run.trace.trace_hash.hex(), run.strategy.strategy_id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(kept)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [run.trace.trace_hash.hex(), run.strategy.strategy_id], (
        done.stderr
    )


def test_reports_and_their_results_pickle(segment):
    report = run_gates(segment, "basis_capture", policy=POLICY)
    made = again(report)
    assert made == report
    assert made.results == report.results
    assert made.to_bytes() == report.to_bytes()
    assert hash(again(POLICY)) == hash(POLICY)


_FORKS = """
    import multiprocessing
    import numpy as np
    from quantlaxmi._jit.compiler import running
    from quantlaxmi._jit.random_sides import random_sides

    def work(_):
        out = np.zeros((256, 4), np.uint64)
        gains = np.arange(9)
        with running(2) as divided:
            divided(lambda at, part: random_sides(np.uint64(5), at, gains, part), out)
        return out.tobytes().hex()

    if __name__ == "__main__":
        here = work(0)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(work, [1]) == [here])
"""


def test_a_child_forked_after_a_sweep_sweeps_too(tmp_path):
    """Threads end with each sweep: none is missing in the child, which a pool would wait for."""
    script = tmp_path / "forks.py"
    script.write_text(textwrap.dedent(_FORKS))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
