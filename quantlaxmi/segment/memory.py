"""A segment that lies in memory: what the engine and the gates ask of one, without a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.read import Segment

__all__ = ["MemorySegment"]

Column = npt.NDArray[Any]

_EMPTY = {
    table: {name: np.zeros(0, dtype) for name, dtype in columns.items()}
    for table, columns in TABLES.items()
}


class MemorySegment(Segment):
    """Quotes of a made market as a sealed segment would hand them out.

    Parameters
    ----------
    instruments : sequence of Instrument
    quotes : dict of str to ndarray
        Every column of the table ``quotes``, ascending in ``seq``.
    """

    def __init__(self, instruments: Sequence[Instrument], quotes: dict[str, Column]) -> None:
        self.path = Path("(memory)")
        self.instruments = tuple(instruments)
        held = {name: np.ascontiguousarray(quotes[name], d) for name, d in TABLES["quotes"].items()}
        digest = hashlib.sha256(b"quantlaxmi.memory-segment.v1\0")
        for column in held.values():
            column.setflags(write=False)
            digest.update(column.data)
        self.digest = digest.hexdigest()
        self.segment_id = self.digest[:16]
        self._quotes = held
        seq, ts = held["seq"], held["ts_ns"]
        self.n_messages = self.n_rows = len(seq)
        self.first_ts_ns = int(ts[0]) if len(ts) else -1
        self.last_ts_ns = int(ts[-1]) if len(ts) else -1

    def columns(self, table: str) -> dict[str, Column]:
        """Columns of a table; all but the quotes are empty."""
        return dict(self._quotes if table == "quotes" else _EMPTY[table])

    def log(self, table: str) -> Iterator[dict[str, Column]]:
        """The same as one batch."""
        yield self.columns(table)
