"""What a replay costs beside its rows: processor time, with and without what runs keep.

Both sides are timed in turn in one process. ``before`` makes everything anew for each run, as if
nothing had been kept from the last one; the attribution's totals are made in C on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from unittest import mock

from harness import ROOT, Results

from quantlaxmi.gates import G2AntiOverfitSuite, GatePolicy
from quantlaxmi.gates.resampling.grid_search import declared_grid
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.recent import Recent
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.memory import MemorySegment

ROUNDS = 9


@contextmanager
def nothing_kept() -> Any:
    """Runs in it make everything anew."""
    with mock.patch.object(Recent, "get", lambda self, same, equal, make: make()):
        yield


def seconds(work: Callable[[], object], times: int) -> float:
    """Processor time of one call, all threads."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begun) / times


def both(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Least processor time of a call without and with what is kept, in turns."""
    work()
    before, after = [], []
    for _ in range(ROUNDS):
        with nothing_kept():
            before.append(seconds(work, times))
        work()
        after.append(seconds(work, times))
    return min(before), min(after)


def main() -> None:
    """Measure small replays, a session and draws of the market null."""
    results = Results("fixed cost")
    segment = open_segment(ROOT / "data" / "planted")
    # Quotes and marks of the first 58 messages that the segment's tables have.
    first = min(int(segment.columns("quotes")["seq"][57]), segment.last_seq)
    tables = {
        name: {key: column[segment.columns(name)["seq"] <= first] for key, column in table.items()}
        for name, table in ((name, segment.columns(name)) for name in TABLES)
    }
    small = MemorySegment(segment.instruments, tables)
    run = backtest(segment, "basis_capture")
    strategy = run.strategy.strategy
    few = Rerun(backtest(small, strategy))
    made = G2AntiOverfitSuite.from_run(run, policy=GatePolicy(min_trades=2))
    rerun = made.context.rerun
    assert rerun is not None
    replays = Replays(made.context, rerun, 1)
    grid = declared_grid(strategy, made.context.policy)
    replays.keep_bound([None, *grid])
    market, bound = replays.room(), rerun.bind()
    subjects: dict[str, tuple[Callable[[], object], int, str]] = {
        f"a backtest of {small.n_rows} rows": (lambda: backtest(small, strategy), 40, "0.1 ms"),
        f"a re-run of {small.n_rows} rows": (few.again, 40, "0.1 ms"),
        "a session, before its first row": (lambda: rerun.session(bound), 100, ""),
        "market null, planted: a draw of 1 setting": (lambda: replays.sums(market), 5, ""),
        f"market null, planted: a draw of {len(grid)} settings": (
            lambda: [replays.sums(market, one) for one in grid],
            1,
            "",
        ),
    }
    for what, (work, times, target) in subjects.items():
        before, after = both(work, times)
        results.add(f"{what}: nothing kept", before * 1e6, "us of CPU")
        results.add(what, after * 1e6, "us of CPU", target, f"{before / after:.1f} times less")
    results.done()


if __name__ == "__main__":
    main()
