"""Klines of the archive as CSV, lines damaged: rows and faults as the naive reading."""

from __future__ import annotations

import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes, edit_lines
from fuzz.targets.bars_csv import TOKENS, compare, expected, faults
from fuzz.targets.klines_json import MAPPING, kline
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_binance_vision
from quantlaxmi.importers.bars.klines_csv import KLINE_COLUMNS
from tests.naive.bars_lines import RANGE, Leg, Reader, Refused, Rules

ALLOWED = (InputError,)
NAME = "BTCUSDT-1h-2024-01.csv"
HEADER = ",".join(KLINE_COLUMNS).encode()
NAMED = ("open", "high", "low", "close", "volume", "close_time")


def one(draw: Draw) -> None:
    micro = draw.number(2) == 1
    lines = [
        ",".join(map(str, [*kline(hour, 3600, micro), "0", "0", "0"][:12])).encode()
        for hour in range(draw.pick((3, 9, 20)))
    ]
    lines = edit_lines(draw, lines, TOKENS) if draw.number(8) else lines
    body = b"\n".join(lines) + draw.pick((b"\n", b"\n", b"", b"\r\n"))
    with_header = draw.number(2) == 1 or not body[:1].isdigit()
    text = HEADER + b"\n" + body if with_header else body
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        if draw.number(6) == 0:
            imported(folder, edit_bytes(draw, text, TOKENS, 3))
            return
        unit = "us" if first_stamp(body) * 1000 in RANGE else "ms"
        rules = Rules([Leg({name: name for name in NAMED})], time="open_time", unit=unit)
        shift = 1 - with_header
        try:
            found = Reader(rules).csv(HEADER + b"\n" + body)
            wanted = expected(found, rules.interval_ns)
        except Refused:
            imported(folder, text)
            raise AssertionError("was taken, expected a refusal") from None
        found.faults = [(line - shift, reason) for line, reason in found.faults]
        found.lines -= shift
        compare(imported(folder, text), found, wanted)
    finally:
        shutil.rmtree(folder)


def first_stamp(body: bytes) -> int:
    """The first stamp that can be read; it tells the file's unit."""
    for line in body.split(b"\n"):
        cell = line.split(b",")[0].decode("utf-8", "replace")
        if cell.isascii() and cell.isdigit() and len(cell) <= 19:
            return int(cell)
    return 0


def imported(folder: Path, text: bytes) -> ImportResult:
    """Import a file; every line must be accounted for."""
    path, rules = folder / NAME, folder / "m.toml"
    path.write_bytes(text)
    rules.write_bytes(MAPPING)
    try:
        result = import_binance_vision(
            [path], folder / "seg", mapping=rules, max_quarantine=Fraction(1)
        )
    except InputError:
        assert len(list(folder.iterdir())) == 2
        raise
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    assert len(faults(result)) == result.quarantined
    return result
