"""CSV imports of every layout whose lines were damaged: as the naive import, or refused.

With a damaged header, or packed, a file must be imported or refused; there is no twin of that.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zipfile
from pathlib import Path

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_lines
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_capture
from tests import csv_texts
from tests.as_read import rows_as_read
from tests.naive.csv_cells import LAYOUTS, Lane, TooFine
from tests.naive.csv_rows import naive_csv

ALLOWED = (InputError,)
TOKENS = (
    *(word for word in WORDS if len(word) < 1000),
    b",,", b",", b"1700000000000", b"1700000000123456789", b"ETHUSDT", b"ask", b"true",
    b"0.000000001", b"92233720368.54775808", b"\"a,b\"", b"unknown",
)  # fmt: skip

#: What the archive has without header, too; the name tells the columns.
BARE = ("aggTrades", "aggTrades_spot", "trades_perp", "trades_spot", "bookTicker", "fundingRate")


def one(draw: Draw) -> None:
    layout = draw.pick(sorted(LAYOUTS))
    rows = [row.encode() for row in csv_texts.clean_rows(layout, draw.pick((9, 18, 27)))]
    body = b"\n".join(edit_lines(draw, rows, TOKENS)) + draw.pick((b"\n", b"\n", b"", b"\r\n"))
    bare = layout in BARE and body[:1].isdigit() and draw.number(3) == 0
    lane = csv_texts.lane_of(layout, body, with_header=not bare)
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        if draw.number(4) == 0:
            _imported(folder, lane, _packed(draw, edit_bytes(draw, lane.text, TOKENS, 3)))
            return
        try:
            expected = naive_csv([lane])
        except TooFine:
            _imported(folder, lane, lane.text)
            raise AssertionError("decimals finer than the instrument's were taken") from None
        lane.units.clear()
        lane.last_id = ""
        if expected.messages == 0:
            _imported(folder, lane, lane.text)  # or taken, where all of it names another symbol
            return
        with rows_as_read():
            csv_texts.check(folder, [lane])
    finally:
        shutil.rmtree(folder)


def _packed(draw: Draw, text: bytes) -> bytes:
    how = draw.number(4)
    if how < 2:
        return text
    if how == 2:
        return edit_bytes(draw, gzip.compress(text, mtime=0), (b"\x1f\x8b", b"\0"), 2)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", draw.pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as pack:
        for name in (("x.csv",), ("../x.csv",), ("x.csv", "y.csv"), ())[draw.number(4)]:
            pack.writestr(name, text)
    return edit_bytes(draw, made.getvalue(), (b"PK\x01\x02", b"\xff" * 4, b"\0"), 2)


def _imported(folder: Path, lane: Lane, text: bytes) -> None:
    path = folder / csv_texts.NAME_OF.get(lane.layout, "file.csv")
    path.write_bytes(text)
    name = csv_texts.FORMAT_OF.get(lane.layout, "tardis")
    import_capture(name, inputs=[path], out=folder / "seg", max_quarantine=1)
