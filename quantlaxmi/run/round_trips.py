"""Round trips of a ledger, and the part that every fill has in them.

A trip goes from flat to flat over all instruments together. Fills of one decision that follow one
another are one change of the position. A change that closes all that is held and opens something
else ends one trip and begins the next: each of its fills is split where the old position ends. A
change that ends where it began, flat, is a trip of its own (a bundle that was trimmed away). Where
a stop or target met inside a bar leaves nothing held, a change ends there: what the same decision
opens is opened at the next bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.trip_parts import trip_parts
from quantlaxmi.schema import I64

__all__ = ["RoundTrips", "round_trips"]


@dataclass(frozen=True, eq=False)
class RoundTrips:
    """Trips of a run and the parts of fills they consist of, by trip, then by fill.

    Attributes
    ----------
    n : int
        Trips, an open one at the end among them.
    is_open : bool
        Whether the last one is still open.
    fill : ndarray of int64, shape (n_parts,)
        Row of the fill.
    trip : ndarray of int64, shape (n_parts,)
        Ascending.
    quantity : ndarray of int64, shape (n_parts,)
        Signed part of the fill, not 0.
    before : ndarray of int64, shape (n_parts,)
        The trip's own position of the instrument before the part.
    first_part : ndarray of int64, shape (n,)
        Where each trip's parts begin.
    """

    n: int
    is_open: bool
    fill: I64
    trip: I64
    quantity: I64
    before: I64
    first_part: I64


def round_trips(fills: NDArray[Any]) -> RoundTrips:
    """Divide the fills of a ledger into round trips.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.

    Returns
    -------
    RoundTrips
    """
    n_instruments = int(fills["instrument"].max(initial=-1)) + 1
    (fill, trip, quantity, before), n, is_open = trip_parts(fills, n_instruments)
    return RoundTrips(n, is_open, fill, trip, quantity, before, np.searchsorted(trip, np.arange(n)))
