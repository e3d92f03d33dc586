"""A frame of a million bars to a segment, beside the import of the same bars from CSV."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from harness import Results, median_seconds
from pyarrow import csv

from quantlaxmi import from_frame, import_capture
from quantlaxmi.importers.bars.terms import BarsTerms

ROWS = 1_000_000


def bars(rows: int, digits: int) -> pa.Table:
    """Minute bars of a walk, prices of so many decimals."""
    rng = np.random.default_rng(1)
    close = np.round(30_000 + np.cumsum(rng.normal(0, 5, rows)), digits)
    opened = np.r_[30_000.0, close[:-1]]
    start = 1_577_836_800
    return pa.table(
        {
            "time": pa.array(start + 60 * np.arange(rows), pa.timestamp("s", "UTC")),
            "open": opened,
            "high": np.round(np.maximum(opened, close) + 1, digits),
            "low": np.round(np.minimum(opened, close) - 1, digits),
            "close": close,
            "volume": np.round(rng.uniform(0, 100, rows), 5),
        }
    )


def main() -> None:
    """Measure frames of short and of long prices, and the import from a file."""
    results = Results("data frames")
    plain, noisy = bars(ROWS, 2), bars(ROWS, 11)
    seconds = median_seconds(lambda: from_frame(plain, "BTCUSDT"))
    results.add(f"from_frame, {ROWS:,} bars", seconds, "s", "<= 1 s")
    seconds = median_seconds(lambda: from_frame(noisy, "BTCUSDT", round=True))
    results.add(f"from_frame, {ROWS:,} bars, prices rounded", seconds, "s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        csv.write_csv(plain, path)
        began = time.perf_counter()
        terms = BarsTerms(symbols=("BTCUSDT",))
        made = import_capture("bars", inputs=[path], out=Path(folder) / "out", bars=terms)
        seconds = time.perf_counter() - began
        same = made.segment.digest == from_frame(plain, "BTCUSDT").digest
    note = "the same digest" if same else "ANOTHER DIGEST"
    results.add("import --format bars of the same as CSV, sealed on disk", seconds, "s", "", note)
    results.done()


if __name__ == "__main__":
    main()
