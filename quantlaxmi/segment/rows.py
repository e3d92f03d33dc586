"""Rules of a table's rows, checked on writing and on every reading.

A manifest proves that bytes are unchanged, not that they make sense: an instrument index out of
range would send a compiled loop out of its arrays, so the rules are checked wherever columns enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlaxmi._ext.table_order import first_break
from quantlaxmi.errors import SegmentError
from quantlaxmi.schema import MANY_ROWS, TABLES, ChainFlag, DepthFlag, QuoteFlag

Columns = dict[str, NDArray[Any]]

#: The number after it means "no message" to the loop that merges the tables.
MAX_SEQ = 2**63 - 2
#: Rows checked at a time, so that the pieces stay in the processor's cache.
CHUNK_ROWS = 1 << 16
#: Bits that the flags of a table may have.
_FLAGS = {
    "depth": int(DepthFlag.LAST | DepthFlag.SNAPSHOT),
    "quotes": int(QuoteFlag.QUIET),
    "chain": int(ChainFlag.LAST | ChainFlag.UNCHANGED),
}
#: Columns that are never below 0.
_NOT_NEGATIVE = {
    "chain": ("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "oi", "iv"),
    "settlement": ("price",),
}


def conform(path: Path, table: str, columns: Mapping[str, ArrayLike]) -> Columns:
    """Columns as arrays of the schema's dtypes, in its order; copied only where they differ.

    Parameters
    ----------
    path : Path
        What an error names.
    table : str
    columns : mapping of str to array_like, each of shape (n_rows,)

    Raises
    ------
    SegmentError
        The table is unknown, a column is missing or unknown, or a value does not fit.
    """
    if table not in TABLES:
        raise SegmentError(path, f"has no table {table!r}, expected {', '.join(TABLES)}")
    if set(columns) != set(TABLES[table]):
        wrong = sorted(set(columns) ^ set(TABLES[table]))
        raise SegmentError(path, f"table {table}: columns missing or unknown: {wrong}")
    rows: Columns = {}
    for name, dtype in TABLES[table].items():
        array = np.asarray(columns[name])
        if array.ndim != 1 or (len(rows) and len(array) != len(rows["seq"])):
            raise SegmentError(path, f"table {table}: column {name} has shape {array.shape}")
        rows[name] = _fit(path, array, np.dtype(dtype), f"table {table}: column {name}")
    return rows


def empty_columns(table: str) -> Columns:
    """The columns of a table without rows."""
    return {
        name: np.frombuffer(b"", dtype)  # read-only, as all columns are
        for name, dtype in TABLES[table].items()
    }


def _fit(path: Path, array: NDArray[Any], dtype: np.dtype[Any], what: str) -> NDArray[Any]:
    if array.dtype != dtype and len(array):
        limits = np.iinfo(dtype)
        if array.dtype.kind not in "iu":
            raise SegmentError(path, f"{what} has {array.dtype}, expected integers")
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise SegmentError(path, f"{what} has values that do not fit {dtype.str}")
    return np.ascontiguousarray(array, dtype)


def whole_messages(seq: NDArray[Any], size: int) -> Iterator[tuple[int, int]]:
    """Cut rows into ranges of about ``size`` that end where a message ends.

    Parameters
    ----------
    seq : ndarray of int64, shape (n_rows,)
        Rows of one message share a number and follow one another.
    size : int
        Most rows of a range, unless a single message has more.

    Yields
    ------
    tuple of int
        ``start, stop`` of each range, in order, without holes.
    """
    n, start = len(seq), 0
    while start < n:
        stop = min(start + size, n)
        if stop < n and seq[stop] == seq[stop - 1]:
            back = np.flatnonzero(seq[start + 1 : stop] != seq[start : stop - 1])
            if len(back):
                stop = start + 1 + int(back[-1])
            else:  # one message longer than a range
                ahead = np.flatnonzero(seq[stop:] != seq[start])
                stop = n if not len(ahead) else stop + int(ahead[0])
        yield start, stop
        start = stop


class RowRules:
    """Checks consecutive rows of one table and counts them.

    Parameters
    ----------
    table : str
        A key of ``schema.TABLES``.
    n_instruments : int

    Attributes
    ----------
    rows, messages : int
        Seen so far.
    first_seq, last_seq, first_ts_ns, last_ts_ns : int
        Of the rows seen so far; -1 before the first.
    """

    def __init__(self, table: str, n_instruments: int) -> None:
        self.table, self.n_instruments = table, n_instruments
        self.rows = self.messages = 0
        self.first_seq = self.last_seq = self.first_ts_ns = self.last_ts_ns = -1

    def add(self, columns: Mapping[str, NDArray[Any]]) -> str:
        """Check the next rows, which must be whole messages.

        Parameters
        ----------
        columns : mapping of str to ndarray, each of shape (n_rows,)
            All columns of the table, of the schema's dtypes and of equal length.

        Returns
        -------
        str
            Empty where all rules hold, else the first rule broken, with the row's number in the
            table. The rows are counted only where they hold.
        """
        seq, ts_ns = columns["seq"], columns["ts_ns"]
        n = len(seq)
        if n == 0:
            return ""
        messages = 0
        for start, stop in whole_messages(seq, CHUNK_ROWS):
            piece = {name: column[start:stop] for name, column in columns.items()}
            problem, count = self._chunk(piece, self.rows + start)
            if problem:
                return problem
            if self.first_seq < 0:
                self.first_seq, self.first_ts_ns = int(seq[0]), int(ts_ns[0])
            self.last_seq, self.last_ts_ns = int(seq[stop - 1]), int(ts_ns[stop - 1])
            messages += count
        self.rows += n
        self.messages += messages
        return ""

    def _chunk(self, columns: Mapping[str, NDArray[Any]], at: int) -> tuple[str, int]:
        seq, ts_ns, instrument = columns["seq"], columns["ts_ns"], columns["instrument"]
        if seq[0] <= self.last_seq:
            return f"row {at}: seq was {seq[0]}, expected above {self.last_seq}", 0
        if ts_ns[0] < max(self.last_ts_ns, 0):
            return f"row {at}: ts_ns was {ts_ns[0]}, expected {max(self.last_ts_ns, 0)} or later", 0
        if seq[-1] > MAX_SEQ:  # they ascend, or the next rule says that they do not
            return f"row {at + len(seq) - 1}: seq was {seq[-1]}, expected at most {MAX_SEQ}", 0
        ends = seq[1:] != seq[:-1]  # row i ends a message
        if bad := _first(seq[1:] < seq[:-1]):
            return f"row {at + bad}: seq was {seq[bad]}, after {seq[bad - 1]}", 0
        if bad := _first(ts_ns[1:] < ts_ns[:-1]):
            return f"row {at + bad}: ts_ns was {ts_ns[bad]}, after {ts_ns[bad - 1]}", 0
        low, high = int(instrument.min()), int(instrument.max())
        if low < 0 or high >= self.n_instruments:
            wrong = low if low < 0 else high
            row = at + int(np.argmax(instrument == wrong))
            return f"row {row}: instrument was {wrong}, expected 0..{self.n_instruments - 1}", 0
        if "side" in TABLES[self.table] and bad_range(columns["side"], -1, 1):
            return f"rows from {at}: a side was outside -1..1", 0
        if self.table in _FLAGS and bad_range(columns["flags"], 0, _FLAGS[self.table]):
            return f"rows from {at}: flags had an unknown bit", 0
        for name in _NOT_NEGATIVE.get(self.table, ()):
            if columns[name].min() < 0:
                row = int(np.argmax(columns[name] < 0))
                return f"row {at + row}: {name} was {columns[name][row]}, expected 0 or more", 0
        if self.table not in MANY_ROWS:
            if bad := _first(~ends):
                return f"row {at + bad}: seq {seq[bad]} came twice", 0
            return "", len(seq)
        return self._messages(columns, ends, at)

    def _messages(
        self, columns: Mapping[str, NDArray[Any]], ends: NDArray[np.bool_], at: int
    ) -> tuple[str, int]:
        """Rules within messages of many rows; how many there are."""
        seq, flags = columns["seq"], columns["flags"]
        last = (flags & np.int8(DepthFlag.LAST)) != 0
        if not last[-1] or not np.array_equal(last[:-1], ends):
            row = at + (int(np.argmax(last[:-1] != ends)) if last[-1] else len(seq) - 1)
            return f"row {row}: LAST must be on the last row of a message and nowhere else", 0
        same, instrument = ~ends, columns["instrument"]
        equal = {"ts_ns": columns["ts_ns"]}
        if self.table == "depth":
            equal["instrument"] = instrument
        else:
            equal["UNCHANGED"] = flags & np.int8(ChainFlag.UNCHANGED)
            if bad := _first(same & (instrument[1:] <= instrument[:-1])):
                what = f"instrument was {instrument[bad]}, after {instrument[bad - 1]}"
                return f"row {at + bad}: {what} in message {seq[bad]}", 0
        for name, column in equal.items():
            if bad := _first(same & (column[1:] != column[:-1])):
                return f"row {at + bad}: {name} changes inside message {seq[bad]}", 0
        return "", int(last.sum())


def check_order(tables: dict[str, Columns]) -> str:
    """Whether messages of all tables have one order: distinct seq, receive times along it.

    Parameters
    ----------
    tables : dict of str to dict of str to ndarray
        Columns of each table, each already known to ascend by itself.

    Returns
    -------
    str
        Empty, or the first break found.
    """
    filled = [name for name in tables if len(tables[name]["seq"])]
    for i, one in enumerate(filled):
        for other in filled[i + 1 :]:
            few, many = sorted((one, other), key=lambda name: len(tables[name]["seq"]))
            if problem := _check_pair(few, tables[few], many, tables[many]):
                return problem
    return ""


def _check_pair(few: str, a: Columns, many: str, b: Columns) -> str:
    # In pieces, between which an interrupt is heard.
    for start in range(0, len(a["seq"]), CHUNK_ROWS):
        seq, ts_ns = (a[name][start : start + CHUNK_ROWS] for name in ("seq", "ts_ns"))
        k, cause = first_break(seq, ts_ns, b["seq"], b["ts_ns"])
        if cause:
            what = "is in both" if cause == 1 else "is out of receive-time order between them"
            return f"tables {few} and {many}: message {seq[k]} {what}"
    return ""


def bad_range(column: NDArray[Any], low: int, high: int) -> bool:
    """Whether a column that is not empty leaves ``low..high``."""
    return bool(column.min() < low or column.max() > high)


def _first(bad: NDArray[np.bool_]) -> int:
    """Row after the first true entry of a comparison of neighbours; 0 where there is none."""
    return int(np.argmax(bad)) + 1 if bad.any() else 0
