"""Holding periods, trip by trip: the path of positions that a circular shift moves."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import (
    BoundError,
    BundleColumns,
    attribution_units,
    build_columns,
    check_squares,
)
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64
from quantlaxmi.stats.integrated_autocorrelation import decorrelation_steps, distinct_rotations

__all__ = ["HoldingPeriods", "build_holding_columns", "holding_periods_of"]


@dataclass(frozen=True, slots=True)
class HoldingPeriods:
    """Times of constant position that are not flat, ascending.

    Attributes
    ----------
    positions : tuple of Bundle
        Distinct positions.
    position : ndarray of int64, shape (n_periods,)
        Index into `positions`.
    start, stop : ndarray of int64, shape (n_periods,)
        A position is held over the steps start..stop-1; step r leads from row r to row r + 1.
    trip_first : ndarray of int64, shape (n_trips + 1,)
        Into the periods.
    n_steps : int
        Rows less one.
    """

    positions: tuple[Bundle, ...]
    position: I64
    start: I64
    stop: I64
    trip_first: I64
    n_steps: int

    def _partition(self) -> tuple[I64, I64]:
        """Edges of all times of constant position, and the position in each, -1 for flat."""
        edges = np.unique(np.concatenate([[0, self.n_steps], self.start, self.stop]))
        position = np.full(len(edges) - 1, -1, np.int64)
        position[np.searchsorted(edges, self.start)] = self.position
        return edges.astype(np.int64), position

    def distinct_shifts(self) -> int:
        """How many shifts give different paths."""
        edges, position = self._partition()
        return distinct_rotations(position.tolist(), np.diff(edges).tolist())

    def decorrelation(self, context: GateContext) -> Fraction | None:
        """Integrated autocorrelation time in steps; None for a position that never changes.

        Instruments weigh by the square of what a unit of them is worth at the first row.
        """
        edges, position = self._partition()
        units = attribution_units(context.decision_points)
        values, weights = [], []
        for i in sorted({i for bundle in self.positions for i, _ in bundle}):
            sizes = [dict(bundle).get(i, 0) for bundle in self.positions]
            common = math.gcd(*sizes)
            values.append([sizes[p] // common if p >= 0 else 0 for p in position.tolist()])
            weights.append((common * int(context.decision_points.mid2[i][0]) * units[i]) ** 2)
        return decorrelation_steps(edges, values, weights)


def holding_periods_of(trips: tuple[Trip, ...], n_rows: int) -> HoldingPeriods:
    """Cut trips at their actions.

    Parameters
    ----------
    trips : tuple of Trip
    n_rows : int
        Number of decision points, at least 1.
    """
    index: dict[Bundle, int] = {}
    position, start, stop, first = [], [], [], [0]
    for trip in trips:
        steps = itertools.pairwise(trip.actions)
        for bundle, (now, after) in zip(trip.positions(), steps, strict=False):
            if bundle and after.row > now.row:
                position.append(index.setdefault(bundle, len(index)))
                start.append(now.row)
                stop.append(after.row)
        first.append(len(position))
    return HoldingPeriods(
        positions=tuple(index),
        position=np.array(position, np.int64),
        start=np.array(start, np.int64),
        stop=np.array(stop, np.int64),
        trip_first=np.array(first, np.int64),
        n_steps=n_rows - 1,
    )


def build_holding_columns(context: GateContext, periods: HoldingPeriods) -> BundleColumns:
    """Columns for the positions, with the bound on what one trip can earn wherever it stands.

    Raises
    ------
    BoundError
        When a trip's PnL could leave 64 bits, or the sum of the trips' squares 127.
    """
    columns = build_columns(context.decision_points, periods.positions)
    worst = 0
    for low, high in itertools.pairwise(periods.trip_first.tolist()):
        held = [columns.largest[p] for p in periods.position[low:high].tolist()]
        # Two bundle values a period, and two more for the one that may pass the end.
        worst = max(worst, 2 * sum(held) + 2 * max(held, default=0))
    if worst >= 2**62:
        raise BoundError(f"A trip's PnL can reach {worst}, the limit is 2^62.")
    check_squares(worst, len(periods.trip_first) - 1)
    return columns
