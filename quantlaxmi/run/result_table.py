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
#: Rows at the beginning and at the end that a terminal shows, its width, and lines in all; lines
#: within which a table is shown whole; characters of a text.
_FIRST, _LAST, _WIDTH, _LINES, _WHOLE, _LONGEST = 3, 1, 100, 18, 60, 64


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
            "<tr>" + "".join(f"<td>{escape(_cell(v))}</td>" for v in row) + "</tr>" for row in rows
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
    """All rows of a short table, else the first and the last, as text: columns side by side."""
    n = len(table)
    lines, left = _blocks(table, list(range(n)), _WHOLE) if n < _WHOLE else ([], [""])
    if left:
        rows = [*range(min(n, _FIRST)), *range(max(_FIRST, n - _LAST), n)]
        lines, left = _blocks(table, rows, _LINES)
    return lines + ([f"and {', '.join(left)}"] if left else [])


def _blocks(table: ResultTable, rows: list[int], most: int) -> tuple[list[str], list[str]]:
    """At most so many lines of some rows, and the columns that have no room.

    Columns that do not stand side by side go beneath, each time behind the first one.
    """
    gap = ["…"] * (len(rows) < len(table))
    some = table.arrow.take(np.array(rows, np.int64))
    height = 1 + len(rows) + len(gap)
    blocks: list[list[list[str]]] = []
    room, left = 0, list(table.columns)
    for name in table.columns:
        cells = [_text(value) for value in _values(some.column(name))]
        cells[_FIRST:_FIRST] = gap
        wide = max(map(len, (name, *cells)))
        padded = [cell.ljust(wide) for cell in (name, *cells)]
        if wide > room:
            if height * (len(blocks) + 1) > most:
                break
            blocks.append([blocks[0][0]] if blocks else [])
            room = _WIDTH - sum(len(column[0]) + 2 for column in blocks[-1])
        room -= wide + 2
        blocks[-1].append(padded)
        left.remove(name)
    return ["  ".join(line).rstrip() for one in blocks for line in zip(*one, strict=True)], left


def _cell(value: Any) -> str:
    """A value for a notebook: as `_text`, but texts whole, and nothing where there is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _text(value)


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
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


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
