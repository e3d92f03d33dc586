"""Parquet files of bars: rows as those of a CSV file with the same texts; edited bytes."""

from __future__ import annotations

import io
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes
from fuzz.targets.bars_csv import clean_lines, drawn_rules, faults, imported, mapping_text
from fuzz.targets.trace_arrow import PIECES
from quantlaxmi.errors import InputError
from tests.bars_files import rows_of

ALLOWED = (InputError,)
CELLS = (
    "", "0", "-1", "1.5", "nan", "1e9", "0.00000001", "0.000000001", "99999999999", "x", "1e300",
    "1711749600", "1711749600000", "2024-03-31 02:30:00", "2024-03-31", "é", "0.1", "7.25",
)  # fmt: skip


def column(draw: Draw, texts: list[str]) -> tuple[pa.Array, list[str]]:
    """A column of one type or another, and the texts it is to be read as."""
    kind = draw.pick(("text", "text", "large", "words", "float", "float", "int", "decimal"))
    if kind == "float" and all(is_plain(text) for text in texts):
        values = [float(text) if text else None for text in texts]
        return pa.array(values, pa.float64()), ["" if v is None else repr(v) for v in values]
    whole = [int(text) for text in texts if text.isdecimal() and text.isascii()]
    if kind == "int" and len(whole) == len(texts) and max(whole) < 2**63:
        return pa.array(whole), [str(value) for value in whole]
    if kind == "decimal" and all(is_plain(text) for text in texts):
        try:
            made = pa.array([t or None for t in texts]).cast(pa.decimal128(38, 9))
        except pa.ArrowException:
            return pa.array(texts), texts
        return made, ["" if v is None else f"{v:f}" for v in made.to_pylist()]
    if kind == "words":
        return pa.array(texts).dictionary_encode(), texts
    if kind == "large":
        return pa.array([text or None for text in texts], pa.large_string()), texts
    return pa.array(texts), texts


def is_plain(text: str) -> bool:
    """Whether a float or a null holds it."""
    try:
        return not text or math.isfinite(float(text))
    except ValueError:
        return False


def written(draw: Draw, table: pa.Table) -> bytes:
    """A Parquet file of the table."""
    made = io.BytesIO()
    pq.write_table(
        table,
        made,
        compression=draw.pick(("none", "snappy", "zstd", "gzip")),
        row_group_size=draw.pick((1, 4, 1000)),
        use_dictionary=draw.number(2) == 1,
        data_page_version=draw.pick(("1.0", "2.0")),
        version=draw.pick(("1.0", "2.6")),
    )
    return made.getvalue()


def one(draw: Draw) -> None:
    rules = drawn_rules(draw)
    rules.delimiter, rules.comma, rules.skip_lines = ",", False, 0
    lines = [line.decode().split(",") for line in clean_lines(rules, draw.pick((3, 9)), 1711749600)]
    header, rows = lines[0], lines[1:]
    for _ in range(draw.number(4)):
        rows[draw.number(len(rows))][draw.number(len(header))] = draw.pick(CELLS)
    columns = [column(draw, list(texts)) for texts in zip(*rows, strict=True)]
    data = written(draw, pa.table([made for made, _ in columns], names=header))
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    mapping = mapping_text(rules)
    try:
        if draw.number(3) == 0:
            imported(folder, edit_bytes(draw, data, PIECES, 3), mapping, "bars.parquet")
            return
        texts = zip(*(texts for _, texts in columns), strict=True)
        text = "\n".join([",".join(header), *map(",".join, texts)]) + "\n"
        assert outcome(folder / "a", data, mapping, 0) == outcome(
            folder / "b", text.encode(), mapping, 1
        )
    finally:
        shutil.rmtree(folder)


def outcome(folder: Path, data: bytes, mapping: bytes, n_header: int) -> Any:
    """Rows and faults by bar, or that the file was refused."""
    folder.mkdir()
    try:
        result = imported(folder, data, mapping, "bars")
    except InputError:
        return None
    rows = rows_of(result)
    assert result.header_lines == n_header
    return rows, [(line - n_header, reason) for line, reason in faults(result)]
