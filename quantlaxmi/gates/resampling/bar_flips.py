"""The table ``bars`` of a sign-flipped market: bars move and turn over with their quotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.schema import I64, U64

__all__ = ["BarFlips"]

Columns = Mapping[str, npt.NDArray[Any]]


class BarFlips:
    """Bars of a market whose increments have random signs.

    A bar's open and close move as the quotes that were made of them: by the shift of the last quote
    before its close, and by that of its close. Where the increment that ends at its close is
    turned, the way between them is turned over too: what the high was above open and close, the low
    is below them, and the other way round. So a driftless draw mirrors the whole bar at its open.

    Parameters
    ----------
    bars, quotes : mapping of str to ndarray
        Columns of the segment's tables.
    instants : ndarray of int64, shape (n_quotes,)
        Instant of each quote's increment, -1 where none ends (`SignFlips.quote_instants`).
    """

    def __init__(self, bars: Columns, quotes: Columns, instants: I64) -> None:
        n = len(bars["seq"])
        self._bars = bars
        self._open_row, self._close_row = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
        has_close = np.zeros(n, np.bool_)
        for instrument in np.unique(bars["instrument"]).tolist():
            mine = np.flatnonzero(bars["instrument"] == instrument)
            rows = np.flatnonzero(quotes["instrument"] == instrument)
            # A bar is told before its close, and its open is the last quote before that.
            at = np.searchsorted(quotes["seq"][rows], bars["seq"][mine])
            padded = np.concatenate([[-1], rows, rows[-1:] if len(rows) else [-1]])
            self._open_row[mine], self._close_row[mine] = padded[at], padded[at + 1]
            has_close[mine] = at < len(rows)
        # -1 as an index is the last entry, which stands for no quote.
        self._instant = np.where(has_close, np.append(instants, -1)[self._close_row], -1)
        top = np.maximum(bars["open"], bars["close"])
        bottom = np.minimum(bars["open"], bars["close"])
        self._above, self._below = bars["high"] - top, bottom - bars["low"]

    def moved(self, signs: U64, shifts: I64) -> Columns | None:
        """The bars of a draw.

        Parameters
        ----------
        signs : ndarray of uint64
            One bit an instant, 1 where its increments are turned.
        shifts : ndarray of int64, shape (n_quotes,)

        Returns
        -------
        mapping of str to ndarray, or None
            The same columns; None where a price would not be positive.
        """
        if not len(self._open_row):
            return self._bars
        by_row = np.append(shifts, 0)
        opened = self._bars["open"] + by_row[self._open_row]
        closed = self._bars["close"] + by_row[self._close_row]
        at = np.maximum(self._instant, 0)
        bits = signs[at >> 6] >> (at & 63).astype(np.uint64) & np.uint64(1)
        turned = (self._instant >= 0) & (bits == 1)
        high = np.maximum(opened, closed) + np.where(turned, self._below, self._above)
        low = np.minimum(opened, closed) - np.where(turned, self._above, self._below)
        if low.min() <= 0:
            return None
        return {**self._bars, "open": opened, "high": high, "low": low, "close": closed}
