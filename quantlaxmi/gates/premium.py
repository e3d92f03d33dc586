"""Premium: does the run earn what anyone earns who holds the position, funding or spread?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.gates.carried_by import carried_by
from quantlaxmi.gates.context import MIN_EVENTS, GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.clock_buckets import Increments, merged
from quantlaxmi.gates.path.session_days import DAYS_OF_EQUITY
from quantlaxmi.gates.reasons import more_data, not_enough
from quantlaxmi.gates.results import (
    GateResult,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.stats.hall_t import hall_t
from quantlaxmi.stats.integrated_autocorrelation import decorrelation_steps
from quantlaxmi.stats.student_t import mean_t, t_quantile

__all__ = ["GATE", "evaluate"]

NAME = "premium"
RESULT = ResultSpec(NAME, "premium")
#: The numbers of longer buckets that the equity and the non-timing part are looked at in: a fifth
#: of the buckets each, and ten.
FIFTH, LONG = 5, 10


@dataclass(frozen=True, slots=True)
class _Asked:
    """One statistic, the quantile it has to reach, and its name."""

    name: str
    found: Decimal | None
    quantile: Decimal

    @property
    def passed(self) -> bool:
        return self.found is not None and self.found >= self.quantile

    def to_json(self) -> dict[str, Json]:
        return {
            "statistic": None if self.found is None else rounded(float(self.found)),
            "quantile": str(self.quantile),
            "passed": self.passed,
        }

    @property
    def more(self) -> str:
        """How much more data would do."""
        return more_data(float(self.found or 0), float(self.quantile))

    @property
    def text(self) -> str:
        shown = "no spread" if self.found is None else f"{float(self.found):.6g}"
        return f"{self.name}: {shown}, at least {float(self.quantile):.6g} needed"


def _hall(values: Sequence[int]) -> Decimal | None:
    found = hall_t(values)
    return None if found is None else found.statistic


def _asked(increments: Increments, alpha: Decimal) -> list[_Asked]:
    """Every statistic of the gate, in order."""
    net, costs = increments.net, increments.costs
    n, n_middle = len(net), len(net) // FIFTH
    middle, long = merged(net, n_middle), merged(net, LONG)

    def one(name: str, found: Decimal | None, n: int) -> _Asked:
        return _Asked(name, found, t_quantile(alpha, n - 1))

    return [
        one(f"Hall's t of net PnL in {counted(n, 'bucket[s]')}", _hall(net), n),
        one(f"Hall's t of net PnL in {counted(n_middle, 'bucket[s]')}", _hall(middle), n_middle),
        one(f"t of net PnL in {LONG} buckets", mean_t(long), LONG),
        one(f"t of the part without timing in {counted(n, 'bucket[s]')}", mean_t(costs), n),
        one(f"t of the part without timing in {LONG} buckets", mean_t(merged(costs, LONG)), LONG),
    ]


def evaluate(context: GateContext) -> list[GateResult]:
    """Net PnL that needs no timing: spread and funding (decides where timing does not).

    The part without timing is net minus gross: slippage (what a maker gains is positive), fees,
    funding and all else that the ledger books. The gate passes where equity passes Hall's t in 200
    and in 40 clock buckets and the plain t in 10; the part without timing passes the plain t in 200
    and in 10; it is at least half of net; at least 40 of 200 buckets had a position; and at least
    30 events earned it (fills as maker, settlements of a position).

    Over option sessions buckets are session days, at least 60 of them, in fifths of as many and in
    10; a fifth of the days had a position. Where the part without timing is too small the gate
    fails on any number of days.

    Null hypothesis of each statistic: the increments have mean 0 given the past. Longer buckets
    are there for funding that remembers itself.

    Cannot see: whether the premium goes on. It is earned by anyone who holds this, on this segment;
    a segment shorter than ten decorrelation times of the funding says little. A PASS shows that
    time.

    Source: the statistics are those of `quantlaxmi.gates.equity` and Student (1908).

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where the market has fewer than 200 distinct times, or 60 session days of option chains.
    """
    exponent, days = context.ledger_exponent - 1, context.sessions
    carried = carried_by(context.amounts, exponent)
    increments = context.increments() if days is None else context.observed.day_increments
    few = days is not None and days.n_days < DAYS_OF_EQUITY
    asked = [] if few else _asked(increments, context.policy.alpha)
    without_timing, net = sum(increments.costs), sum(increments.net)
    held, events = sum(increments.held), context.observed.premium_events
    details: dict[str, Json] = {
        "net": decimal_text(net, exponent),
        "without_timing": decimal_text(without_timing, exponent),
        "buckets_with_position": held,
        "premium_events": events,
        "statistics": {one.name: one.to_json() for one in asked},
    }
    if without_timing <= 0 or 2 * without_timing < net:
        share = f"{_amount(without_timing, exponent)} of net {_amount(net, exponent)}"
        reason = (
            f"Part of net PnL without timing: {share}, above 0 and at least half needed. {carried} "
            "This run earns by timing or not at all."
        )
        return [RESULT.result(Verdict.FAIL, reason, None, details)]
    if few:
        reason = not_enough("Session days", len(increments.net), DAYS_OF_EQUITY)
        return [RESULT.result(Verdict.INCONCLUSIVE, reason, None, details)]
    if failed := [one for one in asked if not one.passed]:
        reason = f"{failed[0].text}. {carried} Not measurable here: test on {failed[0].more}."
        return [RESULT.result(Verdict.FAIL, reason, None, details)]
    if events < MIN_EVENTS:
        reason = not_enough("Fills as maker and settlements of a position", events, MIN_EVENTS)
        return [RESULT.result(Verdict.INCONCLUSIVE, reason, None, details)]
    if FIFTH * held < len(increments.net):
        least = -(-len(increments.net) // FIFTH)
        reason = (
            f"Buckets with a position: {held} of {len(increments.net)}, at least {least} needed. "
            "Hold in more of the time."
        )
        return [RESULT.result(Verdict.INCONCLUSIVE, reason, None, details)]
    return [_earned(context, increments, details)]


def _earned(context: GateContext, increments: Increments, details: dict[str, Json]) -> GateResult:
    """The result where every condition holds."""
    seconds = _decorrelation_seconds(increments)
    details["decorrelation_seconds"] = seconds
    what = (
        "Premium: earned by anyone who holds this, on this segment. "
        f"{carried_by(context.amounts, context.ledger_exponent - 1)}"
    )
    if not context.policy.accept_premium:
        reason = f"{what} The policy does not accept a premium (accept_premium = false)."
        return RESULT.result(Verdict.FAIL, reason, None, details)
    tenth = len(increments.net) // LONG * _bucket_seconds(increments)
    reason = (
        f"{what} Decorrelation time of the part without timing: {_time_text(seconds)}, a tenth of "
        f"the segment is {_time_text(tenth)}."
    )
    return RESULT.result(Verdict.PASS, reason, None, details)


def _decorrelation_seconds(increments: Increments) -> float:
    """Integrated autocorrelation time of the part without timing."""
    values = increments.costs
    # The sums of the procedure are 64 bits wide: twenty bits of each value say enough.
    unit = max(map(abs, values)) // 2**20 + 1
    scaled = [v // unit for v in values]
    steps = decorrelation_steps(np.arange(len(values) + 1, dtype=np.int64), [scaled], [1])
    return rounded(float(steps or 1) * _bucket_seconds(increments))


def _bucket_seconds(increments: Increments) -> float:
    ends = increments.ends
    return (int(ends[-1]) - int(ends[0])) / max(len(ends) - 1, 1) / 1e9


def _time_text(seconds: float) -> str:
    """A time in the unit that has a small number of it."""
    for name, unit in (("days", 86_400), ("h", 3_600)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.4g} {name}"
    return f"{seconds:.4g} s"


def _amount(value: int, exponent: int) -> str:
    return f"{rounded(float(Decimal(value) * Decimal(10) ** exponent)):.9g}"


GATE = Gate(NAME, "g2", (RESULT,), NoSettings, evaluate)
