"""Interface of a file of bars in any form: batches of lines, as cells and one by one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.spool import Int64Array

#: Lines handled at once.
BATCH_LINES: Final = 1 << 13


class Row:
    """One line: its cells, or why it has none."""

    __slots__ = ("cells", "excerpt", "fault", "line", "open_end")

    def __init__(
        self,
        line: int,
        cells: list[str],
        fault: tuple[str, str] | None = None,
        excerpt: str | None = None,
        open_end: bool = False,
    ) -> None:
        self.line, self.cells, self.fault, self.excerpt = line, cells, fault, excerpt
        self.open_end = open_end  # the last line, without a newline


class Cells(NamedTuple):
    """Positions of one column's cells.

    Attributes
    ----------
    text : bytes or array of uint8
    starts, ends : ndarray of int64, shape (n_rows,)
    numbers : bytes or array of uint8, optional
        The same text, in which numbers have a decimal point; None where it is ``text``.
    """

    text: bytes | memoryview
    starts: Int64Array
    ends: Int64Array
    numbers: bytes | memoryview | None = None

    def text_of(self, k: int) -> str:
        """Text of one cell."""
        return bytes(self.text[self.starts[k] : self.ends[k]]).decode("utf-8", "replace")


@dataclass
class Batch:
    """Consecutive lines.

    Attributes
    ----------
    lines : ndarray of int64, shape (n_rows,)
        Their numbers.
    plain : ndarray of uint8, shape (n_rows,)
        1 where ``cells`` are the row's; the others can only be read by ``row``.
    cells : list of Cells
        By the place of the column in the list that was asked for.
    row : callable
        Number in the batch to the `Row`, read with care.
    stamps : dict
        Stamps that were read of the cells, and the rows (uint8) whose are right; by column and
        form.
    """

    lines: Int64Array
    plain: NDArray[np.uint8]
    cells: Sequence[Any]  # Cells, or what is read as such: `value_cells`
    row: Callable[[int], Row]
    stamps: dict[Any, tuple[Int64Array, NDArray[np.uint8]]] = field(default_factory=dict)


class Table(Protocol):
    """Interface of a file of bars.

    Attributes
    ----------
    path : Path
    header : list of str
    header_lines, lines, raw_bytes, text_bytes : int
        ``lines`` counts the header as well; whole after the last batch.
    first_line : int
        Number of the line that is read first.
    sha256 : str
        Of the file as stored; whole after the last batch.
    """

    path: Path
    header: list[str]

    @property
    def lines(self) -> int: ...
    @property
    def header_lines(self) -> int: ...
    @property
    def first_line(self) -> int: ...
    @property
    def raw_bytes(self) -> int: ...
    @property
    def text_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Lines below the header, with the cells of some columns."""

    def close(self) -> None:
        """Stop reading."""


def place_of(table: Table, column: str, key: str) -> int:
    """Index of a column that the mapping names.

    Raises
    ------
    InputError
        The file lacks it.
    """
    if column in table.header:
        return table.header.index(column)
    near = difflib.get_close_matches(column, table.header, n=1, cutoff=0.6)
    shown = ", ".join(table.header[:8]) + (", ..." if len(table.header) > 8 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it has {shown}"
    problem = f"lacks column {column!r}, which {key} names; {hint}"
    raise InputError(table.path, problem, f"line {table.header_lines or 1}")
