"""Statistics and tables of a run of 100,000 round trips, in processor time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import REPEATS, Results

from quantlaxmi import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.memory import MemorySegment

DATA = Path(__file__).resolve().parent.parent / "data" / "planted"
#: The planted segment trades 300 round trips.
COPIES = 334


def many_trips() -> Run:
    """A run over the quotes of the planted segment, one copy after another."""
    segment = open_segment(DATA)
    quotes = segment.columns("quotes")
    length = segment.last_ts_ns - segment.first_ts_ns + 10**9
    rows = {name: np.tile(column, COPIES) for name, column in quotes.items()}
    turn = np.repeat(np.arange(COPIES, dtype=np.int64), len(quotes["seq"]))
    rows["seq"] = np.arange(len(turn), dtype=np.int64)
    for name in ("ts_ns", "exch_ts_ns"):
        rows[name] = rows[name] + turn * length
    return backtest(MemorySegment(segment.instruments, {"quotes": rows}), "basis_capture")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Median processor time after one warm run."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Measure what is asked of one long run."""
    results = Results("statistics of a run")
    run = many_trips()
    trips = run.stats(capital=100_000).round_trips
    note = f"{trips:,} round trips, {run.n_fills:,} fills, {run.segment.n_rows:,} rows"
    seconds = cpu_seconds(lambda: run.stats(capital=100_000))
    results.add("run.stats(capital=...)", seconds, "s", "<= 0.2 s of processor time", note)
    for name, work in (
        ("run.equity('1D')", lambda: run.equity("1D", 100_000)),
        ("run.trades()", run.trades),
    ):
        results.add(name, cpu_seconds(work), "s")
    results.done()


if __name__ == "__main__":
    main()
