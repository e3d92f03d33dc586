"""The lag profile over option sessions: bundles struck anew a few snapshots earlier or later."""

from __future__ import annotations

from typing import Final

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bounds import BoundError
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.path.bundle_spans import trip_periods
from quantlaxmi.gates.path.role_templates import held_gains, trip_template
from quantlaxmi.gates.path.round_trips import Trip
from quantlaxmi.gates.reasons import too_large
from quantlaxmi.gates.resampling.draws import check_identity
from quantlaxmi.gates.resampling.lag_words import judge_lag
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    decimal_text,
    studentised,
)

__all__ = ["SNAPSHOTS", "lagged_bundles", "lagged_trip"]

#: Snapshots by which bundles are shifted, either way.
SNAPSHOTS: Final = (1, 2, 3)


def lagged_trip(bundles: BundlePath, trip: Trip, lags: tuple[int, ...]) -> list[int | None]:
    """PnL of a trip shifted by each of some numbers of snapshots; None where it is not quoted.

    What passes an end of the day is cut off there. The contracts are those that have the trip's
    roles where it then begins.

    Raises
    ------
    BoundError
        A PnL could leave 62 bits.
    """
    grid, contracts = bundles.grid, trip_template(bundles.grid, trip)
    rows, by = grid.day_rows(contracts.day), np.array(lags, np.int64)
    last = len(rows) - 1
    struck = (contracts.begin + by).clip(0, last)
    gains, quoted = np.zeros(len(by), np.int64), np.ones(len(by), np.bool_)
    for start, stop, held in trip_periods(trip, rows.start):
        span = (start + by).clip(0, last), (stop + by).clip(0, last)
        made, known = held_gains(grid, contracts, held, struck, span)
        lasts = span[0] < span[1]
        gains += np.where(lasts, made, 0)
        quoted &= known | ~lasts
    return [
        gain if known else None for gain, known in zip(gains.tolist(), quoted.tolist(), strict=True)
    ]


def lagged_bundles(context: GateContext, spec: ResultSpec) -> GateResult:
    """Value the bundles 1, 2 and 3 snapshots earlier and later (diagnosis).

    A bundle that is not quoted where it would stand is left out, there and in what is compared.

    Raises
    ------
    Inconclusive
        Money does not fit.
    PathError
        The run has no bundles that could stand elsewhere.
    EngineError
        The bundles, not shifted, do not earn the replay's gross.
    """
    bundles = context.observed.bundles
    trips, scale = bundles.path.trips, bundles.terms.unit
    details: dict[str, Json] = {"trips": len(trips), "rows": len(bundles.grid.seq)}
    if not trips:
        raise Inconclusive("Positions held from one snapshot to the next: none.", details)
    lags = (*(-k for k in reversed(SNAPSHOTS)), 0, *SNAPSHOTS)
    try:
        found = [lagged_trip(bundles, trip, lags) for trip in trips]
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    columns = {lag: [gains[k] for gains in found] for k, lag in enumerate(lags)}
    own = [gain or 0 for gain in columns[0]]
    check_identity(context, spec.name, sum(own) * scale)
    exponent = context.ledger_exponent - 1
    points: list[Json] = []
    for lag, column in columns.items():
        gains = [gain for gain in column if gain is not None]
        s, q = sum(gains), sum(g * g for g in gains)
        gross = decimal_text(s * scale, exponent)
        statistic = studentised(s, q)
        points.append(
            {"snapshots": lag, "gross": gross, "statistic": statistic, "trips": len(gains)}
        )
    both = [(a, b) for a, b in zip(own, columns[1], strict=True) if b is not None]
    details |= {"by_snapshots": points, "trips_compared": len(both)}
    compared = [a for a, _ in both], [b for _, b in both]
    verdict, reason = judge_lag(context, scale, compared, "snapshot")
    return spec.result(
        verdict, f"{reason} Bundles compared: {len(both)} of {len(trips)}.", None, details
    )
