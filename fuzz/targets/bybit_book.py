"""Order book files of Bybit, lines damaged: rows, faults and gaps as the naive reading."""

from __future__ import annotations

import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_lines
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from tests.importers import test_bybit_book as book

ALLOWED = (InputError,)
TOKENS = (
    *(word for word in WORDS if len(word) < 1000),
    b'"u":500,', b'"u":1', b'"type":"snapshot"', b'"type":"delta"', b'"s":"ETHUSDT"', b'["1","1"]',
    b'["1",1]', b"[]", b'"cts":0', b'"ts":1700000000', b"1700000000000000", b"0.000000001",
)  # fmt: skip


def one(draw: Draw) -> None:
    lines = [line.encode() for line in book.clean(draw.pick((3, 9, 20)))]
    if draw.number(4) == 0:
        lines[draw.number(len(lines))] = book.line(40, "snapshot", draw.number(3)).encode()
    lines = edit_lines(draw, lines, TOKENS)
    text = b"\n".join(lines) + draw.pick((b"\n", b"\n", b"", b"\r\n"))
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        if draw.number(5) == 0 or any(map(left_open, text.split(b"\n"))):
            path = folder / "linear" / book.NAME
            path.parent.mkdir()
            path.write_bytes(edit_bytes(draw, text, TOKENS, 2))
            import_capture("bybit", inputs=[path], out=folder / "s", max_quarantine=Fraction(1))
        else:
            book.compare(folder, text)
    finally:
        shutil.rmtree(folder)


def left_open(line: bytes) -> bool:
    """JSON leaves open what holds of names that are given twice, and of halves of pairs."""
    twice = b"\\u" in line

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        made = dict(found)
        twice |= len(made) < len(found)
        return made

    try:
        json.loads(line, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        # What one reader cannot read at all, another may call a wrong shape.
        return b"NaN" in line or b"nfinity" in line or b"[[[[" in line or b'{"a":{' in line
    return twice
