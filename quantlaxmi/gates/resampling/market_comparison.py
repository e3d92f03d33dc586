"""What sign-flipped markets are like, compared with the data: figures that decide nothing."""

from __future__ import annotations

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.market_draws import MarketDraws
from quantlaxmi.gates.resampling.market_replays import Moved, Replays
from quantlaxmi.gates.results import Json, rounded
from quantlaxmi.run.rerun import Rerun

__all__ = ["basis_sd", "compared_with_data"]


def basis_sd(context: GateContext, rerun: Rerun, replays: Replays, moved: Moved) -> float | None:
    """Standard deviation of a pair's basis over its decision points, in bps; None for no pair."""
    pair = context.decision_points.instruments
    if len(pair) != 2:
        return None
    first, second = (
        (
            context.decision_points.mid2[i]
            + 2 * replays.shifts(moved, i, context.decision_points.seq)
        ).astype(np.float64)
        for i in pair
    )
    exponents = [rerun.run.instruments[i].unit_price_exponent for i in pair]
    ratio = second / first * 10.0 ** (exponents[1] - exponents[0])
    return float(np.std((ratio - 1.0) * 1e4))


def compared_with_data(context: GateContext, rerun: Rerun, draws: MarketDraws) -> dict[str, Json]:
    """The null next to the data: time in position, trips, and of a pair its basis."""
    ts = context.decision_points.ts_ns
    span = max(int(ts[-1]) - int(ts[0]), 1)
    details: dict[str, Json] = {
        "shown_draws": len(draws.first),
        "time_in_position": rounded(draws.own.held_ns / span),
    }
    used = [s for s in draws.first if s.sums is not None and s.sums.followed]
    sums = [s.sums for s in used if s.sums is not None]
    if sums:
        held = sum(s.held_ns for s in sums) / len(sums)
        details["null_time_in_position"] = rounded(held / span)
        details["null_trips"] = rounded(sum(s.trips for s in sums) / len(sums))
    basis = basis_sd(context, rerun, draws.replays, draws.replays.room())
    if basis is not None:
        moved = [s.basis_sd for s in used if s.basis_sd is not None]
        details["basis_sd_bps"] = rounded(basis)
        if moved:
            details["null_basis_sd_bps"] = rounded(sum(moved) / len(moved))
    return details
