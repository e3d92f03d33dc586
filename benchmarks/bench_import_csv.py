"""Importing CSV files: MB of text a second, sealing included; one million generated lines each."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness import WORK, Results, median_seconds

from quantlaxmi.importers import ImportResult, import_capture

N_LINES = 1_000_000
T0_MS = 1_722_470_400_000


def agg_trades(rng: random.Random) -> Iterator[str]:
    """Spot ``aggTrades``, without header, as the archive has them."""
    ms = T0_MS
    for k in range(N_LINES):
        ms += rng.randrange(80)
        price, qty = 60_000 + rng.randrange(100_000) / 100, rng.randrange(1, 10**6) / 1e5
        side = ("True", "False")[rng.randrange(2)]
        yield f"{3_000_000 + k},{price:.8f},{qty:.8f},{2 * k},{2 * k + 1},{ms},{side},True\n"


def book_ticker(rng: random.Random) -> Iterator[str]:
    """Perpetual ``bookTicker``."""
    yield "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,"
    yield "transaction_time,event_time\n"
    ms = T0_MS
    for k in range(N_LINES):
        ms += rng.randrange(80)
        bid = 60_000 + rng.randrange(10_000) / 10
        bid_qty, ask_qty = rng.randrange(1, 10**6) / 1e3, rng.randrange(1, 10**6) / 1e3
        yield f"{k},{bid:.1f},{bid_qty:.3f},{bid + 0.1:.1f},{ask_qty:.3f},{ms},{ms + 2}\n"


def incremental_book(rng: random.Random) -> Iterator[str]:
    """Tardis ``incremental_book_L2``: five levels a message, behind a snapshot."""
    yield "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    us = T0_MS * 1000
    for k in range(N_LINES):
        us += rng.randrange(800) if k % 5 == 0 else 0
        head, side = f"binance-futures,BTCUSDT,{us},{us + 5000}", ("bid", "ask")[k % 2]
        level = 60_000 + (k % 1000) * (-0.1 if k % 2 == 0 else 0.1)
        first = "true" if k < 5 else "false"
        yield f"{head},{first},{side},{level + k % 2:.2f},{rng.randrange(1, 9999) / 1000}\n"


FILES = (
    ("binance-vision", "BTCUSDT-aggTrades-2024-08.csv", agg_trades),
    ("binance-vision", "BTCUSDT-bookTicker-2024-08.csv", book_ticker),
    ("tardis", "incremental_book_L2.csv", incremental_book),
)


def main() -> None:
    """Measure."""
    results = Results("import_csv")
    folder, out = WORK / "csv", WORK / "import"
    folder.mkdir(parents=True, exist_ok=True)
    for format, name, rows in FILES:
        path = folder / name
        with path.open("w", encoding="ascii") as file:
            file.writelines(rows(random.Random(7)))
        measure(results, format, path, out)
        path.unlink()
    results.done()


def measure(results: Results, format: str, path: Path, out: Path) -> None:
    """Add text a second of one file."""
    last: list[ImportResult] = []

    def work() -> None:
        last[:] = [import_capture(format, inputs=[path], out=out)]

    seconds = median_seconds(work, 3, lambda: shutil.rmtree(out, ignore_errors=True))
    made = last[0]
    note = f"{format}, {made.lines:,} lines, {made.text_bytes / 1e6:,.1f} MB of text"
    results.add(path.stem, made.text_bytes / 1e6 / seconds, "MB/s", "≥ 60", note)
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
