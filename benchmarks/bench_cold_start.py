"""Wall time and peak memory of each command in a fresh process."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness import REPEATS, ROOT, Results

DATA = ROOT / "data" / "planted"
PROGRAM = Path(sys.executable).parent / "quantlaxmi-crypto"


def timed(words: list[str]) -> tuple[float, float, int]:
    """Seconds, peak MB and exit code of one process."""
    start = time.perf_counter()
    child = os.fork()
    if not child:
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(sink, stream)
        os.execv(PROGRAM, [str(PROGRAM), *words])
    _, status, usage = os.wait4(child, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main() -> None:
    """Measure."""
    results = Results("cold start")
    with tempfile.TemporaryDirectory() as folder:
        trace = str(Path(folder) / "trace.json")
        run = ["--segment-dir", str(DATA), "--strategy", "basis_capture"]
        commands = {
            "--help": ["--help"],
            "backtest --help": ["backtest", "--help"],
            "strategies": ["strategies"],
            "segment info": ["segment", "info", "--segment-dir", str(DATA)],
            "segment verify": ["segment", "verify", "--segment-dir", str(DATA)],
            "backtest": ["backtest", *run, "--output-trace", trace],
            "replay": ["replay", *run],
            "verify-parity": ["verify-parity", "--original", trace, "--replay", trace],
            "run-gates": ["run-gates", *run, "--gates", "g2"],
            "demo": ["demo"],
        }
        for name, words in commands.items():
            seen = [timed(words) for _ in range(REPEATS + 1)][1:]
            if any(code for _, _, code in seen):
                raise SystemExit(f"{name} ended with {seen[0][2]}")
            seconds = statistics.median(s for s, _, _ in seen)
            memory = max(m for _, m, _ in seen)
            target = "≤ 0.15" if name.endswith("--help") else ""
            results.add(name, seconds, "s", target, f"peak {memory:.0f} MB")
    results.done()


if __name__ == "__main__":
    main()
