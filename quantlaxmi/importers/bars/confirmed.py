"""A table of bars that says of each whether it has ended: the last one may not have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantlaxmi._ext.text_cells import equal_cells
from quantlaxmi.importers.bars.table import Batch, Row, Table, place_of


class ConfirmedTable:
    """A table without its last bar, where that has not ended.

    Any other bar that is not confirmed is a fault. The line of the last one counts as one of the
    header.

    Parameters
    ----------
    table : Table
        Read in the order of time.
    column : str
        1 for a bar that has ended, 0 for one that has not.

    Attributes
    ----------
    notes : list of str
        What was left out.
    """

    def __init__(self, table: Table, column: str) -> None:
        self._table, self._column = table, column
        try:
            self._place = place_of(table, column, "the format")
        except BaseException:
            table.close()
            raise
        self.path, self.header = table.path, table.header
        self.notes: list[str] = []

    @property
    def lines(self) -> int:
        return self._table.lines

    @property
    def header_lines(self) -> int:
        return self._table.header_lines + len(self.notes)

    @property
    def first_line(self) -> int:
        return self._table.first_line

    @property
    def raw_bytes(self) -> int:
        return self._table.raw_bytes

    @property
    def text_bytes(self) -> int:
        return self._table.text_bytes

    @property
    def sha256(self) -> str:
        return self._table.sha256

    def close(self) -> None:
        """Stop reading."""
        self._table.close()

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Lines below the header, with the cells of some columns."""
        before = None
        for batch in self._table.batches([*columns, self._place]):
            if before is not None:
                yield self._checked(before)
            before = batch
        if before is not None:
            last = self._checked(before)
            n = len(last.plain) - 1
            # A faulty cell somewhere else makes it no less unfinished.
            row = before.row(n)
            if row.fault is None and row.cells[-1] == "0":
                line = f"{self.path.name}: line {int(last.lines[n])}"
                self.notes.append(f"{line}, the last bar, had not ended and was left out.")
                cells = [one._replace(starts=one.starts[:n], ends=one.ends[:n])
                         for one in last.cells]  # fmt: skip
                last = Batch(last.lines[:n], last.plain[:n], cells, last.row)
            yield last

    def _checked(self, batch: Batch) -> Batch:
        """A batch whose rows that are not confirmed are faults."""
        cells = batch.cells[-1]
        good = np.ascontiguousarray(batch.plain).copy()
        equal_cells(cells.text, cells.starts, cells.ends, b"1", good)

        def row(k: int) -> Row:
            found = batch.row(k)
            if found.fault is None:
                told = found.cells[-1]
                found.cells = found.cells[:-1]
                if found.open_end:
                    found.fault = "half-line", "has no newline, so that its last cell may be cut"
                elif told != "1":
                    detail = f"column {self._column!r} was {told[:40]!r}, expected 1"
                    found.fault = ("partial-bar", detail)
            return found

        return Batch(batch.lines, good, batch.cells[:-1], row)
