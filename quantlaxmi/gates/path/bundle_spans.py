"""Spans of constant position of a run's bundles, and their PnL at the other rows of the day."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.path.role_templates import held_gains, struck_at
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64

__all__ = ["DaySpans", "day_spans", "trip_periods"]


@dataclass(frozen=True, slots=True, eq=False)
class DaySpans:
    """The spans of one session day, flat ones too.

    Attributes
    ----------
    held : tuple of Bundle
        The position of each span; empty for flat.
    length : tuple of int
        Rows from its beginning to the next span's.
    tables : tuple of (ndarray of int64, ndarray of bool) or None
        Of each span that is not flat: its PnL (quantity times mid2) where it begins at each row of
        the day, and whether it is quoted there.
    """

    held: tuple[Bundle, ...]
    length: tuple[int, ...]
    tables: tuple[tuple[I64, npt.NDArray[np.bool_]] | None, ...]

    def kinds(self) -> list[Hashable]:
        """A key for each span; spans with equal keys are interchangeable."""
        return list(zip(self.held, self.length, strict=True))


def day_spans(bundles: BundlePath) -> list[DaySpans]:
    """Cut each session day that has bundles at every change of the position.

    Raises
    ------
    BoundError
        A PnL could leave 62 bits.
    """
    changes, grid = dict(bundles.path.changes), bundles.grid
    days = sorted({int(grid.day[row]) for row in changes})
    made = []
    for day in days:
        rows = grid.day_rows(day)
        last = len(rows) - 1
        own = [row - rows.start for row in changes if row in rows]
        starts = sorted({0, *(row for row in own if row < last)})
        held: list[Bundle] = []
        for start in starts:
            before = held[-1] if held else ()
            held.append(changes.get(rows.start + start, before))
        lengths = np.diff([*starts, last]).tolist()
        tables = [
            _table(bundles, position, rows.start + start, length) if position else None
            for position, start, length in zip(held, starts, lengths, strict=True)
        ]
        made.append(DaySpans(tuple(held), tuple(lengths), tuple(tables)))
    return made


def _table(
    bundles: BundlePath, held: Bundle, row: int, length: int
) -> tuple[I64, npt.NDArray[np.bool_]]:
    """PnL of a span at every row of its day, struck anew there."""
    contracts = struck_at(bundles.grid, (i for i, _ in held), row)
    n = len(bundles.grid.day_rows(contracts.day))
    begins = np.arange(n)
    ends = begins + length
    span = begins, ends.clip(max=n - 1)
    gains, quoted = held_gains(bundles.grid, contracts, held, begins, span)
    quoted &= ends < n
    return np.where(quoted, gains, 0), quoted


def trip_periods(trip: Trip, low: int) -> list[tuple[int, int, Bundle]]:
    """Rows of the day from which and to which a trip held each position; `low` is its first row."""
    held, actions = trip.positions(), trip.actions
    return [
        (a.row - low, b.row - low, position)
        for a, b, position in zip(actions[:-1], actions[1:], held[:-1], strict=True)
        if a.row < b.row
    ]
