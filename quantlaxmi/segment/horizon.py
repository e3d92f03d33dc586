"""The beginning of a segment, for checks of look-ahead: nothing after a message can be read.

A strategy is run on the beginning alone. It may also hold the whole segment, or open its folder
again, so while such a check runs the segment itself shows the beginning only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.schema import TABLES
from quantlaxmi.segment.rows import Columns

__all__ = ["Beginning", "cut_columns", "horizon", "last_seq_of"]

_HORIZON: ContextVar[tuple[str, int] | None] = ContextVar("horizon", default=None)


@contextmanager
def horizon(digest: str, last_seq: int) -> Iterator[None]:
    """Let nothing of the segment with this digest be read after a message.

    Holds for the thread or task that enters it, whichever object of the segment is asked.

    Parameters
    ----------
    digest : str
    last_seq : int
        Number of the last message that can be read.
    """
    token = _HORIZON.set((digest, last_seq))
    try:
        yield
    finally:
        _HORIZON.reset(token)


def last_seq_of(digest: str) -> int | None:
    """Last message that can be read now of the segment with this digest; None: all."""
    held = _HORIZON.get()
    return held[1] if held is not None and held[0] == digest else None


def cut_columns(columns: Columns, last_seq: int | None) -> Columns:
    """Columns up to a message and with it; the same columns for None."""
    if last_seq is None:
        return columns
    stop = int(np.searchsorted(columns["seq"], last_seq, side="right"))
    return {name: column[:stop] for name, column in columns.items()}


class Beginning:
    """The first messages of a segment, as an engine and a strategy read a segment.

    Parameters
    ----------
    segment : Segment
        Or anything that is read like one. What is not said here is the whole segment's: its
        instruments, its digest, its manifest.
    last_seq : int
        Number of the last message.
    """

    def __init__(self, segment: Any, last_seq: int) -> None:
        self._segment, self._last_seq = segment, last_seq

    def __getattr__(self, name: str) -> Any:
        return getattr(self._segment, name)

    def columns(self, table: str) -> Columns:
        """Columns of a table."""
        return cut_columns(self._segment.columns(table), self._last_seq)

    def arrow(self, table: str) -> Any:
        """The same columns as an Arrow table."""
        whole = self._segment.arrow(table)
        return whole.slice(0, len(self.columns(table)["seq"]))

    def log(self, table: str) -> Iterator[Columns]:
        """Stream a table's log; batches after the last message are read and left out."""
        for batch in self._segment.log(table):
            cut = cut_columns(batch, self._last_seq)
            if len(cut["seq"]):
                yield cut

    def _seq(self) -> list[npt.NDArray[np.int64]]:
        return [self.columns(table)["seq"] for table in TABLES]

    @property
    def n_rows(self) -> int:
        """Rows up to the last message."""
        return sum(map(len, self._seq()))

    @property
    def n_messages(self) -> int:
        """Messages up to the last one."""
        return sum(int((np.diff(seq) > 0).sum()) + (len(seq) > 0) for seq in self._seq())

    @property
    def last_ts_ns(self) -> int:
        """Receive time of the last message; -1 where there is none."""
        stamps = [self.columns(table)["ts_ns"] for table in TABLES]
        return max((int(ts[-1]) for ts in stamps if len(ts)), default=-1)
