"""What every round trip earned, from mid to mid, and how large it was."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from quantlaxmi.gates.context import DecisionPoints
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import Trip

__all__ = ["mean_notional", "trip_gross"]


def trip_gross(trips: Sequence[Trip], points: DecisionPoints) -> list[int]:
    """Mid-to-mid PnL of every trip, attribution units.

    Parameters
    ----------
    trips : sequence of Trip
        With actions on rows of `points`.
    points : DecisionPoints

    Returns
    -------
    list of int, shape (n_trips,)
        Their sum is the path's gross.
    """
    mid2, units = points.mid2, attribution_units(points)
    return [
        -sum(q * int(mid2[i][a.row]) * units[i] for a in trip.actions for i, q in a.bundle)
        for trip in trips
    ]


def mean_notional(trips: Sequence[Trip], points: DecisionPoints) -> Fraction:
    """Mean notional of the largest leg of the trips' first actions, attribution units.

    Parameters
    ----------
    trips : sequence of Trip
    points : DecisionPoints
    """
    units, total = attribution_units(points), 0
    for trip in trips:
        first = trip.actions[0]
        total += max(abs(q) * int(points.mid2[i][first.row]) * units[i] for i, q in first.bundle)
    return Fraction(total, len(trips))
