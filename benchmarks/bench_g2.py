"""Whole G2 suites with a grid of fifteen settings, a process each: the table of what they cost.

Every command runs in a process of its own on two threads, after one that is not counted and makes
the kernels' cache. Wall time and the processor time of all threads, medians.

Prediction for a later G2 of the planted segment, from its parts (imports 0.45 s, loading kernels
0.15, 1,536 draws of the market null 1.4, random entry 0.5, the rest 0.4): 2.9 s of processor time
where 4.8 were measured before kernels loaded without what compiling needs, small functions became
parts of their kernel and quiet rows were walked over.

Outcome, old and new in turns on one thread, two cores that eight others shared: 5.4 to 4.4 s (least
of three), the same report hash. The target of 2 is missed: lanes that trade are most of a draw.
"""

from __future__ import annotations

import os
import resource
import statistics
from pathlib import Path

from bench_cold_start import PROGRAM
from bench_walk_forward import hourly
from harness import REPEATS, ROOT, Results, child, generated, real_segment

#: Runs of a segment whose suite takes a minute.
FEW = 1
#: Exit codes of a verdict: PASS, FAIL and INCONCLUSIVE.
VERDICTS = (0, 1, 3)
#: What every command asks for.
WORDS = ["--strategy", "basis_capture", "--gates", "g2", "--threads", "2"]


def used() -> float:
    """Processor seconds of all processes that were waited for."""
    seen = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seen.ru_utime + seen.ru_stime


def suite(path: Path) -> tuple[float, float]:
    """Wall and processor seconds of one command."""
    before = used()
    seconds, _, code = child([*PROGRAM, "run-gates", "--segment-dir", str(path), *WORDS])
    if code not in VERDICTS:
        raise SystemExit(f"the gates of {path.name} ended with {code}")
    return seconds, used() - before


def main() -> None:
    """Measure on the planted segment, a million rows and, where they are, on real data."""
    results = Results("G2, whole suites")
    places: dict[str, tuple[Path | None, int, str, str]] = {
        "planted": (ROOT / "data" / "planted", REPEATS, "", "≤ 2"),
        "hourly bars": (hourly(), REPEATS, "", "≤ 6"),
        "real capture with depth": (real_segment(), REPEATS, "", "≤ 8"),
        "1M rows": (generated(1_000_000), FEW, "≤ 60", ""),
    }
    wanted = os.environ.get("QUANTLAXMI_BENCH_G2", "").split(",")
    for name, (path, repeats, wall, processor) in places.items():
        if wanted != [""] and name not in wanted:
            continue
        if path is None:
            results.skip(f"{name}: G2", "no real data, see QUANTLAXMI_REAL_DATA")
            continue
        seen = [suite(path) for _ in range(repeats + 1)][1:]
        note = f"{len(seen)} run{'s' * (len(seen) > 1)}"
        results.add(f"{name}: wall", statistics.median(w for w, _ in seen), "s", wall, note)
        cpu = statistics.median(c for _, c in seen)
        results.add(f"{name}: processor", cpu, "s CPU", processor, note)
    results.done()


if __name__ == "__main__":
    main()
