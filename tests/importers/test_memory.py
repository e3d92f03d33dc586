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
from quantlaxmi._ext.message_rows import MAX_WAITING, MAX_WAITING_LEVELS
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from tests import csv_texts
from tests.bars_files import HEADER, MAPPING
from tests.depth import DEEP

#: MiB of memory that the process may have more than after a small import and replay.
BOUND = 64
#: How many times that the text of a file has.
TIMES = 3 if DEEP else 1.5
SCRIPT = Path(__file__).parents[1] / "bounded_import.py"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="RLIMIT_DATA bounds memory on Linux only"
)


def write_lines(path: Path, line: bytes, counters: dict[bytes, tuple[int, int]], mib: float) -> int:
    """Lines like one, in which each counter's text counts on; returns how many."""
    n = -int(-(mib * (1 << 20)) // len(line))
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


def bounded(
    tmp_path: Path, format: str, *words: str, mapping: str = "", bound: int = BOUND
) -> dict[str, int]:
    """What the bounded process told."""
    command = [sys.executable, str(SCRIPT), str(bound), format, str(tmp_path / "seg"), mapping]
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
        n += write_lines(path, line.encode(), counters, TIMES * BOUND / 2)
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


# --- files whose lines wait for each other: all of one stamp -----------------------------------

TRADES = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
LEVELS = b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"


def test_as_many_equal_stamps_as_may_wait(tmp_path: Path) -> None:
    """Groups of almost `MAX_WAITING` trades of one stamp, beside 128 bytes for each that waits."""
    path = tmp_path / "trades.csv"
    path.write_bytes(TRADES)
    line = b"bybit-spot,BTCUSDT,1700000000000000,1700000000000000,1000000000,buy,42000.1,0.001\n"
    group, n = MAX_WAITING - 1, 0
    text = {b"1000000000": (10**9, 1)}
    while path.stat().st_size < TIMES * (BOUND << 20):
        stamp = b"%d" % (17 * 10**14 + n * 10**3)
        n += write_lines(
            path, line.replace(b"1700000000000000", stamp), text, group * len(line) / (1 << 20)
        )
    rules = tmp_path / "m.toml"
    rules.write_text(
        '[instruments."bybit-spot/BTCUSDT"]\nkind = "spot"\ncurrency = "USDT"\nbase = "BTC"\n'
    )
    waiting = MAX_WAITING * 128 >> 20
    told = bounded(tmp_path, "tardis", f"inputs={path}", mapping=str(rules), bound=BOUND + waiting)
    assert told["lines"] == n + 1


STAMPS = b"1700000000000000,1700000000000000"
COUNTED = b"1234567"


@pytest.mark.parametrize(
    ("format", "name", "head", "line"),
    [
        ("tardis", "trades.csv", TRADES,
         b"binance,BTCUSDT," + STAMPS + b",1234567,buy,42000.1,0.001\n"),
        ("binance-vision", "BTCUSDT-aggTrades-2023-11.csv", b"",
         b"1234567,42000.10000000,0.50000000,100000000,100000000,1700000000000,True\n"),
        ("binance-csv", "x_spot_btcusdt.csv", csv_texts.header("trade").encode() + b"\n",
         b"1700000000000000,btcusdt@trade,trade," + STAMPS + b",BTCUSDT,1234567,1,1,1,True\n"),
        ("binance-stream", "spot.txt", b"",
         b'1700000000000000000 {"stream":"btcusdt@trade","data":{"e":"trade","E":1700000000000,'
         b'"s":"BTCUSDT","t":1234567,"p":"1","q":"1","T":1700000000000,"m":true,"M":true}}\n'),
    ],
    ids=["tardis", "vision", "csv", "stream"],
)  # fmt: skip
def test_more_equal_stamps_than_may_wait_are_refused(
    tmp_path: Path, format: str, name: str, head: bytes, line: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    write_lines(path, line, {COUNTED: (1234567, 1)}, MAX_WAITING * len(line) / (1 << 20) + 8)
    assert refusal(format, path) == too_many(path, 1 + bool(head), f"{MAX_WAITING} messages")


def test_more_levels_than_may_wait_are_refused(tmp_path: Path) -> None:
    """Few messages wait, of a thousand levels each."""
    path = tmp_path / "levels.csv"
    line = b"binance,BTCUSDT," + STAMPS + b",false,bid,1234567,1\n"
    parts = [LEVELS]
    rows = b"".join(line.replace(COUNTED, b"%d" % (10**6 + k)) for k in range(1000))
    for k in range(MAX_WAITING_LEVELS // 1000 + 100):
        parts.append(rows.replace(b"1700000000000000", b"%d" % (17 * 10**14 + k)))
    path.write_bytes(b"".join(parts))
    assert refusal("tardis", path) == too_many(path, 2, f"{MAX_WAITING_LEVELS} levels")


def refusal(format: str, path: Path) -> str:
    """What an import says that leaves nothing behind."""
    files = {"spot": path, "perp": None} if format == "binance-stream" else {"inputs": [path]}
    with pytest.raises(InputError) as error:
        import_capture(format, out=path.parent / "seg", **files)
    assert list(path.parent.iterdir()) == [path]
    return str(error.value)


def too_many(path: Path, line: int, limit: str) -> str:
    return (
        f"{path} (line {line}): has more than {limit} from here on with receive times within the "
        "1 s of the reorder window; so many cannot wait until their order is known"
    )


def test_a_capture_that_goes_on_without_a_symbol_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spot.txt"
    line = b'1700000000000000000 {"lastUpdateId":1000000,"bids":[["1","1"],["2","1"]],"asks":[]}\n'
    counters = {b"1700000000000000000": (17 * 10**17, 10**6), b"1000000": (10**6, 1)}
    write_lines(path, line, counters, MAX_WAITING * len(line) / (1 << 20) + 8)
    with pytest.raises(InputError, match="has no line that names its symbol in 262144 messages"):
        import_capture("binance-stream", spot=path, perp=None, out=tmp_path / "seg")
