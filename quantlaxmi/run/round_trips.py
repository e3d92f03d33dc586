"""Round trips of a ledger, and the part that every fill has in them.

A trip goes from flat to flat over all instruments together. Fills of one decision that follow one
another are one change of the position. A change that closes all that is held and opens something
else ends one trip and begins the next: each of its fills is split where the old position ends. A
change that ends where it began, flat, is a trip of its own (a bundle that was trimmed away).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    n = len(fills)
    if not n:
        none = np.zeros(0, np.int64)
        return RoundTrips(0, False, none, none, none, none, none)
    signed = fills["side"] * fills["qty"]
    after = fills["position"].astype(np.int64)
    before = after - signed
    group = np.cumsum(np.append(False, np.diff(fills["decision"]) != 0))
    n_open = np.cumsum((after != 0).astype(np.int64) - (before != 0))
    last = np.append(np.flatnonzero(np.diff(group)), n - 1)
    ended = n_open[last]
    begun = np.append(np.int64(0), ended[:-1])
    sign, closed = _signs_at_start(fills["instrument"], group, before, after)
    turned = (begun > 0) & (ended > 0) & (closed == begun)
    trip_of = np.cumsum((begun == 0) | turned) - 1
    trip = trip_of[group]

    # On the side of the old position, what is left of it; all else is the new trip's.
    old_side = np.where(turned[group], sign, 0)
    old_before = old_side * np.maximum(old_side * before, 0)
    old_after = old_side * np.maximum(old_side * after, 0)
    parts = (
        (trip - 1, old_after - old_before, old_before),
        (trip, (after - old_after) - (before - old_before), before - old_before),
    )
    rows = np.arange(n)
    trips, quantities, befores = (np.concatenate(one) for one in zip(*parts, strict=True))
    fill = np.concatenate([rows, rows])
    kept = np.flatnonzero(quantities != 0)
    kept = kept[np.lexsort((fill[kept], trips[kept]))]
    trips = trips[kept]
    return RoundTrips(
        int(trip_of[-1]) + 1,
        bool(ended[-1]),
        fill[kept],
        trips,
        quantities[kept],
        befores[kept],
        np.searchsorted(trips, np.arange(int(trip_of[-1]) + 1)),
    )


def _signs_at_start(
    instrument: I64, group: NDArray[np.intp], before: I64, after: I64
) -> tuple[I64, NDArray[np.intp]]:
    """Sign of each fill's instrument as its change began; how many positions each change ends.

    A position is ended where it is 0 or of the other sign after the change.
    """
    order = np.lexsort((instrument, group))  # stable: fills of an instrument keep their order
    groups, which = group[order], instrument[order]
    is_first = np.append(True, (np.diff(groups) != 0) | (np.diff(which) != 0))
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(order)) - 1
    held, left = np.sign(before[order[first]]), np.sign(after[order[last]])
    ended = np.bincount(
        groups[first], weights=(held != 0) & (held * left <= 0), minlength=int(group[-1]) + 1
    ).astype(np.intp)
    sign = np.empty(len(order), np.int64)
    sign[order] = held[np.cumsum(is_first) - 1]
    return sign, ended
