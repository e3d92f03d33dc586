"""Rows of a Feather file of bars (an Arrow file), every column as text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.bars.parquet import column_cells, column_texts
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Cells, Row
from quantlaxmi.segment.arrow_io import ARROW_ERRORS, batch_sizes
from quantlaxmi.system.positions import read_at

#: Most bytes that one batch unpacks to.
MAX_BATCH: Final = 1 << 29
_ERRORS: Final = (*ARROW_ERRORS, OSError)


class FeatherTable:
    """A Feather file of version 2, plain or compressed; row ``n`` counts as line ``n``.

    Floats are taken at their shortest decimal text.

    Parameters
    ----------
    path : Path
    report_progress : callable
        Called with the bytes read so far.

    Raises
    ------
    InputError
        The file is no Feather, cut, or has a batch that unpacks to more than `MAX_BATCH`.
    """

    header_lines = 0
    first_line = 1

    def __init__(self, path: Path, report_progress: Callable[[int], None]) -> None:
        self.path, self._report_progress, self.lines = path, report_progress, 0
        digest = hashlib.sha256()
        self._open = open_regular(path, InputError, "a Feather file of bars")
        try:
            self.raw_bytes = self.text_bytes = os.fstat(self._open.fileno()).st_size
            while data := self._open.read(1 << 20):
                digest.update(data)
            self._check_sizes()
            self._open.seek(0)
            self._file = pa.ipc.open_file(self._open)
            self.header = list(self._file.schema.names)
        except BaseException as error:
            self._open.close()
            if isinstance(error, _ERRORS):
                raise self._fail(error) from None
            raise
        self.sha256 = digest.hexdigest()

    def _fail(self, error: BaseException) -> InputError:
        words = " ".join(str(error).split())[:200]
        return InputError(self.path, f"cannot be read as Feather of version 2: {words}")

    def _check_sizes(self) -> None:
        descriptor = self._open.fileno()
        sizes = batch_sizes(lambda n, at: read_at(descriptor, n, at), self.raw_bytes)
        for k, size in enumerate(sizes, 1):
            if size > MAX_BATCH:
                problem = f"unpacks to {counted(size, 'byte[s]')}; expected at most {MAX_BATCH}"
                raise InputError(self.path, problem, f"batch {k}")

    def close(self) -> None:
        """Close the file."""
        self._open.close()

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Rows, with the cells of some columns as texts; empty for a null."""
        names = [self.header[k] for k in columns]
        try:
            for k in range(self._file.num_record_batches):
                whole = self._file.get_batch(k)
                whole.validate(full=True)
                for start in range(0, whole.num_rows, BATCH_LINES):
                    piece = whole.slice(start, BATCH_LINES)
                    cells = [column_cells(column_texts(piece.column(name))) for name in names]
                    yield self._batch(cells, piece.num_rows)
            self._report_progress(self.raw_bytes)
        except _ERRORS as error:
            raise self._fail(error) from None

    def _batch(self, cells: list[Cells], n: int) -> Batch:
        lines = np.arange(self.lines + 1, self.lines + 1 + n)
        self.lines += n

        def row(k: int) -> Row:
            texts = [column.text_of(k) for column in cells]
            return Row(int(lines[k]), texts, None, ",".join(texts)[:160])

        return Batch(lines, np.ones(n, np.uint8), cells, row)
