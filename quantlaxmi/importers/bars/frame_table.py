"""A table in memory as a file of bars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Row
from quantlaxmi.importers.bars.value_cells import ValueCells, row_numbers

#: The line that the first row of a frame has when it is written as CSV, below its header.
FIRST_LINE = 2


class FrameTable:
    """Columns in memory; they are read as the lines that ``to_csv`` would write.

    Parameters
    ----------
    name : str
        What errors call it.
    columns : dict of str to pyarrow.Array
        Of equal length.
    descending : bool
        The last row is the earliest, and read first.
    """

    header_lines, raw_bytes, text_bytes = 1, 0, 0

    def __init__(self, name: str, columns: dict[str, Any], descending: bool = False) -> None:
        self.path, self.header, self._columns = Path(name), list(columns), columns
        self.n_rows = len(next(iter(columns.values()), ()))
        self.lines, self._descending = 1, descending
        self.first_line = self.n_rows + 1 if descending else FIRST_LINE
        #: No hash of content: the name tells frames apart.
        self.sha256 = name

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Rows, with the cells of some columns."""
        arrays = [self._columns[self.header[k]] for k in columns]
        order = np.arange(self.n_rows)
        for start in range(0, self.n_rows, BATCH_LINES):
            rows = order[start : start + BATCH_LINES]
            if self._descending:
                rows = self.n_rows - 1 - rows
                pieces = [array.take(row_numbers(rows)) for array in arrays]
            else:
                pieces = [array.slice(start, len(rows)) for array in arrays]
            self.lines += len(rows)
            yield _batch(rows + FIRST_LINE, [ValueCells(piece) for piece in pieces])

    def close(self) -> None:
        """Nothing is open."""


def _batch(lines: Any, cells: list[ValueCells]) -> Batch:
    def row(k: int) -> Row:
        texts = [column.text_of(k) for column in cells]
        return Row(int(lines[k]), texts, None, ",".join(texts)[:160])

    return Batch(lines, np.ones(len(lines), np.uint8), cells, row)
