"""Positions of a run by time and by message, for what they were held over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.records import RunRecords


@dataclass(frozen=True)
class Held:
    """Positions of one instrument, from one fill to the next.

    Attributes
    ----------
    instrument : Instrument
    ts_ns, seq, after : ndarray of int64, shape (n_fills,)
        Of each fill of it: time, last message before it, position after it.
    """

    instrument: Instrument
    ts_ns: NDArray[np.int64]
    seq: NDArray[np.int64]
    after: NDArray[np.int64]

    def between(self, start_ns: int, end_ns: int) -> int:
        """Return the position held after ``start_ns`` and before ``end_ns``.

        That at the start; where there is none then, the first that is not flat.
        """
        first = int(np.searchsorted(self.ts_ns, start_ns, side="right"))
        stop = int(np.searchsorted(self.ts_ns, end_ns, side="left"))
        inside = self.after[max(0, first - 1) : max(first, stop)]
        held = inside[inside != 0]
        return int(held[0]) if len(held) else 0

    def before(self, seq: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position just before each message, shape of ``seq``."""
        done = np.searchsorted(self.seq, seq, side="left")
        found: NDArray[np.int64] = np.append(np.int64(0), self.after)[done]
        return found

    def text(self, position: int) -> str:
        """Return a position as people write it: ``"1.5 of BTCUSDT"``."""
        return f"{decimal_text(position, self.instrument.qty_exponent)} of {self.instrument.symbol}"


def held_positions(records: RunRecords) -> dict[int, Held]:
    """Return the positions of each instrument that the run ever held, by ascending index."""
    fills, found = records.fills, {}
    for k in np.unique(fills["instrument"]).tolist():
        own = fills[fills["instrument"] == k]
        found[k] = Held(records.instruments[k], own["ts_ns"], own["seq"], own["position"])
    return found


def utc_text(ts_ns: int) -> str:
    """Return a time to the second, such as ``2024-03-01T23:59:00Z``."""
    return f"{np.datetime64(ts_ns // 10**9, 's')}Z"
