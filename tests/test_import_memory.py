"""Files larger than the memory an import may have: imported, and streamed again from the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from tests.bars_files import HEADER, MAPPING

#: MiB of memory that the process may have more than after a small import and replay.
BOUND = 64
#: How many times that the text of a file has.
TIMES = 3
SCRIPT = Path(__file__).parent / "bounded_import.py"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="RLIMIT_DATA bounds memory on Linux only"
)


def write_lines(path: Path, line: bytes, counters: dict[bytes, tuple[int, int]], mib: int) -> int:
    """Lines like one, in which each counter's text counts on; returns how many."""
    n = -(-(mib << 20) // len(line))
    places = {text: line.index(text) for text in counters}
    with path.open("ab") as file:
        for start in range(0, n, 1 << 16):
            rows = np.tile(np.frombuffer(line, np.uint8), (min(1 << 16, n - start), 1))
            numbers = np.arange(start, start + len(rows))
            for text, (first, step) in counters.items():
                values = first + step * numbers
                for digit in range(len(text)):
                    rows[:, places[text] + len(text) - 1 - digit] = values % 10 + 48
                    values //= 10
                assert not values.any()
            file.write(rows.tobytes())
    return n


def bounded(tmp_path: Path, format: str, *words: str, mapping: str = "") -> dict[str, int]:
    """What the bounded process told."""
    command = [sys.executable, str(SCRIPT), str(BOUND), format, str(tmp_path / "seg"), mapping]
    found = {**os.environ, "PYTHONPATH": str(Path(quantlaxmi.__file__).parents[1])}
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=570, env=found
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    assert told["mib"] >= TIMES * BOUND
    return told


def test_captures(tmp_path: Path) -> None:
    ts = 1_700_000_000_000_000_000
    words, n = [], 0
    for k, market in enumerate(("spot", "perp")):
        path = tmp_path / f"{market}.txt"
        clock = f',"T":{ts // 10**6},"E":{ts // 10**6}' * k
        line = (
            f'{ts + k} {{"stream":"btcusdt@bookTicker","data":{{"u":1000000000,"s":"BTCUSDT",'
            f'"b":"42000.10","B":"5.000","a":"42000.20","A":"5.000"{clock}}}}}\n'
        )
        counters = {f"{ts + k}".encode(): (ts + k, 10**6), b"1000000000": (10**9, 1)}
        if k:
            path.write_bytes(b"")
            line = line.replace(f'"T":{ts // 10**6},"E"', f'"T":{ts // 10**6 + 1},"E"')
            counters |= {
                f"{ts // 10**6 + 1}".encode(): (ts // 10**6 + 1, 1),
                f'"E":{ts // 10**6}'.encode()[4:]: (ts // 10**6, 1),
            }
        n += write_lines(path, line.encode(), counters, TIMES * BOUND // 2)
        words.append(f"{market}={path}")
    assert bounded(tmp_path, "binance-stream", *words)["lines"] == n


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2023-11.csv"
    line = b"700000000,42000.10000000,0.50000000,100000000,100000000,1700000000000,True\n"
    counters = {b"700000000": (7 * 10**8, 1), b"1700000000000": (17 * 10**11, 100)}
    n = write_lines(path, line, counters, TIMES * BOUND)
    assert bounded(tmp_path, "binance-vision", f"inputs={path}")["lines"] == n


def test_bars(tmp_path: Path) -> None:
    path, rules = tmp_path / "bars.csv", tmp_path / "m.toml"
    rules.write_text(MAPPING.replace('"1h"', '"1s"'))
    path.write_text(HEADER + "\n")
    prices = ",".join(["42000.10"] * 4 + ["42000.20"] * 4)
    line = f"1600000000,{prices},0.00010000\n".encode()
    n = write_lines(path, line, {b"1600000000": (16 * 10**8, 1)}, TIMES * BOUND)
    told = bounded(tmp_path, "bars", f"inputs={path}", mapping=str(rules))
    assert told["lines"] == n + 1
