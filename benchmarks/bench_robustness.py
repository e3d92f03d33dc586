"""Both suites against the first alone, with a grid of fifteen settings: processor time, medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench_walk_forward import Searched, hourly
from harness import ROOT, Results

from quantlaxmi.gates import GatePolicy, cost_sensitivity, regimes, walk_forward
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.resampling.grid_choice import market_for, run_grid
from quantlaxmi.report import run_gates
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.parameter_grid import grid_configs

REPEATS = int(os.environ.get("QUANTLAXMI_BENCH_REPEATS", "3"))


def medians(works: list[Callable[[], object]], repeats: int = REPEATS) -> list[float]:
    """Median processor seconds of each, in turns, after one warm turn."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for work, own in zip(works, times, strict=True):
            start = time.process_time()
            work()
            if turn:
                own.append(time.process_time() - start)
    return [statistics.median(own) for own in times]


def whole(results: Results, name: str, path: Path) -> None:
    """What the second suite adds, on one thread."""
    segment = open_segment(path)
    grid = grid_configs(BasisCapture())

    def asked(gates: str) -> Callable[[], object]:
        return lambda: run_gates(segment, BasisCapture(), gates=gates, grid=grid, threads=1)

    alone, both = medians([asked("g2"), asked("g2,g3")])
    results.add(f"{name}: G2, {len(grid)} settings", alone, "s CPU")
    results.add(f"{name}: G2 and G3, the same", both, "s CPU", "≤ 2 × G2", f"{both / alone:.2f} ×")


def without_draws(results: Results, name: str, path: Path) -> None:
    """The gates of G3 that draw nothing, over 48 settings, and the choice of the largest Z."""
    segment, strategy = open_segment(path), Searched.made_with()
    run, policy = backtest(segment, strategy), GatePolicy()
    configs = grid_configs(strategy)

    def gates() -> None:
        context: GateContext = context_of(run, policy, threads=1)
        for gate in (walk_forward.GATE, regimes.GATE, cost_sensitivity.GATE):
            gate.judge(context)

    def choice() -> object:
        return run_grid(market_for(segment, RunConfig()), Searched, configs, threads=1).best

    three, chosen = medians([gates, choice], 5)
    results.add(f"{name}: walk-forward, regimes, costs, 48 settings", three, "s CPU", "≤ 0.3")
    results.add(f"{name}: the largest Z of 48 settings", chosen, "s CPU")


def main() -> None:
    """Measure on the planted segment and, where it is, on the hourly file."""
    results = Results("both suites of gates")
    places = {"planted": ROOT / "data" / "planted"}
    real = hourly()
    if real is None:
        results.skip("hourly: G2 and G3", "no real data, see QUANTLAXMI_REAL_DATA")
    else:
        places["hourly"] = real
    for name, path in places.items():
        without_draws(results, name, path)
        whole(results, name, path)
    results.done()


if __name__ == "__main__":
    main()
