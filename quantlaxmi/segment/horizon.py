"""The last message that can be read, for checks of look-ahead.

A strategy that is run on the beginning of a segment may also hold the whole segment, or open its
folder again. While such a check runs, whatever is read of the segment ends at the same message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from quantlaxmi.segment.rows import Columns

__all__ = ["cut_columns", "horizon", "last_seq_of"]

_HORIZON: ContextVar[tuple[str, int] | None] = ContextVar("horizon", default=None)


@contextmanager
def horizon(digest: str, last_seq: int) -> Iterator[None]:
    """Forbid reading the segment with this digest after a message.

    It is in force in the thread or task that enters it, whichever object of the segment is asked.

    Parameters
    ----------
    digest : str
        Of the whole recording: `MarketData.origin`.
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
    current = _HORIZON.get()
    return current[1] if current is not None and current[0] == digest else None


def cut_columns(columns: Columns, last_seq: int | None) -> Columns:
    """Columns up to a message and with it; the same columns for None."""
    if last_seq is None:
        return columns
    stop = int(np.searchsorted(columns["seq"], last_seq, side="right"))
    return {name: column[:stop] for name, column in columns.items()}
