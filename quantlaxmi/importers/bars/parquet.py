"""Rows of a Parquet file of bars, every column as text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Cells, Row

#: Most bytes of one row group: its columns that are read are unpacked as a whole.
MAX_GROUP: Final = 1 << 29
_UNIT_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_ERRORS: Final = (pa.ArrowException, OSError, ValueError)


class ParquetTable:
    """A Parquet file; row ``n`` counts as line ``n``, from 1.

    Floats are taken at their shortest decimal text, which is what was written where a decimal of at
    most 15 digits was stored as a float.

    Parameters
    ----------
    path : Path
    report_progress : callable
        Called with the bytes read so far.
    descending : bool
        The last row is the earliest, and read first.

    Raises
    ------
    InputError
        The file is no Parquet, or cut.
    """

    header_lines = 0

    def __init__(
        self, path: Path, report_progress: Callable[[int], None], descending: bool = False
    ) -> None:
        self.path, self._report_progress, self.lines = path, report_progress, 0
        self._descending = descending
        digest = hashlib.sha256()
        self._open = open_regular(path, InputError, "a Parquet file of bars")
        try:
            self.raw_bytes = self.text_bytes = os.fstat(self._open.fileno()).st_size
            while data := self._open.read(1 << 20):
                digest.update(data)
            # The file that was hashed, whatever has come under its name since; and Arrow takes no
            # name that is not UTF-8.
            self._open.seek(0)
            self._file = pq.ParquetFile(self._open)
        except _ERRORS as error:
            self._open.close()
            raise self._fail(error) from None
        self.sha256 = digest.hexdigest()
        self.header = list(self._file.schema_arrow.names)
        self.first_line = max(self._file.metadata.num_rows, 1) if descending else 1

    def _fail(self, error: BaseException) -> InputError:
        words = " ".join(str(error).split())[:200]
        return InputError(self.path, f"cannot be read as Parquet: {words}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._open.close()

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Rows, with the cells of some columns as texts; empty for a null."""
        names = [self.header[k] for k in columns]
        wanted = sorted(set(names))
        try:
            self._check_groups()
            for piece in self._pieces(wanted):
                texts = {name: column_texts(piece.column(name)) for name in wanted}
                yield self._batch([column_cells(texts[name]) for name in names], piece.num_rows)
            self._report_progress(self.raw_bytes)
        except _ERRORS as error:
            raise self._fail(error) from None

    def _pieces(self, wanted: list[str]) -> Iterator[Any]:
        """Rows of some columns, as they are read."""
        if not self._descending:
            yield from self._file.iter_batches(batch_size=BATCH_LINES, columns=wanted)
            return
        for group in reversed(range(self._file.metadata.num_row_groups)):
            pieces = self._file.iter_batches(BATCH_LINES, row_groups=[group], columns=wanted)
            for piece in reversed(list(pieces)):
                yield piece.take(pa.array(np.arange(piece.num_rows)[::-1]))

    def _batch(self, cells: list[Cells], n: int) -> Batch:
        before, step = self.lines, -1 if self._descending else 1
        lines = self.first_line + step * np.arange(before, before + n)
        self.lines += n

        def row(k: int) -> Row:
            texts = [column.text_of(k) for column in cells]
            return Row(int(lines[k]), texts, None, ",".join(texts)[:160])

        return Batch(lines, np.ones(n, np.uint8), cells, row)

    def _check_groups(self) -> None:
        # Arrow ends the process where the metadata of a single column are damaged and asked for;
        # while it reads rows the same damage is an error.
        about = self._file.metadata
        for g in range(about.num_row_groups):
            size = about.row_group(g).total_byte_size
            if size > MAX_GROUP:
                problem = (
                    f"has {counted(size, 'byte[s]')} unpacked; expected at most {MAX_GROUP}; "
                    "write it with "
                )
                raise InputError(self.path, f"{problem}smaller row groups", f"row group {g + 1}")


def column_texts(column: Any) -> Any:
    """A column as an array of texts."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        # A stamp with a zone is one instant; one without is read in the mapping's zone.
        aware = kind.tz is not None
        # What nanoseconds do not reach is no stamp; the cell is empty.
        most = ((1 << 63) - 1) // _UNIT_NS[kind.unit]
        whole = column.cast(pa.int64())
        known = pc.and_(pc.less_equal(whole, most), pc.greater_equal(whole, -most))
        column = pc.if_else(known, column, pa.scalar(None, kind))
        column = column.cast(pa.timestamp("ns", "UTC") if aware else pa.timestamp("ns"))
        plain = column.cast(pa.int64()).cast(pa.timestamp("ns")).cast(pa.string())
        return pc.binary_join_element_wise(plain, "Z", "") if aware else plain
    if pa.types.is_floating(kind):
        if pa.types.is_float16(kind):
            shortest = column.to_numpy(zero_copy_only=False)
            return pa.array(["" if v != v else str(v) for v in shortest], pa.string())
        return pc.if_else(pc.is_nan(column), None, column).cast(pa.string())
    if pa.types.is_string(kind):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        texts = ["" if value is None else str(value) for value in column.to_pylist()]
        return pa.array(texts, pa.string())


def column_cells(texts: Any) -> Cells:
    """Positions of the texts of an array; those of nulls are empty."""
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    n = len(texts)
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + n + 1].astype(np.int64)
    bytes_ = memoryview(data).cast("B") if data is not None else memoryview(b"")
    return Cells(bytes_, np.ascontiguousarray(places[:-1]), np.ascontiguousarray(places[1:]))
