"""Peak memory of imports and of replay from the log, by the size of what they read.

Each in a process of its own. The figure is the most it had of its own (``RssAnon``, looked at
every 5 ms); files that it maps stand beside it, which the system drops when it needs the room.
Where memory is bounded, ten times the input takes no more of it.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

from bench_import import write_captures
from harness import WORK, Results, child, generated
from texts import book_ticker, incremental_book, write_csv

from quantlaxmi.importers import import_capture
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

PEAK = WORK / "peak"
LINES = (1_000_000, 3_000_000, 10_000_000)
CSV_LINES = (300_000, 3_000_000)
ROWS = (1_000_000, 3_000_000, 10_000_000)
KINDS = {
    "binance-vision": ("BTCUSDT-bookTicker-2024-08.csv", book_ticker),
    "tardis": ("incremental_book_L2.csv", incremental_book),
}


class Watch(threading.Thread):
    """Looks at the process's own memory until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_kb, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.005):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon"):
                    self.peak_kb = max(self.peak_kb, int(line.split()[1]))


def job(words: list[str]) -> None:
    """What one process does."""
    out = WORK / "import"
    if words[0] == "import":
        import_capture("binance-stream", spot=words[1], perp=words[2], out=out)
    elif words[0] in KINDS:
        import_capture(words[0], inputs=[words[1]], out=out)
    else:
        strategy = StrategyRegistry().create("basis_capture", sets=("threshold_bps=100000",))
        {"replay": replay, "backtest": backtest}[words[0]](open_segment(words[1]), strategy)


def measure(results: Results, what: str, words: list[str], target: str, note: str) -> None:
    """Add the peak of one process."""
    out = WORK / "import"
    shutil.rmtree(out, ignore_errors=True)
    seconds, peak, code = child([sys.executable, __file__, *words])
    shutil.rmtree(out, ignore_errors=True)
    if code:
        raise SystemExit(f"{' '.join(words)} ended with {code}")
    own = int(PEAK.read_text()) / 1024
    note = f"{note}; {peak:.0f} MB with the files it maps; {seconds:.1f} s"
    results.add(what, own, "MB", target, note)


def main() -> None:
    """Measure."""
    if len(sys.argv) > 1:
        watch = Watch()
        watch.start()
        job(sys.argv[1:])
        watch.over.set()
        watch.join()
        PEAK.write_text(str(watch.peak_kb))
        return
    results = Results("peak memory")
    for n in LINES:
        spot, perp = write_captures(WORK / f"captures-{n}", n)
        size = (spot.stat().st_size + perp.stat().st_size) / 1e6
        what = f"import of {n // 10**6} million lines of binance-stream"
        measure(results, what, ["import", str(spot), str(perp)], "≤ 150", f"{size:,.0f} MB of text")
    for format, (name, rows) in KINDS.items():
        for n in CSV_LINES:
            path = WORK / name
            write_csv(path, rows, n)
            what = f"import of {n / 1e6:g} million lines of {format} {Path(name).stem}"
            note = f"{path.stat().st_size / 1e6:,.0f} MB of text"
            measure(results, what, [format, str(path)], "≤ 150", note)
            path.unlink()
    for route, target in (("replay", "≤ 150"), ("backtest", "")):
        for n in ROWS:
            path = generated(n)
            size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) / 1e6
            words = {"replay": "replay from the log", "backtest": "backtest over mapped columns"}
            what = f"{words[route]}, {n // 10**6} million rows"
            measure(results, what, [route, str(path)], target, f"{size:,.0f} MB of segment")
    results.done()


if __name__ == "__main__":
    main()
