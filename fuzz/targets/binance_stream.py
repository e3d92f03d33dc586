"""The import of captures whose lines were damaged: every row, fault and gap as the naive import."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_lines
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_binance_stream
from tests import captures
from tests.as_read import rows_as_read

ALLOWED = ()
#: Refusals of a whole file, which the naive import does not know.
REFUSALS = (
    "no acceptable line", "names its symbol", "was given", "is empty", "symbol", "two symbols",
    "looks like",
)  # fmt: skip
TOKENS = (
    *(word for word in WORDS if len(word) < 1000),
    b'"pu":1,', b'"E":1700000000000,', b'"T":1700000000000000,', b'"u":1001', b'"U":1001',
    b'"lastUpdateId":1000', b'"stream":"btcusdt@trade"', b'"s":"ETHUSDT"', b'"m":true', b'"M":1,',
    b'"X":"MARKET",', b'["1","1"]', b'["1",1]', b"1700000000", b"000000", b"1e2", b"\\u0031",
)  # fmt: skip


def one(draw: Draw) -> None:
    both = draw.number(3)  # spot, perpetual, both
    size = draw.pick((3, 9, 14, 30))
    texts = []
    for perp, made in ((False, captures.spot_lines), (True, captures.perp_lines)):
        if both == 2 or bool(both) == perp:
            lines = edit_lines(draw, made(size), TOKENS)
            end = draw.pick((b"\n", b"\n", b"", b"\r\n", b"\n\n"))
            texts.append((b"\n".join(lines) + end, perp))
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    window = draw.pick((10**9, 10**9, 0, 5 * 10**6))
    options: dict[str, Any] = {"max_quarantine": Fraction(1), "reorder_window_ns": window}
    try:
        if any(_left_open(line) for text, _ in texts for line in text.splitlines()):
            # JSON leaves open what holds then. Of names given twice the import refuses a line of
            # which any value is of a wrong type, the naive import looks at the last one only; half
            # a surrogate pair is no text to the import.
            paths: dict[bool, Path] = {}
            for text, perp in texts:
                paths[perp] = folder / ("perp" if perp else "spot")
                paths[perp].write_bytes(text)
            import_binance_stream(paths.get(False), paths.get(True), folder / "seg", **options)
        else:
            with rows_as_read():
                captures.check_against_naive(folder, texts, **options)
    except InputError as error:
        assert any(x in str(error) for x in REFUSALS), str(error)
    finally:
        shutil.rmtree(folder)


def _left_open(line: bytes) -> bool:
    twice = re.search(rb"\\u[dD][89a-fA-F]", line) is not None

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        made = dict(found)
        twice |= len(made) < len(found)
        return made

    try:
        json.loads(line.partition(b" ")[2], object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return twice
