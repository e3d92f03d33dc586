"""Where the bundles of a run could have stood: rows of their days, money there, ways to place them.

Bundles stay in their session day and in their order, without overlap. A bundle may begin where the
strategy's filters let it enter and where, struck anew by its roles, every leg of every action is
quoted as it is decided and as its order arrives, with its whole size at the touch then; and where
the run had it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.path.bounds import LIMIT, BoundError, check_squares
from quantlaxmi.gates.path.bundle_costs import leg_costs
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.path.role_templates import trip_template
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.schema import I64

__all__ = ["BundlePlaces", "bundle_places"]


@dataclass(frozen=True, slots=True, eq=False)
class BundlePlaces:
    """Tables of bundles by the row of the day at which they begin, laid out for kernels.

    Attributes
    ----------
    day_trip : ndarray of int64, shape (n_days + 1,)
        First bundle of each day that has some.
    first : ndarray of int64, shape (k + 1,)
        First entry of each bundle's tables, of one entry a row of its day.
    begin, occupied : ndarray of int64, shape (k,)
        Row at which the run had it; rows that it takes up.
    ways : ndarray of float64, shape (n_entries + k,)
        In how many ways it and those after it on its day can stand, it at the row or later; a
        bundle has an entry more, 0.
    gross : ndarray of int64, shape (n_entries,)
    cost, mirror : ndarray of int64, shape (n_entries,)
        Slippage and fees of it, and of its opposite, in units of net.
    scale : int
        Units of net in one unit of gross.
    gross_unit, net_unit : int
        Attribution units in one of each.
    allowed : tuple of ndarray of bool
        Where each may begin.
    arrangements : int
        Ways to place all of them.
    unknown : str
        Why costs are not known; empty where they are.
    """

    day_trip: I64
    first: I64
    begin: I64
    occupied: I64
    ways: npt.NDArray[np.float64]
    gross: I64
    cost: I64
    mirror: I64
    scale: int
    gross_unit: int
    net_unit: int
    allowed: tuple[npt.NDArray[np.bool_], ...]
    arrangements: int
    unknown: str


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One bundle at every row of its day, attribution scale."""

    allowed: npt.NDArray[np.bool_]
    gross: npt.NDArray[Any]
    cost: npt.NDArray[Any]
    mirror: npt.NDArray[Any]


def _table(bundles: BundlePath, trip: Trip) -> _Table:
    """Gross, costs and the rows that are allowed.

    Raises
    ------
    EngineError
        The run's own action cost something else.
    """
    grid, terms = bundles.grid, bundles.terms
    contracts = trip_template(grid, trip)
    rows, own, begun = grid.day_rows(contracts.day), contracts.begin, trip.actions[0].row
    n = len(rows)
    allowed = grid.can_enter[rows.start : rows.stop].copy()
    gross, cost, mirror = (np.zeros(n, object) for _ in range(3))
    for action in trip.actions:
        at = np.arange(n) + (action.row - begun)
        decided = rows.start + at.clip(max=n - 1)
        arrives = grid.arrival[decided]
        inside = at < n
        if not action.mark:
            inside &= (arrives >= 0) & (grid.day[arrives] == contracts.day)
        priced = action.clean and not action.mark and not terms.unknown
        found = np.full(n, 0 if priced else action.cost, object)
        for i, quantity in action.bundle:
            strike, side = contracts.strikes[i], int(grid.rows.put_of[i])
            known = strike.clip(0)
            inside &= (strike >= 0) & grid.quoted[side, decided, known]
            gross -= quantity * terms.unit * grid.mid2[side, decided, known].astype(object)
            if action.mark:
                continue
            there = decided, arrives.clip(0), known
            paid, shown = leg_costs(terms, grid, side, there, quantity)
            inside &= shown
            if priced:
                found = found + paid
                mirror = mirror + leg_costs(terms, grid, side, there, -quantity)[0]
        if priced and int(found[own]) != action.cost:
            raise EngineError(
                f"the action at snapshot {action.row} cost {action.cost} in the replay, "
                f"{int(found[own])} at its touches"
            )
        allowed &= inside
        cost = cost + found + action.borrow
        mirror = mirror + (0 if priced else action.cost) + action.borrow
    allowed[own] = True
    return _Table(allowed, *(np.where(allowed, one, 0) for one in (gross, cost, mirror)))


def _ways(allowed: list[npt.NDArray[np.bool_]], occupied: list[int]) -> tuple[list[list[int]], int]:
    """For each bundle of a day, ways of it and those after it from each row on; and of all."""
    n = len(allowed[0])
    after, found = [1] * (n + 1), []
    for rows, taken in zip(reversed(allowed), reversed(occupied), strict=True):
        own = [0] * (n + 1)
        for row in range(n - 1, -1, -1):
            own[row] = own[row + 1] + (after[min(row + taken, n)] if rows[row] else 0)
        found.append(own)
        after = own
    return found[::-1], after[0]


def bundle_places(bundles: BundlePath) -> BundlePlaces:
    """Return where the bundles of a run could have stood, and what they would have made there.

    Raises
    ------
    BoundError
        Money or counts do not fit the kernels' numbers.
    EngineError
        The run's own bundles cost something else at their own rows.
    """
    trips, days = bundles.path.trips, bundles.trips_by_day()
    tables = [_table(bundles, trip) for trip in trips]
    touching = any(a.actions[-1].row == b.actions[0].row for a, b in itertools.pairwise(trips))
    occupied = [t.actions[-1].row - t.actions[0].row + (not touching) for t in trips]
    ways, arrangements = [], 1
    for day in days:
        found, total = _ways([tables[k].allowed for k in day], [occupied[k] for k in day])
        if total.bit_length() > 1000:
            raise BoundError(f"Ways to place the {len(day)} bundles of a day: over 2^1000.")
        ways += found
        arrangements *= total
    gross_unit = _divisor(table.gross for table in tables)
    net_unit = math.gcd(
        gross_unit, _divisor(one for table in tables for one in (table.cost, table.mirror))
    )
    scale = gross_unit // net_unit
    most = max(map(len, days)) if bundles.by_day else 1
    largest = [_largest(one) // unit for table in tables for one, unit in (
        (table.gross, net_unit), (table.cost, net_unit), (table.mirror, net_unit))]  # fmt: skip
    bound = 2 * most * max(largest, default=0)
    if bound >= LIMIT or scale >= LIMIT:
        raise BoundError(f"Money of a unit can reach {bound}, the limit is 2^62.")
    check_squares(bound, len(days) if bundles.by_day else len(trips))
    begin = [t.actions[0].row for t in trips]
    lows = [bundles.grid.day_rows(int(bundles.grid.day[row])).start for row in begin]
    return BundlePlaces(
        day_trip=np.cumsum([0, *map(len, days)], dtype=np.int64),
        first=np.cumsum([0, *(len(t.allowed) for t in tables)], dtype=np.int64),
        begin=np.array(begin, np.int64) - np.array(lows, np.int64),
        occupied=np.array(occupied, np.int64),
        ways=np.array([float(w) for one in ways for w in one], np.float64),
        gross=_joined([t.gross for t in tables], gross_unit),
        cost=_joined([t.cost for t in tables], net_unit),
        mirror=_joined([t.mirror for t in tables], net_unit),
        scale=scale,
        gross_unit=gross_unit,
        net_unit=net_unit,
        allowed=tuple(t.allowed for t in tables),
        arrangements=arrangements,
        unknown=bundles.terms.unknown,
    )


def _divisor(tables: Any) -> int:
    """Greatest common divisor of all entries; 1 where all are 0."""
    return math.gcd(*(int(v) for one in tables for v in one.tolist())) or 1


def _largest(table: npt.NDArray[Any]) -> int:
    return max((abs(int(v)) for v in table.tolist()), default=0)


def _joined(tables: list[npt.NDArray[Any]], unit: int) -> I64:
    """Tables one after the other, in whole units."""
    return np.concatenate([np.array([int(v) // unit for v in one], np.int64) for one in tables])
