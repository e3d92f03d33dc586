"""When messages came, and which was the last one by a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi.segment import MarketData

__all__ = ["last_message_before", "last_seq_at", "paid_at"]


def paid_at(segment: MarketData, rows: NDArray[Any]) -> NDArray[np.int64]:
    """Receive time of settlements, which are stamped by the venue's clock; ascending.

    A settlement came after the message of its row and not after the next one.
    """
    after = np.full(len(rows), np.iinfo(np.int64).min, np.int64)
    before = np.full(len(rows), np.iinfo(np.int64).max, np.int64)
    for name in schema.TABLES:
        table = segment.columns(name)
        if len(table["seq"]):
            place = np.searchsorted(table["seq"], rows["seq"], side="right")
            ts_ns = table["ts_ns"]
            read, coming = place > 0, place < len(ts_ns)
            after[read] = np.maximum(after[read], ts_ns[place[read] - 1])
            before[coming] = np.minimum(before[coming], ts_ns[place[coming]])
    # After the last message nothing comes: what was due until then is paid with it.
    last = before == np.iinfo(np.int64).max
    before[last] = after[last]
    paid: NDArray[np.int64] = np.clip(rows["ts_ns"], after, before)
    return paid


def last_seq_at(segment: MarketData, ts_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the last message up to each time, -1 before the first."""
    found = np.full(len(ts_ns), -1, np.int64)
    for name in schema.TABLES:
        table = segment.columns(name)
        rows = np.searchsorted(table["ts_ns"], ts_ns, side="right") - 1
        after = np.flatnonzero(rows >= 0)
        found[after] = np.maximum(found[after], table["seq"][rows[after]])
    return found


def last_message_before(segment: MarketData, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time of the last message before each end; the least int64 where there is none."""
    found = np.full(len(ends), np.iinfo(np.int64).min, np.int64)
    for name in schema.TABLES:
        ts_ns = segment.columns(name)["ts_ns"]
        before = np.searchsorted(ts_ns, ends, side="left") - 1
        seen = before >= 0
        if seen.any():
            found[seen] = np.maximum(found[seen], ts_ns[before[seen]])
    return found
