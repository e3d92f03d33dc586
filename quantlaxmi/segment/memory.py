"""Market data in memory: rows that are read as a sealed segment is, without a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentError, shown
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES
from quantlaxmi.segment.arrow_io import table_schema
from quantlaxmi.segment.horizon import cut_columns, last_seq_of
from quantlaxmi.segment.manifest import Cadence, Gap, Manifest, Quarantine, check_instruments
from quantlaxmi.segment.market_data import derived_cadence
from quantlaxmi.segment.read import Count
from quantlaxmi.segment.rows import Columns, RowRules, check_order, conform, whole_messages

__all__ = ["MemorySegment"]

_PLACE: Final = Path("(memory)")
_QUOTES_TAG: Final = b"quantlaxmi.memory-segment.v1\0"
_TABLES_TAG: Final = b"quantlaxmi.memory-segment.v2\0"
_BATCH_ROWS: Final = 1 << 16


class MemorySegment:
    """Rows in memory as market data.

    The rows are copied and keep the rules of a sealed segment's rows. What needs a folder (its
    manifest, splitting, verifying files) raises a SegmentError.

    Parameters
    ----------
    instruments : sequence of Instrument
        Rows name them by their index.
    tables : mapping of str to mapping of str to array_like, each of shape (n_rows,)
        All columns of each table, as `SegmentWriter.append` takes them. Tables that are left out
        have no rows.
    cadence : {"events", "bars", "snapshots"}, optional
        Derived from the quotes where it is not stated.
    gaps : iterable of Gap
        Times in which messages are known to be missing.
    quarantine : Quarantine, optional
        None: no line was refused.

    Attributes
    ----------
    counts : dict of str to Count
        Messages and rows of each table.

    The other attributes are those of `MarketData`.

    Raises
    ------
    SegmentError
        A column is missing or unknown, a value does not fit, or a row or an instrument breaks the
        rules of segments.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> segment = open_segment("data/planted")
    >>> funding = {name: column[:10] for name, column in segment.columns("funding").items()}
    >>> MemorySegment(segment.instruments, {"funding": funding}).n_messages
    10
    """

    #: Whether rows are copied; not where nobody else has the arrays.
    _copies = True

    def __init__(
        self,
        instruments: Sequence[Instrument],
        tables: Mapping[str, Mapping[str, ArrayLike]],
        *,
        cadence: Cadence | None = None,
        gaps: Iterable[Gap] = (),
        quarantine: Quarantine | None = None,
    ) -> None:
        self.path = _PLACE
        self.instruments = tuple(instruments)
        if problem := check_instruments(self.instruments):
            raise SegmentError(_PLACE, problem)
        self._tables = {table: _columns(table, tables.get(table), self._copies) for table in TABLES}
        for unknown in tables.keys() - TABLES.keys():
            conform(_PLACE, unknown, {})
        rules = {table: RowRules(table, len(self.instruments)) for table in TABLES}
        for table, columns in self._tables.items():
            if problem := rules[table].add(columns):
                raise SegmentError(_PLACE, f"table {table}: {problem}")
        if problem := check_order(self._tables):
            raise SegmentError(_PLACE, problem)
        self.counts = {
            table: Count(rule.messages, rule.rows)
            for table, rule in rules.items()
            if rule.rows or table not in OPTIONAL_TABLES
        }
        self.n_messages = sum(count.messages for count in self.counts.values())
        self.n_rows = sum(count.rows for count in self.counts.values())
        filled = [rule for rule in rules.values() if rule.rows]
        self.first_seq = min((rule.first_seq for rule in filled), default=-1)
        self.last_seq = max((rule.last_seq for rule in filled), default=-1)
        self.first_ts_ns = min((rule.first_ts_ns for rule in filled), default=-1)
        self.last_ts_ns = max((rule.last_ts_ns for rule in filled), default=-1)
        self.gaps = tuple(gaps)
        self.quarantine = Quarantine() if quarantine is None else quarantine
        if cadence not in (None, *get_args(Cadence)):
            words = ", ".join(get_args(Cadence))
            raise SegmentError(_PLACE, f"cadence was {shown(cadence)}, expected {words}")
        self._stated = cadence
        self.digest = self._digest()
        self.segment_id = self.digest[:16]

    def __repr__(self) -> str:
        return f"<MemorySegment {self.segment_id}: {counted(self.n_messages, 'message[s]')}>"

    def _repr_html_(self) -> str:
        from quantlaxmi.segment.shown import market_html

        return market_html(self)

    @property
    def origin(self) -> str:
        """Digest of the whole recording: this one's."""
        return self.digest

    @property
    def manifest(self) -> Manifest:
        """Rows in memory have none.

        Raises
        ------
        SegmentError
            Always.
        """
        raise SegmentError(_PLACE, "has no manifest; expected a sealed segment")

    @cached_property
    def cadence(self) -> Cadence:
        """Cadence of the rows: as stated, else derived from the quotes."""
        return self._stated or derived_cadence([self._tables["quotes"]["flags"]])

    def columns(self, table: str) -> Columns:
        """Columns of a table, read-only; see `Segment.columns`."""
        return cut_columns(dict(self._table(table)), last_seq_of(self.digest))

    def arrow(self, table: str) -> pa.Table:
        """The same columns as an Arrow table, without copying."""
        arrays = [pa.array(column) for column in self.columns(table).values()]
        return pa.Table.from_arrays(arrays, schema=table_schema(table))

    def log(self, table: str) -> Iterator[Columns]:
        """The same rows as batches of whole messages, as a log would hand them out."""
        columns = self._table(table)
        for start, stop in whole_messages(columns["seq"], _BATCH_ROWS):
            batch = {name: column[start:stop] for name, column in columns.items()}
            yield cut_columns(batch, last_seq_of(self.digest))

    def _table(self, table: str) -> Columns:
        try:
            return self._tables[table]
        except KeyError:
            raise SegmentError(
                _PLACE, f"has no table {table!r}, expected one of {', '.join(TABLES)}"
            ) from None

    def _digest(self) -> str:
        """Of quotes alone over their bytes; of further tables over names and lengths as well."""
        quotes = self._tables["quotes"]
        if self.counts["quotes"].rows == self.n_rows:
            digest = hashlib.sha256(_QUOTES_TAG)
            for column in quotes.values():
                digest.update(column.data)
            return digest.hexdigest()
        digest = hashlib.sha256(_TABLES_TAG)
        for table in self.counts:
            for name, column in self._tables[table].items():
                digest.update(f"{table} {name} {column.dtype.str} {len(column)}\n".encode())
                digest.update(column.data)
        return digest.hexdigest()


def _columns(table: str, given: Mapping[str, ArrayLike] | None, copies: bool) -> Columns:
    if given is None:
        given = {name: np.zeros(0, dtype) for name, dtype in TABLES[table].items()}
    columns = {}
    for name, column in conform(_PLACE, table, given).items():
        own = column.copy() if copies else column
        own.setflags(write=False)
        columns[name] = own[:]  # of a view nobody can make it writeable again
    return columns
