"""Mids at which positions are marked, on the markets of draws."""

from __future__ import annotations

import numpy as np

from quantlaxmi.schema import I64

__all__ = ["MovedMids"]


class MovedMids:
    """Recorded mids, each of which moves with a row of a table of shifts.

    Parameters
    ----------
    mid2 : ndarray of int64, shape (n,)
        Bid + ask of each; 0 where there was no valid book, which stays so.

    Examples
    --------
    >>> mids = MovedMids(np.array([20, 0, 30]))
    >>> mids.follow("quotes", np.array([0, 1]), np.array([2, 2]))
    >>> mids.on(np.array([0, 0, 5]), np.zeros(0, np.int64)).tolist()
    [30, 0, 30]
    """

    def __init__(self, mid2: I64) -> None:
        self._mid2 = mid2
        self._followed: dict[str, tuple[I64, I64]] = {}

    def follow(self, table: str, places: I64, rows: I64) -> None:
        """Let the mids at some places move with the shifts of rows of ``quotes`` or ``depth``."""
        known = self._mid2[places] != 0
        before = self.followed(table)
        new = (places[known], rows[known])
        if len(new[0]):
            joined = [np.concatenate(pair) for pair in zip(before, new, strict=True)]
            self._followed[table] = joined[0], joined[1]

    @property
    def recorded(self) -> I64:
        """The mids on the recorded market."""
        return self._mid2

    def followed(self, table: str) -> tuple[I64, I64]:
        """Places that move with ``quotes`` or ``depth``, no place twice, and the row of each."""
        return self._followed.get(table, (np.zeros(0, np.int64), np.zeros(0, np.int64)))

    def on(self, quotes: I64, depth: I64) -> I64:
        """The mids on a market with these shifts.

        Parameters
        ----------
        quotes, depth : ndarray of int64
            Shift of every row of the tables.
        """
        mid2 = self._mid2.copy()
        for table, (places, rows) in self._followed.items():
            shifts = (quotes if table == "quotes" else depth).take(rows)
            mid2[places] += shifts + shifts
        return mid2
