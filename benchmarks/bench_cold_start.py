"""Wall time and peak memory of each command in a fresh process."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from harness import REPEATS, ROOT, Results, child

DATA = ROOT / "data" / "planted"
INSTALLED = Path(sys.executable).parent / "quantlaxmi-crypto"
#: The command as it is installed, or what it does where the package lies beside the benchmarks.
PROGRAM = (
    [str(INSTALLED)]
    if INSTALLED.exists()
    else [
        sys.executable,
        "-c",
        "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())",
    ]
)


def first_run(argv: list[str], kernels: Path) -> float:
    """Wall time of a process that finds no compiled kernels."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    os.environ["NUMBA_CACHE_DIR"] = str(kernels)
    try:
        seconds, _, code = child(argv)
    finally:
        if before is None:
            del os.environ["NUMBA_CACHE_DIR"]
        else:
            os.environ["NUMBA_CACHE_DIR"] = before
    if code or not any(kernels.rglob("*.nbc")):
        raise SystemExit(f"a first run ended with {code}, or compiled nothing")
    return seconds


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
            seen = [child([*PROGRAM, *words]) for _ in range(REPEATS + 1)][1:]
            if any(code for _, _, code in seen):
                raise SystemExit(f"{name} ended with {seen[0][2]}")
            seconds = statistics.median(s for s, _, _ in seen)
            memory = max(m for _, m, _ in seen)
            target = "≤ 0.15" if name.endswith("--help") else ""
            results.add(name, seconds, "s", target, f"peak {memory:.0f} MB")
        words = [*PROGRAM, "run-gates", *run, "--gates", "g2"]
        first = [first_run(words, Path(folder) / f"kernels-{k}") for k in range(2)]
        results.add("run-gates, nothing compiled", min(first), "s", "≤ 8", "best of two")
    results.done()


if __name__ == "__main__":
    main()
