"""Circular time shift: does it matter that the positions stand just where they stand?"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import BoundError, BundleColumns
from quantlaxmi.gates.path.holding_periods import (
    HoldingPeriods,
    build_holding_columns,
    holding_periods_of,
)
from quantlaxmi.gates.reasons import NOT_A_TEST, not_enough, too_large
from quantlaxmi.gates.resampling.bundle_turns import turned_days
from quantlaxmi.gates.resampling.draws import check_identity, count_text, sum_details
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    MonteCarlo,
    ResultSpec,
    TimeShiftResult,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.histogram import bin_of, bins_of, histogram
from quantlaxmi.stats.monte_carlo import exceedances, wide_ints

__all__ = ["GATE", "evaluate"]

NAME = "time_shift"
RESULT = ResultSpec(NAME, "diagnosis", TimeShiftResult, {"kind": "circular"})


class TimeShiftSettings(Settings, frozen=True, kw_only=True):
    """What ``[time_shift]`` holds.

    Attributes
    ----------
    n_shifts : int
        Offsets of the circular shift.
    min_decorrelations : int
        A segment of fewer decorrelation times of the position is INCONCLUSIVE.
    """

    n_shifts: Annotated[int, Bounds(ge=19, le=10**6)] = 199
    min_decorrelations: Annotated[int, Bounds(ge=1, le=10**6)] = 40


def _sweep(
    context: GateContext,
    periods: HoldingPeriods,
    columns: BundleColumns,
    details: dict[str, Json],
) -> GateResult:
    from quantlaxmi._jit import time_shift as kernels
    from quantlaxmi._jit.compiler import running

    shifts, steps = context.settings(TimeShiftSettings).n_shifts, periods.n_steps
    offsets = np.array([k * steps // (shifts + 1) for k in range(1, shifts + 1)], np.int64)
    path = kernels.Path(
        *columns.arrays,
        periods.trip_first,
        periods.start,
        periods.stop,
        periods.position,
    )
    own = np.zeros(4, np.uint64)
    out = np.empty((shifts, 4), np.uint64)
    with running(context.threads) as divided:
        kernels.identity(path, own)
        s, q = wide_ints(own[0::2], own[1::2])
        check_identity(context, NAME, s * columns.scale)
        divided(lambda at, part: kernels.circular(offsets[at : at + len(part)], path, part), out)
    context.report_progress(NAME, shifts, shifts)
    count = MonteCarlo(
        sum(exceedances(out, s, q)),
        shifts,
        systematic=True,
        histogram=histogram(bins_of(out), bin_of(s, q)),
    )
    details |= {
        **sum_details(s, q),
        "gross": decimal_text(context.path.gross, context.decision_points.ledger_exponent - 1),
    }
    reason = (
        f"At least as good as the strategy: {count_text(count, 'shifts')}, "
        f"p = {float(count.p_value):.6g}. {NOT_A_TEST}"
    )
    return RESULT.result(Verdict.SHOWN, reason, count, details)


def _too_little(
    context: GateContext, periods: HoldingPeriods, decorrelation: Fraction | None, distinct: int
) -> str:
    """Why there is not enough to judge, or nothing."""
    settings, steps = context.settings(TimeShiftSettings), periods.n_steps
    least = max(context.policy.min_arrangements, settings.n_shifts + 1)
    if distinct < least:
        return not_enough("Distinct shifts", distinct, least)
    if decorrelation is None:
        return not_enough("Changes of the position", 0, 1)
    if steps < settings.min_decorrelations * decorrelation:
        times = f"{float(steps / decorrelation):.4g} in {counted(steps, 'step[s]')}"
        return not_enough("Decorrelation times of the position", times, settings.min_decorrelations)
    return ""


def evaluate(context: GateContext) -> list[GateResult]:
    """Circular time shift (diagnosis).

    The whole position path is turned around the segment by ``k * steps // (n_shifts + 1)`` steps,
    k = 1..n_shifts: equally spaced on the full circle, none left out, the strategy's own place
    counted with them (b + 1 of n_shifts + 1). A step leads from one row of the grid to the next,
    so the circle has one step fewer than there are rows and joins no prices. Shifts are counted
    in rows, not in time: only so is a shift a rearrangement of what was held over which step,
    and the market's moves are nearer to alike from row to row than from second to second.

    A trip that passes the end goes on at the beginning. Its two parts are valued where they
    stand and added: one trip, one square. So every shift is judged by one and the same function
    of path and market, the strategy's own place included, and over moves that are alike
    around the circle the rank of the strategy is exactly uniform.

    Over option sessions each session day is turned by a random offset of its own, and what stands
    elsewhere is struck anew there (`resampling.bundle_turns`).

    Null hypothesis: where on the segment the path stands says nothing about the moves of the
    market under it; what the path remembers of itself is kept. Statistic: studentised gross,
    the squares those of the trips; ties count against the strategy.

    Cannot see: rules that react to prices, which pass it without an edge, so that it decides
    nothing; an edge that lasts as long as the segment (the right side nearly always), costs and
    funding, and which of the parameters were searched. A path that remembers itself over more
    than 1/`min_decorrelations` of the segment has too few shifts that differ.

    Source: shift tests, Harris (2020), A shift test for independence in generic time series,
    arXiv:2012.06862; groups of transformations, Lehmann and Romano, Testing statistical
    hypotheses, ch. 15.2; decorrelation, Madras and Sokal (1988); p-value Phipson and Smyth (2010).

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        For too little data.
    EngineError
        When the identity draw is not the replay.
    """
    if context.sessions is not None:
        n_shifts = context.settings(TimeShiftSettings).n_shifts
        return [turned_days(context, RESULT, n_shifts)]
    details: dict[str, Json] = {
        "trips": len(context.path.trips),
        "rows": len(context.decision_points.seq),
    }
    context.require_trips(details)
    periods = holding_periods_of(context.path.trips, len(context.decision_points.seq))
    if periods.n_steps < 1 or not periods.positions:
        raise Inconclusive(
            "Positions held from one decision point to the next: none. Run on more data.", details
        )
    decorrelation, distinct = periods.decorrelation(context), periods.distinct_shifts()
    details |= {
        "steps": periods.n_steps,
        "holding_periods": len(periods.position),
        "distinct_shifts": distinct,
        "decorrelation_steps": None if decorrelation is None else rounded(float(decorrelation)),
    }
    reason = _too_little(context, periods, decorrelation, distinct)
    if reason:
        raise Inconclusive(reason, details)
    try:
        columns = build_holding_columns(context, periods)
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    return [_sweep(context, periods, columns, details)]


GATE = Gate(NAME, "g2", (RESULT,), TimeShiftSettings, evaluate, dear=True, kernels="time_shift")
