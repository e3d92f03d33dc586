"""Recorded frames of Kite's ticker: packets of every length, edited bytes and lines."""

from __future__ import annotations

import base64
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.schema import TABLES
from tests.naive import kite_frames as naive

ALLOWED = (InputError, ConfigError)
TOKENS = (256 * 1594 + 1, 256 * 11 + 9, 256 * 40_001 + 2)
INDICES = (False, True, False)
MAPPING = """
[instruments.408065]
kind = "spot"
symbol = "INFY"
[instruments.2825]
kind = "index"
symbol = "NIFTY"
[instruments.10240258]
kind = "call"
underlying = "NIFTY"
expiry = 2025-09-02
strike = 24550
"""
LENGTHS = (184, 44, 32, 28, 8, 184, 184)
VALUES = (0, 1, -1, 5, 75, 2**31 - 1, -(2**31), 157_370, 1_756_440_000)
START_S = 1_756_438_000
PIECES = (b" ", b"\n", b"=", b"AA", b"\x00", b"\xff", b"1756438000000", b"\r\n", b"\t")


def packet(draw: Draw, second: int, volume: int) -> bytes:
    """A sound packet, mostly."""
    length = draw.pick(LENGTHS)
    token = TOKENS[1] if length < 44 else draw.pick((TOKENS[0], TOKENS[2], 77_313))
    last = 5 * (1 + draw.number(9_000))
    words = [token, last, 75 * (1 + draw.number(4)), last, volume, 75, 150, last, last, last, last]
    words += [second - draw.number(9), 75, 75, 75, second]
    if length < 44:
        words = [token, last, last, last, last, last, 5, second]
    made = bytearray(b"".join(one.to_bytes(4, "big", signed=True) for one in words))[:length]
    if length == 184:
        there = draw.pick((5, 5, 3, 0))
        for side in (-1, 1):
            for k in range(5):
                level = (
                    (75 * (1 + draw.number(9)), last + side * 5 * (k + 1)) if k < there else (0, 0)
                )
                made += b"".join(max(one, 0).to_bytes(4, "big") for one in level) + bytes(4)
    if draw.number(12) == 0:
        at = 4 * draw.number(len(made) // 4)
        made[at : at + 4] = draw.pick(VALUES).to_bytes(4, "big", signed=True)
    return bytes(made)


def line(draw: Draw, second: int, volume: int) -> bytes:
    """A line of packets, a heartbeat or a bare packet."""
    packets = [packet(draw, second, volume) for _ in range(draw.pick((1, 1, 2, 3)))]
    data = len(packets).to_bytes(2, "big")
    for one in packets:
        data += len(one).to_bytes(2, "big") + one
    data = draw.pick((data, data, data, packets[0], b"\x00", data[:-1]))
    text = base64.b64encode(data)
    unit = draw.pick((1, 10**3, 10**6))
    stamp = (second * 1000 + draw.pick((0, 300, -700, 2_000))) * unit
    return text if draw.number(6) == 0 else b"%d %s" % (stamp, text)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def imported(place: Path, format: str, data: bytes, mapping: str) -> Any:
    """The segment that the bytes make; nothing is left where they are refused."""
    (place / "m.toml").write_text(mapping)
    (place / "feed.txt").write_bytes(data)
    try:
        return import_capture(
            format, inputs=[place / "feed.txt"], mapping=place / "m.toml", out=place / "s",
            max_quarantine=1,
        )  # fmt: skip
    finally:
        left = {path.name for path in place.iterdir()} - {"m.toml", "feed.txt", "s"}
        assert not left, f"left behind: {left}"


def compare(result: Any, rows: dict[str, list[Any]], faults: dict[int, str]) -> None:
    """Rows and faults are the twin's."""
    for table, wanted in rows.items():
        columns = [result.segment.columns(table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == wanted, table
    assert result.quarantined == len(faults)
    reasons = sorted(faults.values())
    assert sorted(r for r, n in result.quarantine_reasons.items() for _ in range(n)) == reasons


def one(draw: Draw) -> None:
    lines, volume = [], 0
    for k in range(1 + draw.number(6)):
        volume += 75 * draw.number(4)
        lines.append(line(draw, START_S + k * draw.pick((1, 1, 90)), volume))
    data = b"\n".join(lines)
    if draw.number(3) == 0:
        data = edit_bytes(draw, data, PIECES, 3)
    rows, faults = naive.session(data.removeprefix(b"\xef\xbb\xbf"), TOKENS, INDICES)
    with folder() as place:
        compare(imported(place, "kite-frames", data, MAPPING), rows, faults)
