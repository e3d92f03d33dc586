"""Where trips may stand: tradeable rows, templates of trips on them, and their costs.

A template keeps the distance of a trip's actions from its beginning, counted in tradeable rows. So
every placement of templates without overlap puts every action on a tradeable row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import EngineError
from quantlaxmi.gates.context import Costs, DecisionPoints
from quantlaxmi.gates.path.borrow import PositionInterest
from quantlaxmi.gates.path.columns import LIMIT, BundleColumns
from quantlaxmi.gates.path.funding import PositionFunding
from quantlaxmi.gates.path.round_trips import Action, Trip, opposite
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64

__all__ = [
    "Carry",
    "CostColumns",
    "PlacementError",
    "Templates",
    "build_cost_columns",
    "make_templates",
    "tradeable_rows",
]

#: Most distinct patterns of instruments and signs for which displayed size is looked up.
MAX_PATTERNS = 64


class PlacementError(Exception):
    """Trips cannot be placed; the message says why. The gate is then INCONCLUSIVE."""


def clean_bundles(actions: Iterable[Action]) -> list[Bundle]:
    """Distinct bundles of clean actions with their opposites, ascending."""
    bundles = {a.bundle for a in actions if a.clean}
    return sorted({*bundles, *(opposite(b) for b in bundles)})


def tradeable_rows(points: DecisionPoints, trips: tuple[Trip, ...], max_bundles: int) -> I64:
    """Rows on which each of the actions could have been traded whole, on either side.

    Where the largest quantities of a pattern of instruments and signs are displayed, smaller ones
    are too. So displayed size is looked up once for each pattern.

    Parameters
    ----------
    points : DecisionPoints
    trips : tuple of Trip
    max_bundles : int
        At most so many bundles are priced in the same pass.

    Returns
    -------
    ndarray of int64, shape (n_tradeable,)
        Ascending; the strategy's own filters let it trade there too.

    Raises
    ------
    PlacementError
        When the bundles have more than 64 patterns.
    """
    largest: dict[tuple[tuple[int, bool], ...], dict[int, int]] = {}
    for bundle in {a.bundle for trip in trips for a in trip.actions}:
        for sided in (bundle, opposite(bundle)):
            sizes = largest.setdefault(tuple((i, q > 0) for i, q in sided), {})
            for i, q in sided:
                sizes[i] = q if abs(q) > abs(sizes.get(i, 0)) else sizes[i]
    if len(largest) > MAX_PATTERNS:
        raise PlacementError(
            f"{len(largest)} patterns of instruments and sides are traded, the limit is "
            f"{MAX_PATTERNS}."
        )
    widest = [tuple(sorted(sizes.items())) for sizes in largest.values()]
    clean = clean_bundles(a for trip in trips for a in trip.actions)
    points.prepare([*widest, *(clean if len(clean) <= max_bundles else [])])
    mask = points.can_trade.copy()
    for bundle in widest:
        mask &= points.cost(bundle).fillable
    return np.flatnonzero(mask).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates of trips, as kernels take them.

    Attributes
    ----------
    actions : tuple of Action
        All actions, trip by trip.
    trip_first : ndarray of int64, shape (k + 1,)
    offset : ndarray of int64, shape (n_actions,)
        Tradeable rows after the trip's beginning.
    occupied : ndarray of int64, shape (k,)
        Rows that a trip takes up.
    free : int
        Tradeable rows in no trip.
    off_rows : int
        Actions of the strategy on rows that are not tradeable.
    """

    actions: tuple[Action, ...]
    trip_first: I64
    offset: I64
    occupied: I64
    free: int
    off_rows: int

    def kinds(self) -> list[Hashable]:
        """A key for each trip; trips with equal keys are interchangeable."""
        found: list[Hashable] = []
        for low, high in zip(self.trip_first[:-1], self.trip_first[1:], strict=True):
            own = self.actions[low:high]
            # A clean action takes its cost from the row; another carries its own along.
            costs = tuple(None if a.clean else a.cost for a in own)
            found.append((tuple(a.bundle for a in own), costs, tuple(self.offset[low:high])))
        return found


def make_templates(trips: tuple[Trip, ...], rows: I64) -> Templates:
    """Measure every trip in tradeable rows.

    Parameters
    ----------
    trips : tuple of Trip
    rows : ndarray of int64
        Tradeable rows, ascending.

    Raises
    ------
    PlacementError
        When the trips need more rows than there are.
    """
    touching = any(a.actions[-1].row == b.actions[0].row for a, b in itertools.pairwise(trips))
    gap = 0 if touching else 1
    actions = [a for trip in trips for a in trip.actions]
    own = np.array([a.row for a in actions], np.int64)
    after = np.searchsorted(rows, own, "left")
    before = np.searchsorted(rows, own, "right") - 1
    offsets: list[int] = []
    first = [0]
    occupied: list[int] = []
    at = 0
    for trip in trips:
        n = len(trip.actions)
        begin = int(after[at])
        last = 0
        offsets.append(0)
        for k in range(1, n):
            # Ends are rounded inwards, so that trips on rows which are not tradeable still fit.
            there = int(before[at + k] if k == n - 1 else after[at + k]) - begin
            apart = int(trip.actions[k].row != trip.actions[k - 1].row)
            last = max(there, last + apart)
            offsets.append(last)
        occupied.append(last + gap)
        at += n
        first.append(at)
    # Touching trips share a row, and the last of them needs one more for its end.
    free = len(rows) - sum(occupied) - (1 - gap)
    if free < 0:
        raise PlacementError(
            f"The trips need {counted(len(rows) - free, 'tradeable row[s]')}, there are "
            f"{len(rows)}."
        )
    return Templates(
        actions=tuple(actions),
        trip_first=np.array(first, np.int64),
        offset=np.array(offsets, np.int64),
        occupied=np.array(occupied, np.int64),
        free=free,
        off_rows=int((after != before).sum()),
    )


@dataclass(frozen=True, slots=True)
class Carry:
    """What holding the positions of the trips pays and costs."""

    funding: PositionFunding
    interest: PositionInterest


@dataclass(frozen=True, slots=True)
class CostColumns:
    """Costs of the actions on every tradeable row, or why they are not known.

    Attributes
    ----------
    reason : str
        Why net figures are not known; empty where they are.
    values : ndarray of int64, shape (n_costs, n_tradeable)
        In units of net.
    action_cost, action_mirror_cost : ndarray of int64, shape (n_actions,)
        Row of `values` for the action and for its opposite, -1 for none.
    action_constant : ndarray of int64, shape (n_actions,)
        Observed cost of actions that are not clean, in units of net.
    own : ndarray of int64, shape (n_actions,)
        Observed cost of every action with the interest paid at it, in units of net.
    paid : ndarray of int64, shape (n_positions, n_settlements + 1)
        Running sums of the positions' funding, in units of net.
    net_scale : int
        Units of net in one unit of gross.
    unit : int
        Attribution units in one unit of net.
    """

    reason: str
    values: I64
    action_cost: I64
    action_mirror_cost: I64
    action_constant: I64
    own: I64
    paid: I64
    net_scale: int
    unit: int


def _without(n_actions: int, reason: str, scale: int) -> CostColumns:
    none = np.full(n_actions, -1, np.int64)
    zero = np.zeros(n_actions, np.int64)
    empty = np.zeros((1, 1), np.int64)
    return CostColumns(reason, empty, none, none, zero, zero, empty, 1, scale)


def build_cost_columns(
    templates: Templates,
    rows: I64,
    columns: BundleColumns,
    action_bundle: I64,
    points: DecisionPoints,
    max_bundles: int,
    carry: Carry,
) -> CostColumns:
    """Costs of every clean action's bundle and of its opposite, on tradeable rows.

    Costs, and the funding of the positions and the interest on them, are in one unit, that of net
    PnL.

    Raises
    ------
    EngineError
        When the cost at a clean action's decision point is not what the replay attributed.
    """
    actions = templates.actions
    sided = clean_bundles(actions)
    funding, interest = carry.funding, carry.interest
    if reason := points.costs_unknown or funding.reason or interest.reason:
        return _without(len(actions), reason, columns.scale)
    if len(sided) > max_bundles:
        return _without(
            len(actions),
            f"{len(sided)} distinct bundles (with their opposites) need costs on every row, the "
            f"limit is {max_bundles}.",
            columns.scale,
        )
    costs = _costs_of(points, sided, actions)
    unit = math.gcd(
        columns.scale,
        funding.unit,
        interest.unit,
        *(costs[b].unit for b in sided),
        *(part for a in actions for part in (a.cost, a.borrow)),
    )
    net_scale = columns.scale // unit
    peaks = {b: _peak(costs[b], rows) * (costs[b].unit // unit) for b in sided}
    largest = [columns.largest[b] for b in action_bundle.tolist()]
    worst = _largest_net(templates, largest, peaks, carry, unit, net_scale)
    trips = len(templates.occupied)
    if worst >= LIMIT or net_scale >= LIMIT or trips * worst * worst >= 2**127:
        return _without(
            len(actions),
            f"A trip's net PnL can reach {worst}, the limit is 2^62, and 2^127 for the squares of "
            f"{trips} of them.",
            columns.scale,
        )
    index = {b: k for k, b in enumerate(sided)}
    values = np.zeros((max(len(sided), 1), len(rows)), np.int64)
    for b, k in index.items():
        np.multiply(costs[b].values[rows], costs[b].unit // unit, out=values[k])
    mirrors = [index[opposite(a.bundle)] if a.clean else -1 for a in actions]
    return CostColumns(
        reason="",
        values=values,
        action_cost=np.array([index[a.bundle] if a.clean else -1 for a in actions], np.int64),
        action_mirror_cost=np.array(mirrors, np.int64),
        action_constant=np.array([0 if a.clean else a.cost // unit for a in actions], np.int64),
        own=np.array([(a.cost + a.borrow) // unit for a in actions], np.int64),
        paid=funding.table(unit),
        net_scale=net_scale,
        unit=unit,
    )


def _costs_of(
    points: DecisionPoints, sided: list[Bundle], actions: Sequence[Action]
) -> dict[Bundle, Costs]:
    """Costs of bundles, equal to what the replay attributed to clean actions.

    Raises
    ------
    EngineError
        When they are not.
    """
    points.prepare(sided)
    costs = {b: points.cost(b) for b in sided}
    for a in actions:
        if not a.clean:
            continue
        found = int(costs[a.bundle].values[a.row]) * costs[a.bundle].unit
        if found != a.cost:
            raise EngineError(
                f"the action at decision point {a.row} cost {a.cost} in the replay, {found} "
                "at the decision points"
            )
    return costs


def _peak(cost: Costs, rows: I64) -> int:
    """Largest magnitude of a bundle's cost on tradeable rows, in the cost's own unit."""
    values = cost.values[rows]
    return max(abs(int(values.min())), abs(int(values.max()))) if values.size else 0


def _largest_net(
    templates: Templates,
    largest: list[int],
    peaks: dict[Bundle, int],
    carry: Carry,
    unit: int,
    net_scale: int,
) -> int:
    """No trip's net PnL exceeds this in magnitude, wherever it stands; nor does funding."""
    worst = carry.funding.peak // unit
    edges = itertools.pairwise(templates.trip_first.tolist())
    for (low, high), interest in zip(edges, carry.interest.largest, strict=True):
        gross, cost = 0, interest // unit
        for k in range(low, high):
            action = templates.actions[k]
            gross += largest[k]
            cost += max(
                (abs(action.cost) + action.borrow) // unit,
                peaks.get(action.bundle, 0),
                peaks.get(opposite(action.bundle), 0),
            )
        trip = range(low, high)
        worst = max(worst, net_scale * gross + cost + carry.funding.largest(trip) // unit)
    return worst
