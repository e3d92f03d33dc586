"""Runs over a session of option-chain snapshots: set-up, rows a second, memory an instrument.

64 generated snapshots of 1,528 contracts (bench_import_chain.py writes them). The strategy is a
compiled kernel that never decides, so that what is measured is the engine. Each backtest and replay
opens the segment anew: its set-up over all contracts is in the figure. Processor time. Memory of a
session is what is allocated for it, whether it was written to or not. Peaks are of processes of
their own, over 5,000 contracts; the runs there are of calendar_carry.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench_import_chain import generated
from harness import REPEATS, WORK, Results

from quantlaxmi import backtest, open_segment, replay
from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.importers import import_capture
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.session import Session
from quantlaxmi.schema import TABLES, EventKind
from quantlaxmi.segment import Segment
from quantlaxmi.strategies.kernel import BoundStrategy, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import Strategy

#: Sessions held at once, to see what one takes.
HELD = 30
#: Pairs of a call and a put in the widest session.
WIDE_PAIRS = 2_500


class Allocated(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    )  # fmt: skip


def step(
    ctx: Any, event: Any, books: Any, positions: Any, features: Any, state: Any, params: Any,
    legs_out: Any,
) -> int:  # fmt: skip
    """Never decide."""
    return 0


class NeverDecides(Strategy):
    """Hears every snapshot."""

    strategy_id = "never_decides"
    rationales = ("none",)

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind to all instruments."""
        functions = compile_kernel(step, interpreted=interpreted)
        return BoundStrategy(
            strategy_id=self.strategy_id, config=self.config, config_hash=self.config_hash,
            rationales=self.rationales, instruments=(0,), universe=tuple(instruments),
            event_mask=mask_of([EventKind.CHAIN]), form=functions.form, step=functions.step,
            owner=functions.owner, strategy=self,
        )  # fmt: skip


def imported() -> Path:
    """Folder of the imported session; made once."""
    path = WORK / "chain-session"
    try:
        open_segment(path, verify="manifest")
    except QuantlaxmiError:
        shutil.rmtree(path, ignore_errors=True)
        import_capture("nse-chain", inputs=[generated()], underlying="NIFTY", out=path)
    return path


def best_seconds(work: Callable[[], object]) -> float:
    """Least processor time of some turns, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times[1:])


def session_of(segment: Segment) -> Session:
    """A run that has read nothing."""
    config = RunConfig.of().complete_for(segment)
    bound = NeverDecides().bind(segment.instruments)
    return Session(segment.instruments, bound, config, segment.digest)


def loop_seconds(segment: Segment) -> float:
    """Processor time of the rows alone, without set-up."""
    tables = {name: segment.columns(name) for name in TABLES}
    times = []
    for _ in range(REPEATS + 1):
        session = session_of(segment)
        start = time.process_time()
        session.feed(tables)
        times.append(time.process_time() - start)
    return min(times[1:])


def allocated_bytes() -> int:
    """What the process has from malloc now: in its heap, and in maps of their own."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Allocated
    found = ask()
    return int(found.uordblks + found.hblkhd)


def bytes_an_instrument(segment: Segment) -> float:
    """Growth of what is allocated by sessions that are held, by instrument."""
    held = [session_of(segment)]
    before = allocated_bytes()
    held += [session_of(segment) for _ in range(HELD)]
    return (allocated_bytes() - before) / HELD / len(segment.instruments)


def wide_peaks(results: Results) -> None:
    """Peaks of runs over the widest session."""
    path = WORK / "chain-wide"
    if not path.exists():
        inputs = [generated(WIDE_PAIRS)]
        import_capture("nse-chain", inputs=inputs, underlying="NIFTY", out=path)
    for route in ("backtest", "replay"):
        job = Path(__file__).with_name("wide_chain.py")
        words = [sys.executable, str(job), route, str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        peak = float(done.stdout.split()[-1])
        results.add(f"peak memory, {route} of {2 * WIDE_PAIRS:,} contracts", peak, "MiB", "<= 200")


def main() -> None:
    """Measure and print."""
    results, path = Results("runs over an option chain"), imported()
    segment = open_segment(path)
    rows = len(segment.columns("chain")["seq"])
    size = bytes_an_instrument(segment)
    results.add(
        f"backtest, {rows:,} rows of {len(segment.instruments):,} contracts, opening included",
        best_seconds(lambda: backtest(path, NeverDecides())), "s", "0.15",
    )  # fmt: skip
    results.add(
        "replay of the same", best_seconds(lambda: replay(path, NeverDecides())), "s", "0.3"
    )
    seconds = loop_seconds(segment)
    results.add("the rows alone", rows / seconds / 1e6, "million rows/s", "10")
    results.add("a session's memory, by instrument", size, "bytes", "<= 1024")
    wide_peaks(results)
    results.done()


if __name__ == "__main__":
    main()
