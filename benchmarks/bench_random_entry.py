"""Random entry: draws a second at about 100 round trips on a million rows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial

from harness import Results, generated, median_seconds

from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates import random_entry as gate
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

DRAWS = 10_000
#: Exits wait for it too, so that about a hundred round trips fit in the segment.
SETS = ("cooldown_ms=1200000",)


def suite() -> G2AntiOverfitSuite:
    """The suite of a strategy with about a hundred trips."""
    strategy = StrategyRegistry().create("basis_capture", sets=SETS)
    run = backtest(open_segment(generated(1_000_000)), strategy)
    # Alone: the market null that stands beside it is a subject of its own.
    policy = GatePolicy(
        suites={"g2": ("random_entry",)}, extend_factor=1, random_entry={"n_sims": DRAWS}
    )
    return G2AntiOverfitSuite.from_run(run, policy=policy)


def main() -> None:
    """Measure warm on one and on all threads, and cold in a fresh process."""
    if "--cold" in sys.argv:
        made = suite()
        start = time.perf_counter()
        made.run_random_entry()
        print(time.perf_counter() - start)
        return
    results = Results("random entry")
    made = suite()
    lay = gate._build(made.context)
    trips, rows = len(made.context.path.trips), len(lay.rows)
    note = f"{trips} trips on {rows:,} tradeable rows, {DRAWS:,} draws, gross and net"
    for threads, label in ((1, "one thread"), (None, "all threads")):
        context = replace(made.context, threads=threads)
        seconds = median_seconds(partial(gate._matched, context, lay))
        target = "≤ 0.1" if threads is None else ""
        results.add(f"{DRAWS:,} draws, warm, {label}", seconds, "s", target, note)
        results.add(f"draws, warm, {label}", DRAWS / seconds / 1e3, "thousand draws/s")
    seconds = median_seconds(lambda: gate._build(made.context), repeats=3)
    results.add("laying out prices and costs", seconds, "s", "", "once a run, before the draws")
    with tempfile.TemporaryDirectory() as cache:
        for label in ("cold, nothing compiled yet", "cold, compiled before"):
            done = subprocess.run(
                [sys.executable, __file__, "--cold"],
                env={**os.environ, "NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            )
            seconds = float(done.stdout.strip())
            results.add(f"the gate, {label}", seconds, "s", "", "both halves, a new process")
    results.done()


if __name__ == "__main__":
    main()
