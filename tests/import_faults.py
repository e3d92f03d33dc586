"""What can be wrong with a file: each takes a clean sample to spoiled bytes and the row."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable
from decimal import Decimal

from tests.import_samples import Rows, Sample

ROW = 24
Spoiled = tuple[bytes, int] | None


def rows_of(sample: Sample) -> Rows:
    return [dict(row) for row in sample.rows]


def clean(sample: Sample) -> bytes:
    return sample.encode(sample.rows)


def with_cell(sample: Sample, column: str) -> int:
    """The first row from the middle on that has a cell."""
    return next(k for k in range(ROW, len(sample.rows)) if column in sample.rows[k])


def message(sample: Sample, k: int = ROW) -> list[int]:
    """Rows with the stamps of a row: its message."""
    wanted = [sample.rows[k][c] for c in sample.stamps]
    return [j for j, row in enumerate(sample.rows) if [row.get(c) for c in sample.stamps] == wanted]


def _renamed(sample: Sample) -> Spoiled:
    rows = rows_of(sample)
    if sample.by_line and sample.format != "binance-stream":
        return None  # its values have places, not names
    if sample.by_line:
        k = with_cell(sample, sample.price)
        rows[k] = {("cost" if c == sample.price else c): v for c, v in rows[k].items()}
        return sample.encode(rows), k
    if not sample.n_header and not sample.is_parquet:
        return None
    rows = [{("cost" if c == sample.price else c): v for c, v in row.items()} for row in rows]
    return sample.encode(rows), 0


def _dropped(sample: Sample) -> Spoiled:
    rows = rows_of(sample)
    k = with_cell(sample, sample.price)
    for row in [rows[k]] if sample.by_line else rows:
        del row[sample.price]
    return sample.encode(rows), k


def _moved(text: str, change: Callable[[Decimal], Decimal]) -> str:
    """A stamp, quoted or not, whole or with a fraction, after a change."""
    value = change(Decimal(text.strip('"')))
    moved = f"{value:f}" if "." in text else f"{int(value)}"
    return f'"{moved}"' if text.startswith('"') else moved


def _unit(times: int, whole: bool) -> Callable[[Sample], Spoiled]:
    def spoil(sample: Sample) -> Spoiled:
        rows = rows_of(sample)
        for row in rows if whole else [rows[ROW]]:
            for column in sample.stamps:
                row[column] = _moved(row[column], lambda v: v * 1000 if times > 0 else v / 1000)
        return sample.encode(rows), ROW

    return spoil


def _mixed(sample: Sample) -> Spoiled:
    if not sample.symbol:
        return None
    k, rows = with_cell(sample, sample.symbol), rows_of(sample)
    rows[k][sample.symbol] = rows[k][sample.symbol].replace("BTC", "ETH")
    return sample.encode(rows), k


def _reversed(sample: Sample) -> Spoiled:
    rows = rows_of(sample)
    for k in message(sample):
        for column in sample.stamps:
            rows[k][column] = _moved(
                rows[k][column], lambda v: v - Decimal(36_000 * 10**9) / sample.unit_ns
            )
    return sample.encode(rows), ROW


def _duplicate(sample: Sample) -> Spoiled:
    rows = rows_of(sample)
    if not sample.id:
        rows.insert(ROW + 1, dict(rows[ROW]))
        return sample.encode(rows), ROW + 1
    k = with_cell(sample, sample.id)
    id_ = rows[k][sample.id]
    before = next(j for j in range(k, -1, -1) if rows[j].get(sample.id, id_) != id_)
    for row in rows:
        if row.get(sample.id) == id_:
            for name in (sample.id, "FirstUpdateId", "first_update_id", "pu"):
                if name in row:
                    row[name] = rows[before][name]
    return sample.encode(rows), k


def _gap(sample: Sample) -> Spoiled:
    last = max(message(sample)[-1] + 1, ROW + 3)
    rows = [row for k, row in enumerate(rows_of(sample)) if not ROW <= k < last]
    return sample.encode(rows), ROW


def _half(sample: Sample) -> Spoiled:
    body = clean(sample).rstrip(b"\n")
    at = body.rfind(b"\n") + 1
    return body[: at + (len(body) - at) * 3 // 5], len(sample.rows) - 1


def _less(sample: Sample) -> Spoiled:
    return clean(sample).rstrip(b"\n")[:-1], len(sample.rows) - 1


def _packed(pack: Callable[[Sample], bytes], cut: int) -> Callable[[Sample], Spoiled]:
    return lambda sample: (pack(sample)[:-cut], 0)


def _zip(sample: Sample) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(sample.name, clean(sample))
    return file.getvalue()


def _garbage_line(sample: Sample) -> Spoiled:
    if sample.is_parquet:
        return None
    lines = clean(sample).split(b"\n")
    lines[ROW + sample.n_header] = b"\xff\x00\x80" + random.Random(5).randbytes(40).replace(
        b"\n", b"x"
    )
    return b"\n".join(lines), ROW


def _text(change: Callable[[bytes], bytes]) -> Callable[[Sample], Spoiled]:
    return lambda sample: None if sample.is_parquet else (change(clean(sample)), 0)


def _quoted(sample: Sample) -> Spoiled:
    if sample.by_line or sample.is_parquet:
        return None
    return sample.encode([{c: f'"{v}"' for c, v in row.items()} for row in sample.rows]), 0


def _price(value: str) -> Callable[[Sample], Spoiled]:
    def spoil(sample: Sample) -> Spoiled:
        rows, k = rows_of(sample), with_cell(sample, sample.price)
        rows[k][sample.price] = f'"{value}"' if sample.by_line else value
        return sample.encode(rows), k

    return spoil


#: Each fault by its name; a folder in the file's place and another symbol asked for are made by
#: the test itself.
FAULTS: dict[str, Callable[[Sample], Spoiled]] = {
    "wrong column": _renamed,
    "missing column": _dropped,
    "one stamp a thousand times": _unit(1, False),
    "one stamp a thousandth": _unit(-1, False),
    "all stamps a thousand times": _unit(1, True),
    "all stamps a thousandth": _unit(-1, True),
    "mixed symbols": _mixed,
    "reversed time": _reversed,
    "duplicate id": _duplicate,
    "gap": _gap,
    "half a line at the end": _half,
    "a character less at the end": _less,
    "empty file": lambda sample: (b"", 0),
    "truncated gzip": _packed(lambda sample: gzip.compress(clean(sample)), 30),
    "truncated zip": _packed(_zip, 40),
    "binary garbage": lambda sample: (random.Random(3).randbytes(4096), 0),
    "a line of garbage": _garbage_line,
    "byte order mark": _text(lambda text: b"\xef\xbb\xbf" + text),
    "CRLF": _text(lambda text: text.replace(b"\n", b"\r\n")),
    "quoted fields": _quoted,
    "price of 20 digits": _price("99999999999999999999"),
    "price of 1e400": _price("1e400"),
    "price of nan": _price("nan"),
    "price below zero": _price("-5"),
    "no price": _price(""),
    "price of ten decimals": _price("1.1234567891"),
}
