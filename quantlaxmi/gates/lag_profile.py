"""The lag profile: what the same positions would have earned a little earlier or later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.delay import delays_of
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import BoundError, BundleColumns
from quantlaxmi.gates.path.holding_periods import (
    HoldingPeriods,
    build_holding_columns,
    holding_periods_of,
)
from quantlaxmi.gates.reasons import too_large
from quantlaxmi.gates.resampling.bundle_lags import lagged_bundles
from quantlaxmi.gates.resampling.draws import check_identity
from quantlaxmi.gates.resampling.lag_words import judge_lag
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    TimeShiftResult,
    decimal_text,
    studentised,
)
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.schema import I64

__all__ = ["GATE", "evaluate"]

NAME = "lag_profile"
RESULT = ResultSpec(NAME, "diagnosis", TimeShiftResult, {"kind": "lead"})
#: Moves of the market by which the path is shifted, either way.
MOVES = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class _Profile:
    """Values the trips with their ends on other rows."""

    periods: HoldingPeriods
    columns: BundleColumns

    def gains(self, start: I64, stop: I64) -> list[int]:
        """PnL of each trip, in units of the columns."""
        position, first = self.periods.position, self.periods.trip_first
        moves = self.columns.at(position, stop) - self.columns.at(position, start)
        sums = np.append(0, np.cumsum(moves))  # they may wrap; differences of them do not
        found: list[int] = (sums[first[1:]] - sums[first[:-1]]).tolist()
        return found

    def by_moves(self, moved: I64, moves: int) -> list[int]:
        """Shifted later by moves of the market, or earlier by negative ones.

        Nothing changes between two moves, so an end stands on the row of the last move before it;
        what passes an end of the segment is cut off.
        """
        rows = np.concatenate([np.zeros(1, np.int64), moved])
        start, stop = (
            rows[np.clip(np.searchsorted(moved, end, "right") + moves, 0, len(moved))]
            for end in (self.periods.start, self.periods.stop)
        )
        return self.gains(start, stop)

    def by_time(self, ts_ns: I64, ns: int) -> list[int]:
        """Shifted by a duration: to the last row that stands no later than the shifted time."""
        start, stop = (
            np.maximum(np.searchsorted(ts_ns, ts_ns[end] + ns, "right") - 1, 0)
            for end in (self.periods.start, self.periods.stop)
        )
        return self.gains(start, stop)


def _point(context: GateContext, scale: int, gains: list[int], **place: Json) -> dict[str, Json]:
    s, q = sum(gains), sum(g * g for g in gains)
    return {
        **place,
        "gross": decimal_text(s * scale, context.decision_points.ledger_exponent - 1),
        "statistic": studentised(s, q),
    }


def evaluate(context: GateContext) -> list[GateResult]:
    """Lag profile (diagnosis).

    The trips' positions are shifted by 1 to 100 moves and by the policy's delays, earlier
    (negative) and later, and valued at the mids there. A move is a row at which the mid of an
    instrument that was held changes: rows of other instruments, or without a change, would only
    thin the profile out. Shown is gross at each. Over option sessions bundles are struck anew 1, 2
    and 3 snapshots earlier and later (`resampling.bundle_lags`).

    WARN where gross is above 0, falls to less than half when the path is shifted one move later,
    and the trips' loss is at least 3 standard errors (S/sqrt(Q) of the differences). A strategy
    that sees one row ahead looks like this, since all it knows lies in that row. So does an
    honest one whose signal is spent within a move, which latency takes away: the delay guard asks
    about that, and the prefix guard whether anything was seen ahead.

    Cannot see: a look at data further ahead than the positions are held, and costs. Gross that
    rises when the path is shifted *earlier* says nothing: any trend follower's does.

    Source: the rule is this project's own; the statistic is that of the position nulls.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where there is nothing to shift; the result is SHOWN, as a diagnosis decides nothing.
    EngineError
        When the path that is not shifted does not earn the replay's gross.
    """
    if context.sessions is not None:
        return [lagged_bundles(context, RESULT)]
    details: dict[str, Json] = {
        "trips": len(context.path.trips),
        "rows": len(context.decision_points.seq),
    }
    periods = holding_periods_of(context.path.trips, max(len(context.decision_points.seq), 1))
    if not periods.positions:
        raise Inconclusive("Positions held from one decision point to the next: none.", details)
    try:
        profile = _Profile(periods, build_holding_columns(context, periods))
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    held = sorted({i for bundle in periods.positions for i, _ in bundle})
    mid2 = np.stack([context.decision_points.mid2[i] for i in held])
    moved = np.flatnonzero((np.diff(mid2) != 0).any(axis=0)) + 1
    delays, scale, ts_ns = delays_of(context), profile.columns.scale, context.decision_points.ts_ns
    own, later = profile.by_moves(moved, 0), profile.by_moves(moved, 1)
    moves: list[Json] = [
        _point(context, scale, profile.by_moves(moved, k), moves=k)
        for k in (*(-m for m in reversed(MOVES)), 0, *MOVES)
    ]
    amounts = (*(-d for d in reversed(delays.amounts)), *delays.amounts)
    times: list[Json] = [
        _point(context, scale, profile.by_time(ts_ns, k * delays.unit_ns), **{delays.unit: k})
        for k in amounts
    ]
    check_identity(context, NAME, sum(own) * scale)
    details |= {"moves": len(moved), "by_moves": moves, "by_time": times}
    verdict, reason = judge_lag(context, scale, (own, later), "market move")
    return [RESULT.result(verdict, reason, None, details)]


GATE = Gate(NAME, "g2", (RESULT,), NoSettings, evaluate, dear=True)
