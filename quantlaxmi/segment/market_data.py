"""The market data that the engine, the gates and reports read, on disk or in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import QuoteFlag
from quantlaxmi.segment.manifest import Cadence, Gap, Quarantine
from quantlaxmi.segment.rows import Columns

__all__ = ["MarketData", "derived_cadence"]


class MarketData(Protocol):
    """Recorded messages in one order: a segment, its parts, a window of it, or rows in memory.

    Attributes
    ----------
    path : Path
        The segment's folder; for rows in memory a name that is no folder.
    instruments : tuple of Instrument
        Rows name them by their index here.
    digest : str
        SHA-256 in hex: equal digests are equal data.
    segment_id : str
        A name for people.
    origin : str
        Digest of the whole recording: that of the data, for a window that of what it was cut from.
    cadence : {"events", "bars", "snapshots"}
        How the rows follow one another: as a venue sent them, one price path a bar, or all at each
        time.
    gaps : tuple of Gap
        Known holes.
    quarantine : Quarantine
        Lines that the import refused.
    n_messages, n_rows : int
        All that is read, warm-up included.
    first_seq, last_seq : int
        Numbers of the first and last message at which orders may be sent; -1 without messages.
        Messages before ``first_seq`` are warm-up.
    first_ts_ns, last_ts_ns : int
        Receive times of these two messages.
    """

    @property
    def path(self) -> Path: ...
    @property
    def instruments(self) -> tuple[Instrument, ...]: ...
    @property
    def digest(self) -> str: ...
    @property
    def segment_id(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def cadence(self) -> Cadence: ...
    @property
    def gaps(self) -> tuple[Gap, ...]: ...
    @property
    def quarantine(self) -> Quarantine: ...
    @property
    def n_messages(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def first_seq(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def first_ts_ns(self) -> int: ...
    @property
    def last_ts_ns(self) -> int: ...

    def columns(self, table: str) -> Columns:
        """Return the columns of a table.

        Parameters
        ----------
        table : str
            A key of ``schema.TABLES``.

        Returns
        -------
        mapping of str to ndarray, each of shape (n_rows,)
            Read-only arrays, of the schema's dtypes.
        """
        ...

    def arrow(self, table: str) -> pa.Table:
        """Return the columns of a table as an Arrow table.

        Parameters
        ----------
        table : str
            A key of ``schema.TABLES``.

        Returns
        -------
        pyarrow.Table
        """
        ...

    def log(self, table: str) -> Iterator[Columns]:
        """Stream the rows of a table in order, in bounded memory.

        Parameters
        ----------
        table : str
            A key of ``schema.TABLES``.

        Yields
        ------
        mapping of str to ndarray
            A batch of whole messages.
        """
        ...


def derived_cadence(flags: Iterable[npt.NDArray[Any]]) -> Cadence:
    """Cadence of data that does not state one: ``"bars"`` where half the quotes or more are quiet.

    Imports of bars write at least one quiet quote, a bar's open, for each close that a strategy
    decides on. A capture holds none; a few in one that was written by other means do not make it
    bars. Snapshots are never derived.

    Parameters
    ----------
    flags : iterable of ndarray of int8
        The column ``flags`` of the quotes, in pieces.
    """
    quotes = quiet = 0
    for piece in flags:
        quotes += len(piece)
        quiet += int(np.count_nonzero(piece & np.int8(QuoteFlag.QUIET)))
    return "bars" if quotes and 2 * quiet >= quotes else "events"
