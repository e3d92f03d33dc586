"""Importing every other format: MB of text and lines a second, sealing included.

Generated files of 400,000 lines each (of 25 levels 40,000; of funding 131,000, the most that an
import takes; of bars and klines 200,000), and the real ones of more than a megabyte.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from harness import REAL_DATA, WORK, Results, median_seconds
from texts import (
    ARCHIVE_MAPPING,
    BARS_MAPPING,
    CSV,
    KLINES_MAPPING,
    PREMIUM_MAPPING,
    archived_klines,
    bars,
    premium_klines,
    write_csv,
    write_klines,
    write_parquet,
)

from quantlaxmi.importers import ImportResult, import_capture

N_LINES = 400_000
N_BARS = 200_000
#: Fewer lines of some files: of 25 levels, and of funding, which is announced once an hour at most.
FEWER = {"book_snapshot_25.csv": N_LINES // 10, "BTCUSDT-fundingRate-2024-08.csv": 131_000}
DUMPS = REAL_DATA / "crypto" / "binance_csv_pos_neg"
KLINES = REAL_DATA / "crypto" / "binance_spot_klines" / "BTCUSDT_1h.tar.gz"
HOURLY = REAL_DATA / "crypto" / "spot_perp_1h_funding" / "BTCUSDT_1h.csv"
HOURLY_COLUMNS = BARS_MAPPING.replace('"1m"', '"1h"').replace('"time"', '"Timestamp"')


def measure(
    results: Results, what: str, format: str, path: Path, target: str, *paths: Path, **more: Any
) -> None:
    """Add text and lines a second of a file, or of several that make one segment."""
    out = WORK / "import"
    last: list[ImportResult] = []

    def work() -> None:
        last[:] = [import_capture(format, inputs=[path, *paths], out=out, **more)]

    shutil.rmtree(out, ignore_errors=True)
    seconds = median_seconds(work, 3, lambda: shutil.rmtree(out, ignore_errors=True))
    shutil.rmtree(out, ignore_errors=True)
    made = last[0]
    lines = f"{made.lines / seconds / 1e3:,.0f} thousand lines/s; {made.lines:,} lines, "
    note = f"{lines}{made.text_bytes / 1e6:,.1f} MB"
    results.add(f"{format} {what}", made.text_bytes / 1e6 / seconds, "MB/s", target, note)


def hourly_mapping() -> str:
    """Mapping of the hourly file's columns."""
    text = HOURLY_COLUMNS.replace('"rate"', '"funding_rate"')
    for short, long in (('"s_', '"spot_'), ('"p_', '"perp_')):
        text = text.replace(short, long)
    return text.replace("[funding]", '[funding]\ntimes = "8"')


def main() -> None:
    """Measure."""
    results = Results("import, every format")
    folder = WORK / "texts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for format, name, rows in CSV:
        path = folder / name
        write_csv(path, rows, FEWER.get(name, N_LINES))
        measure(results, path.stem, format, path, "≥ 60")
        path.unlink()
    mapping, klines = folder / "bars.toml", folder / "klines.toml"
    mapping.write_text(BARS_MAPPING)
    klines.write_text(KLINES_MAPPING)
    write_csv(folder / "bars.csv", bars, N_BARS)
    measure(results, "CSV", "bars", folder / "bars.csv", "≥ 5", mapping=mapping)
    write_parquet(folder / "bars.parquet", N_BARS)
    measure(results, "Parquet (its bytes)", "bars", folder / "bars.parquet", "≥ 2", mapping=mapping)
    write_klines(folder / "BTCUSDT_1m.tar", N_BARS)
    measure(results, "tar", "klines-json", folder / "BTCUSDT_1m.tar", "≥ 5", mapping=klines)
    archive(results, folder)
    real(results, folder)
    shutil.rmtree(folder)
    results.done()


def archive(results: Results, folder: Path) -> None:
    """Klines of the archive, alone and with those of the premium index."""
    name = "BTCUSDT-1m-2024-08.csv"
    klines, premium = folder / name, folder / "premium" / name
    premium.parent.mkdir()
    write_csv(klines, archived_klines, N_BARS)
    write_csv(premium, premium_klines, N_BARS)
    alone, both = folder / "archive.toml", folder / "premium.toml"
    alone.write_text(ARCHIVE_MAPPING)
    both.write_text(PREMIUM_MAPPING)
    format = "binance-vision"
    measure(results, "klines", format, klines, "≥ 5", mapping=alone)
    what = "klines with premiumIndexKlines"
    measure(results, what, format, klines, "≥ 5", premium, mapping=both)


def real(results: Results, folder: Path) -> None:
    """The real files, where they are."""
    dumps = sorted(DUMPS.glob("test_positive_*.csv"))
    if not (dumps and KLINES.exists() and HOURLY.exists()):
        results.skip("real files", "are not here; set QUANTLAXMI_REAL_DATA")
        return
    for path in dumps:
        name = path.stem.removeprefix("test_positive_binance_").rpartition("_spot")[0]
        measure(results, f"{name}, real", "binance-csv", path, "")
    mapping, klines = folder / "hourly.toml", folder / "klines.toml"
    mapping.write_text(hourly_mapping())
    measure(results, "hourly CSV, real", "bars", HOURLY, "", mapping=mapping)
    measure(results, "tar.gz, real", "klines-json", KLINES, "", mapping=klines)


if __name__ == "__main__":
    main()
