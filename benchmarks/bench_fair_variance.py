"""Fair-variance draws of a synthetic option session: chains, and quotes around them."""

from __future__ import annotations

import time

from harness import REPEATS, Results

from quantlaxmi.importers.synthetic_chain import synthetic_chain
from quantlaxmi.options import DrawnChain, FairVarianceNull

DRAWS = 100


def main() -> None:
    """Measure the draws of ten days of 120 snapshots, two expiries and 41 strikes."""
    results = Results("fair-variance null")
    null = FairVarianceNull(synthetic_chain("planted").history)
    note = f"{null.n_mids:,} mids a draw; {DRAWS} draws, two threads"

    def quoted(_: int, drawn: DrawnChain) -> int:
        return null.quotes(drawn)[1]

    walls, busy = [], []
    for turn in range(REPEATS + 1):
        start, used = time.perf_counter(), time.process_time()
        null.each(turn, range(DRAWS), quoted, threads=2)
        walls.append(time.perf_counter() - start)
        busy.append(time.process_time() - used)
    scale = 1_000 / DRAWS
    results.add("1,000 draws, wall time", min(walls[1:]) * scale, "s", "<= 60", note)
    results.add("1,000 draws, processor time", min(busy[1:]) * scale, "s", "", note)
    start = time.process_time()
    FairVarianceNull(null.history)
    results.add("what it reads off the recorded chain", time.process_time() - start, "s")
    results.done()


if __name__ == "__main__":
    main()
