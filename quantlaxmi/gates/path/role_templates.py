"""Role templates: the bundles of a run over option chains, struck anew on other snapshots.

A template keeps what a bundle's contracts are at the snapshot at which it begins, with their signed
quantities. Struck at another snapshot of the same session day it has the contracts with these roles
there, and closes the same contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.path.bounds import LIMIT, BoundError
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.gates.path.snapshot_grid import SnapshotGrid
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64

__all__ = ["Struck", "held_gains", "overnight", "struck_at", "trip_template"]

#: A day's rows by instrument: the strikes that stand for it.
Strikes = dict[int, I64]


@dataclass(frozen=True, slots=True, eq=False)
class Struck:
    """Contracts of a bundle, and those that have their roles at the other rows of the day.

    Attributes
    ----------
    day : int
        Session day, which a bundle does not leave.
    begin : int
        Row at which they have their roles, counted from the day's first.
    strikes : dict of int to ndarray of int64, shape (n_rows of the day,)
        By instrument: the strike that stands for it where the bundle begins at a row; -1 where
        none does. At its own row it is its own, also where it has no role.
    """

    day: int
    begin: int
    strikes: Strikes


def struck_at(grid: SnapshotGrid, instruments: Iterable[int], row: int) -> Struck:
    """Return contracts with their roles at a row of the grid.

    Where one of them has none (no option, a strike that the day does not list, no forward), the
    bundle can stand at its own row alone.
    """
    day = int(grid.day[row])
    rows, traded = grid.day_rows(day), sorted(instruments)
    roles = [grid.role(i, row) for i in traded]
    strikes: Strikes = {}
    for i, role in zip(traded, roles, strict=True):
        if role is None or None in roles:
            found = np.full(len(rows), -1, np.int64)
        else:
            found = grid.struck(role, day)
        found[row - rows.start] = grid.rows.row_of[i]
        strikes[i] = found
    return Struck(day, row - rows.start, strikes)


def trip_template(grid: SnapshotGrid, trip: Trip) -> Struck:
    """Return all that a trip trades, with roles where it begins."""
    traded = {i for action in trip.actions for i, _ in action.bundle}
    return struck_at(grid, traded, trip.actions[0].row)


def overnight(grid: SnapshotGrid, trips: Sequence[Trip]) -> int:
    """How many trips were held from one session day to another, or until their contracts' end."""
    count = 0
    for trip in trips:
        rows = [a.row for a in trip.actions]
        rows += [int(grid.arrival[a.row]) for a in trip.actions if not a.mark]
        count += len({int(grid.day[row]) if row >= 0 else -1 for row in rows}) > 1
    return count


def held_gains(
    grid: SnapshotGrid, contracts: Struck, held: Bundle, struck: I64, span: tuple[I64, I64]
) -> tuple[I64, npt.NDArray[np.bool_]]:
    """What a position earns from one row of the day to another, mid to mid, and where it is quoted.

    Parameters
    ----------
    grid : SnapshotGrid
    contracts : Struck
    held : tuple of (int, int)
        Instruments among `contracts`, and signed quantities.
    struck : ndarray of int64, shape (n,)
        Rows of the day, from 0, at which the contracts have their roles.
    span : tuple of ndarray of int64, shape (n,)
        Rows of the day at which the position begins and ends.

    Returns
    -------
    gains : ndarray of int64, shape (n,)
        Quantity times mid2; 0 where not quoted.
    quoted : ndarray of bool, shape (n,)
        Every contract exists and is quoted at both rows, or the position is where the run had it.

    Raises
    ------
    BoundError
        A gain could leave 62 bits.
    """
    low, own = grid.day_rows(contracts.day).start, struck == contracts.begin
    begins, ends = low + span[0], low + span[1]
    bound = 2 * sum(abs(q) for _, q in held) * int(grid.mid2.max(initial=0))
    if bound >= LIMIT:
        raise BoundError(f"A bundle's value can reach {bound}, the limit is 2^62.")
    gains, quoted = np.zeros(len(struck), np.int64), np.ones(len(struck), np.bool_)
    for i, quantity in held:
        strike, side = contracts.strikes[i][struck], int(grid.rows.put_of[i])
        known = strike.clip(0)
        both = grid.quoted[side, begins, known] & grid.quoted[side, ends, known]
        quoted &= (strike >= 0) & (own | both)
        gains += quantity * (grid.mid2[side, ends, known] - grid.mid2[side, begins, known])
    return np.where(quoted, gains, 0), quoted
