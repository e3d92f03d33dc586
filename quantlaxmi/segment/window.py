"""A window of market data: consecutive messages, with the messages before them to warm up on.

A run in a window reads the warm-up first. Books, features and the strategy's state follow it as in
any run, but its orders are refused before they are sent and nothing of it is recorded, so the run
is flat at the window's first message. What comes after the window is never read.
"""

from __future__ import annotations

import hashlib
import operator
import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quantlaxmi.errors import InputError, shown
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.manifest import Cadence, Gap, Quarantine
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.segment.rows import Columns

__all__ = ["Window", "messages_before"]

_DIGEST_TAG: Final = b"quantlaxmi.window.v1\0"


class Window:
    """Consecutive messages of market data, preceded by a warm-up.

    Bounds that no message has are moved inwards to the next that one has, so that windows of the
    same messages are equal. A window of a window is the window of the whole whose bounds are in
    both; its warm-up begins no earlier than the first one's.

    Parameters
    ----------
    source : MarketData
        A segment, its parts, another window, or rows in memory.
    first, last : int, optional
        Numbers of the first and the last message, both inside. None: those of ``source``.
    warmup : int, optional
        Number of the first message that is read; those from it up to ``first`` are the warm-up.
        None: all that ``source`` has before ``first``; ``first`` itself: no warm-up.

    Attributes
    ----------
    source : MarketData
        The whole, never a window.
    warmup_seq : int
        Number of the first message that is read.
    digest : str
        SHA-256 over the digest of the whole and the three bounds.

    The other attributes are those of `MarketData`.

    Raises
    ------
    InputError
        A bound is no whole number, or no message is between the bounds.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> window = Window(open_segment("data/planted"), 10_000, 19_999, warmup=9_000)
    >>> window.n_messages, window.warmup_seq
    (11000, 9000)
    """

    def __init__(
        self,
        source: MarketData,
        first: int | None = None,
        last: int | None = None,
        warmup: int | None = None,
    ) -> None:
        path = source.path
        start = source.warmup_seq if isinstance(source, Window) else None
        low, high = _number(path, "first", first), _number(path, "last", last)
        low = source.first_seq if low is None else max(low, source.first_seq)
        high = source.last_seq if high is None else min(high, source.last_seq)
        begin = _number(path, "warmup", warmup)
        if begin is None or (start is not None and start > begin):
            begin = start
        self.source: MarketData = source.source if isinstance(source, Window) else source
        spans = [_span(self.source.columns(table), low, high) for table in TABLES]
        filled = [span for span in spans if span is not None]
        if not filled:
            if source.n_messages == 0:
                raise InputError(path, "has no messages to make a window of")
            raise InputError(path, f"has no message from {low} to {high} to make a window of")
        self.first_seq, self.first_ts_ns = min(span[0] for span in filled)
        self.last_seq, self.last_ts_ns = max(span[1] for span in filled)
        self.warmup_seq: int = self.first_seq
        if begin is None or begin < self.first_seq:
            before = [
                _span(self.source.columns(table), begin or 0, self.first_seq) for table in TABLES
            ]
            self.warmup_seq = min(span[0][0] for span in before if span is not None)
        bounds = struct.pack("<3q", self.warmup_seq, self.first_seq, self.last_seq)
        parent = bytes.fromhex(self.source.digest)
        self.digest = hashlib.sha256(_DIGEST_TAG + parent + bounds).hexdigest()
        self.segment_id = f"{self.source.segment_id}-{self.digest[:16]}"

    @classmethod
    def between(
        cls, source: MarketData, start_ns: int, stop_ns: int, warmup_ns: int | None = None
    ) -> Window:
        """The window of the messages received from one time to before another.

        Parameters
        ----------
        source : MarketData
        start_ns, stop_ns : int
            Receive times; the second is outside.
        warmup_ns : int, optional
            How long before ``start_ns`` the warm-up begins; None: with the first message.

        Raises
        ------
        InputError
            A bound is no whole number, ``warmup_ns`` is negative, or no message is between the
            times.
        """
        path = source.path
        start, stop = _number(path, "start_ns", start_ns), _number(path, "stop_ns", stop_ns)
        warm = _number(path, "warmup_ns", warmup_ns)
        if start is None or stop is None:
            name = "start_ns" if start is None else "stop_ns"
            raise InputError(path, f"{name} was None, expected a whole number")
        if warm is not None and warm < 0:
            raise InputError(path, f"warmup_ns was {warm}, expected 0 or more")
        found = [_first_from(source, ts_ns) for ts_ns in (start, stop)]
        first, after = (source.last_seq + 1 if seq is None else seq for seq in found)
        if source.n_messages and first >= after:
            raise InputError(
                path, f"has no message from {start} ns to before {stop} ns to make a window of"
            )
        begin = None if warm is None else _first_from(source, start - warm)
        return cls(source, first, after - 1, begin)

    def __repr__(self) -> str:
        return f"<Window {self.first_seq}..{self.last_seq} of {self.source!r}>"

    def _repr_html_(self) -> str:
        from quantlaxmi.segment.shown import market_html

        return market_html(self)

    @property
    def path(self) -> Path:
        """The folder of the whole."""
        return self.source.path

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Those of the whole."""
        return self.source.instruments

    @property
    def origin(self) -> str:
        """Digest of the whole."""
        return self.source.origin

    @property
    def manifest(self) -> Any:
        """Manifest of the whole, where it has one."""
        return self.source.manifest  # type: ignore[attr-defined]

    @property
    def cadence(self) -> Cadence:
        """That of the whole."""
        return self.source.cadence

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Gaps of the whole that touch the window or its warm-up."""
        times = (self.columns(table)["ts_ns"][:1].tolist() for table in TABLES)
        begin = min((first for row in times for first in row), default=self.first_ts_ns)
        return tuple(
            gap
            for gap in self.source.gaps
            if gap.start_ns <= self.last_ts_ns and gap.end_ns >= begin
        )

    @property
    def quarantine(self) -> Quarantine:
        """That of the whole: refused lines have no place in it."""
        return self.source.quarantine

    @cached_property
    def n_rows(self) -> int:
        """Rows of the window and its warm-up."""
        return sum(len(self.columns(table)["seq"]) for table in TABLES)

    @cached_property
    def n_messages(self) -> int:
        """Messages of the window and its warm-up."""
        columns = [self.columns(table)["seq"] for table in TABLES]
        return sum(int((np.diff(seq) > 0).sum()) + (len(seq) > 0) for seq in columns)

    def columns(self, table: str) -> Columns:
        """Columns of a table, from the first message of the warm-up to the window's last."""
        return self._cut(self.source.columns(table))

    def arrow(self, table: str) -> pa.Table:
        """The same columns as an Arrow table."""
        start, stop = self._rows(self.source.columns(table))
        return self.source.arrow(table).slice(start, stop - start)

    def log(self, table: str) -> Iterator[Columns]:
        """Stream the same rows from the log of the whole, which is read to its end and verified."""
        for batch in self.source.log(table):
            cut = self._cut(batch)
            if len(cut["seq"]):
                yield cut

    def _rows(self, columns: Columns) -> tuple[int, int]:
        start = np.searchsorted(columns["seq"], self.warmup_seq)
        return int(start), int(np.searchsorted(columns["seq"], self.last_seq, side="right"))

    def _cut(self, columns: Columns) -> Columns:
        start, stop = self._rows(columns)
        return {name: column[start:stop] for name, column in columns.items()}


def messages_before(market: MarketData, stop_ns: int) -> MarketData:
    """The messages received before a time: for work on what comes before a seal.

    Parameters
    ----------
    market : MarketData
    stop_ns : int
        Receive time of the first message that is left out, ns.

    Returns
    -------
    MarketData
        A window; ``market`` itself where nothing is left out.

    Raises
    ------
    InputError
        ``stop_ns`` is no whole number, or no message is before it.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> segment = open_segment("data/planted")
    >>> early = messages_before(segment, segment.first_ts_ns + 3600 * 10**9)
    >>> early.last_ts_ns < segment.first_ts_ns + 3600 * 10**9
    True
    """
    stop = _number(market.path, "stop_ns", stop_ns)
    if stop is None:
        raise InputError(market.path, "stop_ns was None, expected a whole number")
    if not market.n_messages or stop > market.last_ts_ns:
        return market
    return Window.between(market, market.first_ts_ns, stop)


def _number(path: Path, name: str, value: Any) -> int | None:
    """A bound as an int of Python's own; None stays None."""
    if value is None:
        return None
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InputError(path, f"{name} was {shown(value)}, expected a whole number") from None
    if not -(2**63) <= number < 2**63:
        raise InputError(path, f"{name} was {shown(value)}, expected a number of 64 bits")
    return number


def _span(
    columns: Columns, first: int, last: int
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Number and time of a table's first and last message within bounds; None without one."""
    start = int(np.searchsorted(columns["seq"], first))
    stop = int(np.searchsorted(columns["seq"], last, side="right"))
    if start >= stop:
        return None
    at = (start, stop - 1)
    seq, ts_ns = ([int(columns[name][k]) for k in at] for name in ("seq", "ts_ns"))
    return (seq[0], ts_ns[0]), (seq[1], ts_ns[1])


def _first_from(source: MarketData, ts_ns: int) -> int | None:
    """Number of the first message received at a time or later; None after the last."""
    found = []
    for table in TABLES:
        columns = source.columns(table)
        row = int(np.searchsorted(columns["ts_ns"], ts_ns))
        if row < len(columns["seq"]):
            found.append(int(columns["seq"][row]))
    return min(found, default=None)
