"""Importing the real capture: MB of uncompressed text and lines a second, sealing included."""

from __future__ import annotations

import shutil

from harness import PERP, SPOT, WORK, Results, median_seconds

from quantlaxmi.importers import ImportResult, import_capture


def main() -> None:
    """Measure."""
    results = Results("import")
    if not (SPOT.exists() and PERP.exists()):
        results.skip("import", "the real capture is not here; set QUANTLAXMI_REAL_DATA")
        results.done()
        return
    out = WORK / "import"
    WORK.mkdir(parents=True, exist_ok=True)
    last: list[ImportResult] = []

    def work() -> None:
        last[:] = [import_capture("binance-stream", spot=SPOT, perp=PERP, out=out)]

    seconds = median_seconds(work, before=lambda: shutil.rmtree(out, ignore_errors=True))
    made = last[0]
    note = f"{made.lines:,} lines, {made.text_bytes / 1e6:.1f} MB of text, gzip"
    results.add("text", made.text_bytes / 1e6 / seconds, "MB/s", "≥ 120", note)
    results.add("lines", made.lines / seconds / 1e3, "thousand lines/s", "", note)
    shutil.rmtree(out, ignore_errors=True)
    results.done()


if __name__ == "__main__":
    main()
