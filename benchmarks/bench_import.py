"""Importing captures: MB of uncompressed text and lines a second, sealing included.

The real pair, gzip; and ten million generated `bookTicker` lines, plain text of about 1.6 GB.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from harness import PERP, REPEATS, SPOT, WORK, Results, median_seconds

from quantlaxmi.importers import ImportResult, import_capture

GENERATED_LINES = 10_000_000


def write_captures(folder: Path, n_lines: int) -> tuple[Path, Path]:
    """Spot and perpetual captures of half as many lines each, the same every time; kept."""
    spot, perp = folder / "spot.txt", folder / "perp.txt"
    if spot.exists() and perp.exists():
        return spot, perp
    folder.mkdir(parents=True, exist_ok=True)
    for path, is_perp in ((spot, False), (perp, True)):
        rng = np.random.Generator(np.random.PCG64(7 + is_perp))
        ticks = 600_000 + np.cumsum(rng.integers(-1, 2, n_lines // 2))
        sizes = rng.integers(1, 9_000, (n_lines // 2, 2))
        stamps = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(1, 2_000_000, n_lines // 2))
        with path.with_suffix(".part").open("w", encoding="ascii") as out:
            for k, (ts, tick, (bid_qty, ask_qty)) in enumerate(
                zip(stamps.tolist(), ticks.tolist(), sizes.tolist(), strict=True)
            ):
                bid, ask = f"{tick // 10}.{tick % 10}0", f"{(tick + 1) // 10}.{(tick + 1) % 10}0"
                if is_perp:
                    ms = ts // 1_000_000
                    head, tail = '"e":"bookTicker",', f',"T":{ms},"E":{ms}'
                else:
                    head = tail = ""
                out.write(
                    f'{ts} {{"stream":"btcusdt@bookTicker","data":{{{head}"u":{1_000_000 + k},'
                    f'"s":"BTCUSDT","b":"{bid}","B":"{bid_qty / 1000:.3f}","a":"{ask}",'
                    f'"A":"{ask_qty / 1000:.3f}"{tail}}}}}\n'
                )
        path.with_suffix(".part").rename(path)
    return spot, perp


def main() -> None:
    """Measure."""
    results = Results("import")
    if SPOT.exists() and PERP.exists():
        measure(results, "real", SPOT, PERP, "gzip", REPEATS)
    else:
        results.skip("real", "the real capture is not here; set QUANTLAXMI_REAL_DATA")
    spot, perp = write_captures(WORK / f"captures-{GENERATED_LINES}", GENERATED_LINES)
    measure(results, "generated", spot, perp, "plain", 3)
    results.done()


def measure(results: Results, what: str, spot: Path, perp: Path, form: str, repeats: int) -> None:
    """Add text and lines a second of one pair of captures."""
    out = WORK / "import"
    WORK.mkdir(parents=True, exist_ok=True)
    last: list[ImportResult] = []

    def work() -> None:
        last[:] = [import_capture("binance-stream", spot=spot, perp=perp, out=out)]

    seconds = median_seconds(work, repeats, lambda: shutil.rmtree(out, ignore_errors=True))
    made = last[0]
    note = f"{made.lines:,} lines, {made.text_bytes / 1e6:,.1f} MB of text, {form}"
    results.add(f"{what}, text", made.text_bytes / 1e6 / seconds, "MB/s", "≥ 120", note)
    results.add(f"{what}, lines", made.lines / seconds / 1e3, "thousand lines/s", "", note)
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
