"""The decision trace: a run's decisions and outcomes, and the hashes that prove them.

Rows stay in the packed arrays of ``schema``; typed objects are made when asked for.
``docs/TRACE_FORMAT.md`` is normative.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.canonical import MAX_RECORD_BYTES, STATUS_FIELDS, pack_records
from quantlaxmi.errors import TraceError
from quantlaxmi.events import (
    BorrowPayment,
    DecisionEvent,
    FillEvent,
    FundingPayment,
    OrderEvent,
    RiskEvent,
    SettlementPayment,
    rationale_hash,
)
from quantlaxmi.trace.arrow import load_arrow, save_arrow
from quantlaxmi.trace.file import (
    OUTCOME_TABLES,
    RARE_TABLES,
    TRACE_TABLES,
    TraceContent,
    load_json,
    save_json,
)
from quantlaxmi.trace.header import TraceHeader
from quantlaxmi.trace.objects import LazyRows, RowReader, Rows, check_outcomes

TRACE_TAG: Final = b"QLT\x01"
OUTCOME_TAG: Final = b"QLO\x02"
# Records are packed into a buffer that stays in the processor's cache and hashed from there.
_CHUNK_BYTES: Final = 1 << 18


def trace_hasher(header: TraceHeader) -> hashlib._Hash:
    """Return a SHA-256 that has read everything before the first record of a trace.

    Parameters
    ----------
    header : TraceHeader

    Returns
    -------
    hashlib object
        Ready for the records.

    References
    ----------
    NIST FIPS 180-4 (SHA-256); docs/TRACE_FORMAT.md lists the bytes.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> trace_hasher(backtest("data/planted", "basis_capture").header).digest_size
    32
    """
    raw = header.canonical_bytes()
    return hashlib.sha256(TRACE_TAG + struct.pack("<I", len(raw)) + raw)


def _rows(name: str, array: Rows | None) -> Rows:
    dtype = TRACE_TABLES[name]
    if array is None:
        array = np.empty(0, dtype)
    if array.dtype != dtype or array.ndim != 1:
        raise TraceError(
            "trace", f"was {array.dtype} with {array.ndim} dimensions; {name} rows expected", name
        )
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


class DecisionTrace:
    """Decisions and outcomes of one run, with their hashes.

    Parameters
    ----------
    header : TraceHeader
        What the run depended on.
    tables : dict of str to ndarray
        Rows by name of `TRACE_TABLES`; tables left out are empty. Arrays are not copied: whoever
        passes them must not change them afterwards.

    Raises
    ------
    TraceError
        A table has another row type, or legs do not belong to the decisions.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> trace = backtest("data/planted", "basis_capture").trace
    >>> len(trace), trace.decisions[0].legs[0].symbol
    (602, 'BTCUSDT-PERP')
    >>> trace.trace_hash == trace.compute_hash()
    True
    """

    __slots__ = ("_outcome_hash", "_rationales", "_reader", "_tables", "_trace_hash", "header")

    def __init__(self, header: TraceHeader, tables: Mapping[str, Rows | None]) -> None:
        unknown = sorted(set(tables) - set(TRACE_TABLES))
        if unknown:
            raise TraceError("trace", f"unknown table; {', '.join(TRACE_TABLES)} exist", unknown[0])
        self.header = header
        self._tables = {name: _rows(name, tables.get(name)) for name in TRACE_TABLES}
        n_legs = int(self._tables["decisions"]["n_legs"].sum())
        if n_legs != len(self._tables["legs"]):
            raise TraceError(
                "trace", f"{len(self._tables['legs'])} legs; the decisions name {n_legs}", "legs"
            )
        self._rationales = np.frombuffer(
            b"".join(map(rationale_hash, header.rationales)), np.uint8
        ).reshape(-1, 8)
        self._trace_hash: bytes | None = None
        self._outcome_hash: bytes | None = None
        self._reader: RowReader | None = None

    @classmethod
    def from_arrays(
        cls,
        header: TraceHeader,
        decisions: Rows,
        legs: Rows,
        **outcomes: Rows | None,
    ) -> DecisionTrace:
        """Trace of an engine's result arrays, which are not copied.

        Parameters
        ----------
        header : TraceHeader
        decisions, legs : ndarray, shape (n_rows,)
            Of DECISION_DTYPE and LEG_DTYPE.
        **outcomes : ndarray or None, shape (n_rows,)
            By name of `OUTCOME_TABLES`, of the types there; what is left out is empty.
        """
        return cls(header, {"decisions": decisions, "legs": legs, **outcomes})

    def __len__(self) -> int:
        return len(self._tables["decisions"])

    def __repr__(self) -> str:
        return f"<DecisionTrace of {self.header.strategy_id}: {len(self)} decisions>"

    def _repr_html_(self) -> str:
        from quantlaxmi.notebook import names_html

        rows = [("DecisionTrace", self.header.strategy_id)]
        rows += [(name, f"{len(table):,}") for name, table in self._tables.items()]
        return names_html([*rows, ("header hash", self.header.header_hash.hex())])

    def table(self, name: str) -> Rows:
        """Return the rows of a table, read-only.

        Parameters
        ----------
        name : str
            A key of `TRACE_TABLES`.

        Returns
        -------
        ndarray, shape (n_rows,)
            Of the table's record type.
        """
        return self._tables[name]

    # --- records and hashes ---------------------------------------------------------------

    def pack(self, start: int, stop: int, out: npt.NDArray[np.uint8]) -> tuple[int, int]:
        """Pack records from row ``start`` until ``stop`` or until ``out`` is full.

        Returns
        -------
        next_row, n_bytes : int

        Raises
        ------
        TraceError
            A value is out of its field's range; names decision, leg and field.
        """
        decisions, legs = self._tables["decisions"], self._tables["legs"]
        status, row, leg, used = pack_records(
            decisions, legs, self._rationales, len(self.header.instruments), start, stop, out
        )
        if status:
            field = STATUS_FIELDS[status]
            rows, at = (
                (decisions, row) if leg < 0 else (legs, int(decisions[row]["first_leg"]) + leg)
            )
            place = f"decision {row}" + (f", leg {leg}" if leg >= 0 else "")
            raise TraceError("trace", f"{field} {rows[at][field]} is out of range", place)
        return row, used

    def records(self) -> Iterator[memoryview]:
        """Canonical records in chunks; each chunk is overwritten by the next."""
        out = np.empty(max(_CHUNK_BYTES, MAX_RECORD_BYTES), np.uint8)
        view, row, n = out.data, 0, len(self)
        while row < n:
            row, used = self.pack(row, n, out)
            yield view[:used]

    def records_bytes(self) -> bytes:
        """All records: on a truncated segment a prefix of those on the whole one."""
        return b"".join(map(bytes, self.records()))

    def compute_hash(self) -> bytes:
        """SHA-256 over tag, header, records and their number, from the rows as they are now."""
        digest = trace_hasher(self.header)
        for chunk in self.records():
            digest.update(chunk)
        digest.update(struct.pack("<Q", len(self)))
        return digest.digest()

    def compute_outcome_hash(self) -> bytes:
        """SHA-256 over tag, header hash and the rows of each outcome table, count-prefixed.

        It covers a rare table, with its name, only where the table has rows.
        """
        digest = hashlib.sha256(OUTCOME_TAG + self.header.header_hash)
        for name in OUTCOME_TABLES:
            rows = self._tables[name]
            if name in RARE_TABLES:
                if not len(rows):
                    continue
                digest.update(struct.pack("<H", len(name)) + name.encode())
            digest.update(struct.pack("<Q", len(rows)))
            digest.update(rows.view(np.uint8).data)
        return digest.digest()

    @property
    def trace_hash(self) -> bytes:
        """`compute_hash`, kept after the first call."""
        if self._trace_hash is None:
            self._trace_hash = self.compute_hash()
        return self._trace_hash

    @property
    def outcome_hash(self) -> bytes:
        """`compute_outcome_hash`, kept after the first call."""
        if self._outcome_hash is None:
            self._outcome_hash = self.compute_outcome_hash()
        return self._outcome_hash

    def verify_parity(self, other: DecisionTrace) -> bool:
        """Whether two traces have equal headers, decisions and outcomes.

        Parameters
        ----------
        other : DecisionTrace
            Its hashes are recomputed, as are this one's.

        Returns
        -------
        bool
        """
        return (
            self.compute_hash() == other.compute_hash()
            and self.compute_outcome_hash() == other.compute_outcome_hash()
        )

    # --- files ----------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the trace to a ``.json`` or ``.arrow`` file, with the same content in both.

        The file is written under a temporary name and renamed when whole.

        Parameters
        ----------
        path : str or Path
            The ending chooses the form.

        Raises
        ------
        TraceError
            Another suffix, a value out of range, a JSON text too long, or an unwritable file.
        """
        path = Path(path)
        write = save_json if _suffix(path) == ".json" else save_arrow
        check_outcomes(self.header, self._tables)
        write(
            path,
            TraceContent(
                self.header,
                self._tables,
                self.header.header_hash.hex(),
                self.compute_hash().hex(),
                self.compute_outcome_hash().hex(),
            ),
        )

    # --- objects --------------------------------------------------------------------------

    @property
    def reader(self) -> RowReader:
        """Maker of events from rows; its ``correlator`` makes the run's contexts."""
        if self._reader is None:
            self._reader = RowReader(self.header, self._tables)
        return self._reader

    @property
    def decisions(self) -> LazyRows[DecisionEvent]:
        """Decisions as objects."""
        return LazyRows(len(self), self.reader.decision)

    @property
    def orders(self) -> LazyRows[OrderEvent]:
        """Order events as objects."""
        return LazyRows(len(self._tables["orders"]), self.reader.order)

    @property
    def fills(self) -> LazyRows[FillEvent]:
        """Fills as objects."""
        return LazyRows(len(self._tables["fills"]), self.reader.fill)

    @property
    def funding(self) -> LazyRows[FundingPayment]:
        """Funding payments as objects."""
        return LazyRows(len(self._tables["funding"]), self.reader.funding)

    @property
    def borrow(self) -> LazyRows[BorrowPayment]:
        """Interest on spot that was sold and not held, as objects."""
        return LazyRows(len(self._tables["borrow"]), self.reader.borrow)

    @property
    def settled(self) -> LazyRows[SettlementPayment]:
        """Positions that ended with their contract, as objects."""
        return LazyRows(len(self._tables["settled"]), self.reader.settled)

    @property
    def risk_events(self) -> LazyRows[RiskEvent]:
        """Refusals of risk limits as objects."""
        return LazyRows(len(self._tables["risk"]), self.reader.risk)


def _suffix(path: Path) -> str:
    if path.suffix not in {".json", ".arrow"}:
        raise TraceError(path, f"suffix was {path.suffix!r}; .json or .arrow was expected")
    return path.suffix


def load_trace(path: str | Path) -> DecisionTrace:
    """Read a trace file and recompute every hash it states.

    Parameters
    ----------
    path : str or Path
        A file that `DecisionTrace.save` wrote.

    Returns
    -------
    DecisionTrace

    Raises
    ------
    TraceError
        The file cannot be used, was edited, or states a hash that its content has not.

    Examples
    --------
    >>> from quantlaxmi import backtest
    >>> backtest("data/planted", "basis_capture").trace.save("run.trace.json")
    >>> len(load_trace("run.trace.json"))
    602
    """
    path = Path(path)
    content = (load_json if _suffix(path) == ".json" else load_arrow)(path)
    try:
        trace = DecisionTrace(content.header, content.tables)
        check_outcomes(trace.header, content.tables)
        computed = {
            "header_hash": trace.header.header_hash,
            "trace_hash": trace.trace_hash,
            "outcome_hash": trace.outcome_hash,
        }
    except TraceError as error:
        raise TraceError(path, error.problem, error.place) from error
    for name, value in computed.items():
        if getattr(content, name) != value.hex():
            raise TraceError(path, f"its content hashes to {value.hex()}", name)
    return trace
