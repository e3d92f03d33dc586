"""A table of a run's results: Arrow inside, doubles or exact decimals for pandas."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ResultTable"]

#: Rows that a notebook shows.
_SHOWN = 40
#: Rows at the beginning and at the end that a terminal shows, its width, and lines in all.
_FIRST, _LAST, _WIDTH, _LINES = 3, 1, 100, 18


class ResultTable:
    """Rows of a run, with symbols, UTC times and exact decimals.

    Whatever reads Arrow takes it as it is: ``polars.DataFrame(table)``, ``duckdb``,
    ``pyarrow.table(table)``.

    Parameters
    ----------
    arrow : pyarrow.Table

    Attributes
    ----------
    arrow : pyarrow.Table
        Money, prices and quantities as exact decimals (decimal128).

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> fills = backtest("data/planted", "basis_capture").fills()
    >>> len(fills), fills["qty"][0]
    (1212, Decimal('0.00200000'))
    """

    def __init__(self, arrow: pa.Table) -> None:
        self.arrow = arrow

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __getitem__(self, column: str) -> list[Any]:
        # Decimals, numbers and texts; times as NumPy's, which keep the nanoseconds.
        return _values(self.arrow.column(column))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.arrow.__arrow_c_stream__(requested_schema)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.arrow.column_names)

    def floats(self) -> pa.Table:
        """Return the Arrow table with its decimals as the nearest doubles."""
        import pyarrow as pa

        # By way of the text: Arrow's own conversion of a decimal is not to the nearest double.
        columns = [
            one.cast(pa.string()).cast(pa.float64()) if pa.types.is_decimal(one.type) else one
            for one in self.arrow.columns
        ]
        return pa.table(columns, names=self.arrow.column_names)

    def to_pandas(self, *, exact: bool = False) -> Any:
        """Return a pandas frame.

        Parameters
        ----------
        exact : bool
            Money, prices and quantities as `decimal.Decimal`; otherwise as float64.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        InputError
            pandas is not installed.
        """
        need_pandas("to_pandas")
        return (self.arrow if exact else self.floats()).to_pandas()

    def __repr__(self) -> str:
        return "\n".join([f"<ResultTable of {counted(len(self), 'row[s]')}>", *_lines(self)])

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.arrow.slice(0, _SHOWN)
        rows = zip(*(_values(one) for one in shown.columns), strict=True)
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows
        )
        more = f"<p>{counted(len(self), 'row[s]')}</p>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Values of a column, None where it has none."""
    import pyarrow as pa

    if not pa.types.is_temporal(column.type):
        return list(column.to_pylist())
    known = column.is_valid().to_pylist()
    times = column.to_numpy()
    return [value if has else None for value, has in zip(times, known, strict=True)]


def _lines(table: ResultTable) -> list[str]:
    """The first and the last rows as text: columns side by side, then those that have no room."""
    arrow, n = table.arrow, len(table)
    first = arrow.slice(0, _FIRST)
    last = arrow.slice(max(_FIRST, n - _LAST))
    gap = ["…"] * (n > _FIRST + _LAST)
    blocks: list[list[list[str]]] = []
    room, height = 0, 1 + len(first) + len(gap) + len(last)
    left = list(table.columns)
    for name in table.columns:
        parts = ([_text(v) for v in _values(part.column(name))] for part in (first, last))
        cells = [name, *next(parts), *gap, *next(parts)]
        wide = max(map(len, cells))
        if wide > room:
            if height * (len(blocks) + 1) > _LINES:
                break
            blocks.append([])
            room = _WIDTH
        room -= wide + 2
        blocks[-1].append([cell.ljust(wide) for cell in cells])
        left.remove(name)
    lines = ["  ".join(line).rstrip() for block in blocks for line in zip(*block, strict=True)]
    return lines + ([f"and {', '.join(left)}"] if left else [])


def _text(value: Any) -> str:
    """A value as a person reads it: times and durations in seconds, decimals without end zeros."""
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[s]")).replace("T", " ")
    if isinstance(value, np.timedelta64):
        return f"{value / np.timedelta64(1, 's'):,.3f} s"
    return " ".join(str(value).split())[:40]


def need_pandas(what: str) -> Any:
    """Import pandas.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise InputError(what, "needs pandas: pip install pandas") from None
    return pandas
