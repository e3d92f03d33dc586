"""How positions change from decision to decision: bundles held, reversals, round trips."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
import numpy.typing as npt

from quantlaxmi.instruments import Bundle

__all__ = ["after_change", "bundle_of", "count_round_trips", "turns_over"]


def bundle_of(quantities: dict[int, int]) -> Bundle:
    """Quantities that are not 0, by instrument."""
    return tuple(sorted((i, q) for i, q in quantities.items() if q))


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
    """Round trips of a ledger, an open one at the end among them.

    Fills of one decision that follow one another are one change of the position, as in the path;
    this count needs neither decision points nor mids, so it is known of every run.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    """
    position: dict[int, int] = {}
    trips = 0
    rows = zip(
        fills["decision"].tolist(),
        fills["instrument"].tolist(),
        (fills["side"].astype(np.int64) * fills["qty"]).tolist(),
        strict=True,
    )
    for _, group in groupby(rows, key=lambda row: row[0]):
        held = bundle_of(position)
        position = after_change(position, ((i, q) for _, i, q in group))
        trips += bool(held) and (turns_over(held, position) or not any(position.values()))
    return trips + any(position.values())
