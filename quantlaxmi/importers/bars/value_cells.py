"""Cells of a column that is in memory: numbers and stamps are read as such, not as text.

What is read is what the cell's text would give. A float is taken at its shortest decimal text.
Where ``m / 10**k == x`` for an integer m below 10**15, that text is ``m / 10**k``: both ends of
the quotient are exact floats, so x is the float next to it, and no two decimals of at most 15
digits have the same float. All others are written out and read as text.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi._ext.text_cells import decimal_cells
from quantlaxmi.importers.bars.parquet import column_cells, column_texts
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import Cells

_EXACT: Final = 10**15
_MOST_DIGITS: Final = 22  # 10**22 is the largest power of ten that is a float
_UNIT_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
Mask = NDArray[np.uint8]


def row_numbers(rows: Int64Array) -> Any:
    """Rows to take, as an Arrow array: ``pa.array`` would load pandas where it is installed."""
    data = pa.py_buffer(np.ascontiguousarray(rows, np.int64))
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, data])


class ValueCells:
    """Cells of consecutive rows of an Arrow array; text is made where it is asked for.

    Parameters
    ----------
    column : pyarrow.Array
        Of any type.
    """

    numbers: Final = None

    def __init__(self, column: Any) -> None:
        self._column = column

    def _replace(self, **_: None) -> Self:
        return self

    @cached_property
    def _cells(self) -> Cells:
        return column_cells(column_texts(self._column))

    @property
    def text(self) -> bytes | memoryview:
        """Text of all cells."""
        return self._cells.text

    @property
    def starts(self) -> Int64Array:
        """Beginning of each cell in the text."""
        return self._cells.starts

    @property
    def ends(self) -> Int64Array:
        """End of each cell in the text."""
        return self._cells.ends

    def text_of(self, k: int) -> str:
        """Text of one cell; of a number or time that is none, its name."""
        one, kind = self._column.slice(k, 1), self._column.type
        value = one[0].as_py() if pa.types.is_floating(kind) or not one[0].is_valid else 0
        if value is None or value != value:
            return "NaT" if pa.types.is_temporal(kind) else "nan"
        return column_cells(column_texts(one)).text_of(0)

    @property
    def is_zoned(self) -> bool:
        """It is of times, each one instant whatever the zone."""
        kind = self._column.type
        return bool(pa.types.is_timestamp(kind)) and kind.tz is not None

    def stamps(self) -> Int64Array | None:
        """Nanoseconds since 1970 where the column is of times, -1 where there is none; else None.

        A time without a zone is UTC.
        """
        kind = self._column.type
        if not pa.types.is_timestamp(kind):
            return None
        unit = _UNIT_NS[kind.unit]
        column = self._column
        known = column.is_valid().to_numpy(zero_copy_only=False)
        start = column.offset
        whole = np.frombuffer(column.buffers()[1], np.int64)[start : start + len(column)]
        known &= (whole >= 0) & (whole <= ((1 << 63) - 1) // unit)
        return np.where(known, np.where(known, whole, 0) * unit, -1)

    def decimals(self, exponent: int, rounding: int, good: Mask, rounded: Mask) -> Int64Array:
        """Mantissas at an exponent, as ``decimal_cells`` reads them from text.

        Parameters
        ----------
        exponent : int
        rounding : int
            A value of `Rounding`; -1 for none.
        good, rounded : ndarray of uint8, shape (n_rows,)
            Set to 0 where a cell cannot be read; to 1 where it was rounded.
        """
        out = np.zeros(len(good), np.int64)
        if pa.types.is_float64(self._column.type) and -_MOST_DIGITS <= exponent <= 0:
            values = self._column.to_numpy(zero_copy_only=False)  # of a null NaN
            scale = float(10**-exponent)
            with np.errstate(invalid="ignore", over="ignore"):
                whole = np.rint(values * scale)
                exact = (np.abs(whole) < _EXACT) & (whole / scale == values)
            out[exact] = whole[exact].astype(np.int64)
            rest = np.flatnonzero(~exact)
            if not len(rest):
                return out
            cells = column_cells(column_texts(self._column.take(row_numbers(rest))))
        else:
            rest, cells = np.arange(len(good)), self._cells
        found, marks, was = np.zeros(len(rest), np.int64), good[rest], rounded[rest]
        decimal_cells(cells.text, cells.starts, cells.ends, exponent, rounding, found, marks, was)
        out[rest], good[rest], rounded[rest] = found, marks, was
        return out
