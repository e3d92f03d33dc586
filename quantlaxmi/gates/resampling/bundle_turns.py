"""Circular time shift over option sessions: the positions of each day turned around it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bounds import BoundError
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.path.bundle_spans import trip_periods
from quantlaxmi.gates.path.role_templates import held_gains, trip_template
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.gates.reasons import too_large
from quantlaxmi.gates.resampling.bundle_sweep import (
    bundles_of,
    check_bounds,
    joined,
    shown_sweep,
)
from quantlaxmi.gates.results import GateResult, Inconclusive, Json, ResultSpec, rounded
from quantlaxmi.schema import I64
from quantlaxmi.stats.arrangements import counted

__all__ = ["turned_days", "turned_trip"]


def turned_trip(bundles: BundlePath, trip: Trip) -> tuple[I64, npt.NDArray[np.bool_]]:
    """PnL of a trip at every offset of its day, and whether it is quoted there.

    The circle of a day has a step less than it has snapshots. What passes the last snapshot goes
    on at the first, struck anew there; a trip that has passed it whole is struck where it begins.

    Returns
    -------
    gains : ndarray of int64, shape (n_steps,)
        Quantity times mid2.
    quoted : ndarray of bool, shape (n_steps,)

    Raises
    ------
    BoundError
        A PnL could leave 62 bits.
    """
    grid, contracts = bundles.grid, trip_template(bundles.grid, trip)
    rows = grid.day_rows(contracts.day)
    steps = len(rows) - 1
    offset = np.arange(steps)
    gains, quoted = np.zeros(steps, np.int64), np.ones(steps, np.bool_)
    struck = contracts.begin + offset
    begun_over = struck >= steps  # the whole trip stands behind the last snapshot
    struck = np.where(begun_over, struck - steps, struck)
    for start, stop, held in trip_periods(trip, rows.start):
        low, high = start + offset, stop + offset
        low, high = (np.where(begun_over, x - steps, x) for x in (low, high))
        first = low.clip(max=steps), high.clip(max=steps)
        second = (low - steps).clip(min=0), (high - steps).clip(min=0)
        for at, part in ((struck, first), (np.zeros_like(struck), second)):
            made, known = held_gains(grid, contracts, held, at, part)
            lasts = part[0] < part[1]
            gains += np.where(lasts, made, 0)
            quoted &= known | ~lasts
    return np.where(quoted, gains, 0), quoted


def turned_days(context: GateContext, spec: ResultSpec, n_shifts: int) -> GateResult:
    """Turn each session day by a random offset of its own (diagnosis).

    Offsets at which a bundle of the day is not quoted do not count; nothing is one of them. Days
    are few steps long, so that offsets are drawn a day, where other markets are turned as a whole
    by equally spaced ones.

    Raises
    ------
    Inconclusive
        Too few bundles or offsets, or money does not fit.
    PathError
        The run has no bundles that could stand elsewhere.
    EngineError
        The identity draw is not the replay.
    """
    from quantlaxmi._jit import bundle_turns as kernels

    bundles = bundles_of(context)
    trips, days = bundles.path.trips, bundles.trips_by_day()
    try:
        tables = [turned_trip(bundles, trip) for trip in trips]
    except BoundError as error:
        raise Inconclusive(too_large(error), {"trips": len(trips)}) from error
    offsets = [np.flatnonzero(np.logical_and.reduce([tables[k][1] for k in day])) for day in days]
    counts = [len(one) for one in offsets]
    gains = [tables[k][0][one] for day, one in zip(days, offsets, strict=True) for k in day]
    check_bounds(bundles, gains, max(map(len, days)), len(trips))
    arguments = kernels.Turns(
        np.cumsum([0, *map(len, days)], dtype=np.int64),
        np.array(counts, np.int64),
        np.cumsum([0, *map(len, gains)], dtype=np.int64),
        joined(gains, np.int64),
        bundles.by_day,
    )
    details: dict[str, Json] = {
        "trips": len(trips),
        "rows": len(bundles.grid.seq),
        "session_days_traded": len(days),
        "offsets_a_day": rounded(sum(counts) / len(counts)),
    }
    return shown_sweep(
        context,
        spec,
        ("shifts within session days", n_shifts),
        lambda key, first, out: kernels.turned(key, first, arguments, out),
        details,
        counted(math.prod(counts)),
        exact=True,
    )
