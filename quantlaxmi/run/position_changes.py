"""How positions change from decision to decision: bundles held, reversals, round trips."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
import numpy.typing as npt

from quantlaxmi.instruments import Bundle

__all__ = ["after_change", "bundle_of", "count_round_trips", "round_trip_starts", "turns_over"]


def bundle_of(quantities: dict[int, int]) -> Bundle:
    """Quantities that are not 0, by instrument."""
    held = [item for item in quantities.items() if item[1]]
    if len(held) > 1:
        held.sort()
    return tuple(held)


def after_change(position: dict[int, int], delta: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The position after a change of it."""
    after = dict(position)
    for instrument, quantity in delta:
        after[instrument] = after.get(instrument, 0) + quantity
    return after


def turns_over(held: Bundle, after: dict[int, int]) -> bool:
    """Whether a change closes all that is held and opens something else."""
    return bool(held) and any(after.values()) and all(q * after[i] <= 0 for i, q in held)


def count_round_trips(fills: npt.NDArray[np.void]) -> int:
    """Round trips of a ledger, an open one at the end among them; see `round_trip_starts`.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    """
    return len(round_trip_starts(fills))


def round_trip_starts(fills: npt.NDArray[np.void]) -> list[int]:
    """Row of the first fill of every round trip of a ledger, an open one at the end among them.

    Fills of one decision that follow one another are one change of the position, as in the path.
    Neither decision points nor mids are needed, so the trips of every run are known.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    """
    position: dict[int, int] = {}
    held: Bundle = ()
    starts, row = [], 0
    signed = fills["side"].astype(np.int64) * fills["qty"]
    columns = (fills["decision"], fills["instrument"], signed)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for _, group in groupby(rows, key=lambda row: row[0]):
        first = row
        changes = [(i, q) for _, i, q in group]
        row += len(changes)
        position = after_change(position, changes)
        after = bundle_of(position)
        if after and (not held or turns_over(held, position)):
            starts.append(first)
        held = after
    return starts
