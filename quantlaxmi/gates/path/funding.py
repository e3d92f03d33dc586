"""Funding of the positions of trips, wherever the trips stand.

A settlement pays on the position made by the orders that arrived before it. A position of a trip
lasts from one action to the next. So its funding is the difference of two of its running sums, up
to the settlement for which each action's orders come too late.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from quantlaxmi.gates.context import DecisionPoints
from quantlaxmi.gates.path.round_trips import Trip, opposite
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64

__all__ = ["PositionFunding", "build_position_funding"]

#: Most payments (positions times settlements) that are computed.
MAX_PAYMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class PositionFunding:
    """Running sums of funding by position, and the position after each action.

    Attributes
    ----------
    reason : str
        Why there are no sums; empty where there are.
    sums : tuple of tuple of int
        For each position, what it has received after 0, 1, … settlements, attribution units.
    action_held, action_mirror_held : ndarray of int64, shape (n_actions,)
        Row of `sums` for the position after the action, and for its opposite; -1 where the trip
        is over, or nothing is ever settled.
    settled : ndarray of int64, shape (n_tradeable,)
        Settlements for which orders decided on a tradeable row come too late.
    own_settled : ndarray of int64, shape (n_actions,)
        The same at the actions' own rows. A position still open at the end had them all.
    """

    reason: str
    sums: tuple[tuple[int, ...], ...]
    action_held: I64
    action_mirror_held: I64
    settled: I64
    own_settled: I64

    @property
    def unit(self) -> int:
        """Greatest common divisor of the sums; 0 where there is no funding."""
        return math.gcd(*(value for sums in self.sums for value in sums))

    def largest(self, actions: range) -> int:
        """No funding of a trip of these actions exceeds this in magnitude, wherever it stands."""
        rows = {*self.action_held[actions].tolist(), *self.action_mirror_held[actions].tolist()}
        spans = (max(self.sums[h]) - min(self.sums[h]) for h in rows if h >= 0)
        return len(actions) * max(spans, default=0)

    def table(self, unit: int) -> I64:
        """The sums in a unit that divides them, shape (n_positions, n_settlements + 1)."""
        values = [[value // unit for value in sums] for sums in self.sums]
        return np.array(values or [[0]], dtype=np.int64)

    @property
    def peak(self) -> int:
        """Largest magnitude among the sums."""
        return max((abs(value) for sums in self.sums for value in sums), default=0)


def build_position_funding(
    trips: Sequence[Trip], rows: I64, points: DecisionPoints
) -> PositionFunding:
    """Compute the funding of every position of the trips, and of its opposite.

    Parameters
    ----------
    trips : sequence of Trip
    rows : ndarray of int64, shape (n_tradeable,)
        Tradeable decision points, ascending.
    points : DecisionPoints

    Returns
    -------
    PositionFunding
    """
    settled = points.settled
    count = len(points.settlements)
    actions = [action for trip in trips for action in trip.actions]
    own = np.array([count if a.mark else settled[a.row] for a in actions], np.int64)
    flat = np.full(len(actions), -1, np.int64)
    held = [bundle for trip in trips for bundle in trip.positions()]
    index: dict[Bundle, int] = {}
    for bundle in held if count else ():
        if bundle:
            index.setdefault(bundle, len(index))
            index.setdefault(opposite(bundle), len(index))
    if len(index) * count > MAX_PAYMENTS:
        reason = (
            f"{len(index)} positions (with their opposites) over {count} funding settlements are "
            f"{len(index) * count} payments, the limit is {MAX_PAYMENTS}."
        )
        return PositionFunding(reason, (), flat, flat, settled[rows], own)
    sums = tuple(tuple(accumulate(points.funding(bundle), initial=0)) for bundle in index)
    return PositionFunding(
        reason="",
        sums=sums,
        action_held=np.array([index.get(b, -1) for b in held], np.int64),
        action_mirror_held=np.array([index.get(opposite(b), -1) for b in held], np.int64),
        settled=settled[rows],
        own_settled=own,
    )
