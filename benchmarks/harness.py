"""Timing, the machine, and where the data lies; shared by the subjects."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: Folder with real captures; what needs it is left out, and said so, where it is absent.
REAL_DATA = Path(os.environ.get("QUANTLAXMI_REAL_DATA", ROOT.parent / "shared" / "data"))
CAPTURE = REAL_DATA / "crypto" / "binance_capture_2024_08"
SPOT = CAPTURE / "spot" / "btcusdt_20240808.gz"
PERP = CAPTURE / "usdm" / "btcusdt_20240808.gz"
#: Generated segments and the peers' environment; kept between runs.
WORK = Path(os.environ.get("QUANTLAXMI_BENCH_DIR", ROOT / "build" / "bench"))
#: What segments are made by: a kept segment is of this very code.
MAKERS = ("importers", "venues", "segment", "schema", "instruments.py")
REPEATS = int(os.environ.get("QUANTLAXMI_BENCH_REPEATS", "5"))


def median_seconds(
    work: Callable[[], object], repeats: int = REPEATS, before: Callable[[], object] | None = None
) -> float:
    """Median wall time of ``work`` after one warm run; ``before`` is not timed."""
    times = []
    for turn in range(repeats + 1):
        if before is not None:
            before()
        start = time.perf_counter()
        work()
        if turn:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def child(argv: list[str]) -> tuple[float, float, int]:
    """Seconds, peak MB and exit code of one process that says nothing."""
    start = time.perf_counter()
    pid = os.fork()
    if not pid:
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(sink, stream)
        os.execv(argv[0], argv)
    _, status, usage = os.wait4(pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def resident_bytes() -> int:
    """Memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_mb() -> float:
    """Most memory that this program had.

    ``ru_maxrss`` also has what the process that started it had: the kernel keeps it over exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Results:
    """What one subject measured.

    Parameters
    ----------
    subject : str
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.rows: list[dict[str, Any]] = []

    def add(self, what: str, value: float, unit: str, target: str = "", note: str = "") -> None:
        """Keep one figure."""
        self.rows.append(
            {"what": what, "value": float(value), "unit": unit, "target": target, "note": note}
        )

    def skip(self, what: str, why: str) -> None:
        """Say what was not measured."""
        self.rows.append({"what": what, "value": None, "unit": "", "target": "", "note": why})

    def done(self) -> None:
        """Print everything as one line of JSON, with the process's peak memory."""
        print(json.dumps({"subject": self.subject, "peak_mb": peak_mb(), "rows": self.rows}))


def segments() -> Path:
    """Folder of segments that are kept between runs, named by the source of what makes them."""
    import quantlaxmi

    package = Path(quantlaxmi.__file__).parent
    source = hashlib.sha256()
    for name in MAKERS:
        place = package / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            source.update(path.read_bytes())
    folder = WORK / f"segments-{source.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    import numpy as np

    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": model,
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0),
        "system": f"{platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def yardstick() -> str:
    """What a core does with memory on that day: figures of two days are compared by it.

    One and the same rented machine has been seen at half its speed a day later.
    """
    import numpy as np

    block = bytes(1 << 26)
    hashed = median_seconds(lambda: hashlib.sha256(block).digest())
    source, target = np.zeros(1 << 25), np.empty(1 << 25)
    copied = median_seconds(lambda: np.copyto(target, source))
    walk = np.random.default_rng(0).permutation(1 << 22)
    looked = median_seconds(lambda: source[walk])
    return (
        f"SHA-256 {len(block) / hashed / 1e9:.2f} GB/s, copy of 256 MB "
        f"{source.nbytes / copied / 1e9:.1f} GB/s, random look-ups in 32 MB "
        f"{len(walk) / looked / 1e6:.0f} million/s"
    )


def generated(rows: int) -> Path:
    """Folder of a planted segment of that many quotes, made once."""
    import shutil

    from quantlaxmi.errors import QuantlaxmiError
    from quantlaxmi.importers.synthetic import generate_segment
    from quantlaxmi.segment import open_segment

    path = segments() / f"planted-{rows}"
    try:
        open_segment(path, verify="manifest")
    except QuantlaxmiError:
        shutil.rmtree(path, ignore_errors=True)
        generate_segment("planted", path, rows=rows, seed=7, quotes_only=True)
    return path


def real_segment() -> Path | None:
    """Folder of the imported capture, made once; None without the real data."""
    import shutil

    from quantlaxmi.errors import QuantlaxmiError
    from quantlaxmi.importers import import_capture
    from quantlaxmi.segment import open_segment

    if not (SPOT.exists() and PERP.exists()):
        return None
    path = segments() / "real"
    try:
        open_segment(path, verify="manifest")
    except QuantlaxmiError:
        shutil.rmtree(path, ignore_errors=True)
        import_capture("binance-stream", spot=SPOT, perp=PERP, out=path)
    return path
