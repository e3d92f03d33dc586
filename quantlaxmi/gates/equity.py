"""Equity: did the run earn more than chance gives, with losses allowed for that it did not meet?"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from quantlaxmi.gates.carried_by import carried_by, what_to_change
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.session_days import DAYS_OF_EQUITY
from quantlaxmi.gates.reasons import more_data, not_enough, unseen_text
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.stats.hall_t import hall_t
from quantlaxmi.stats.student_t import t_quantile, t_tail

__all__ = ["GATE", "evaluate"]

NAME = "equity"
RESULT = ResultSpec(NAME, "test")


def evaluate(context: GateContext) -> list[GateResult]:
    """Mean net increment above zero, rare losses allowed for (test).

    The run's time is cut into 200 clock buckets, and its equity (net of slippage, fees, funding and
    all that the ledger books, positions at the mid) into as many increments. Statistic: Hall's t of
    the increments with the worst of them counted once more, corrected for negative skew alone
    (`quantlaxmi.stats.hall_t`).

    On sessions of option chains an increment is that of a session day, because most clock buckets
    would be nights; at least 60 days are needed, since fewer hide the rare losses that premiums are
    paid for.

    Null hypothesis: every increment has mean 0 given the past. The test passes when the statistic
    is at least the 1 - alpha quantile of Student's t with one degree fewer than there are buckets.
    Sums are exact integers, roots have 50 decimal digits; the p is shown.

    Cannot see: losses that are not in the sample. Fewer than about three expected crashes in a
    segment let rules pass that win often and lose rarely; a PASS names the loss that would erase
    it. Nor a choice among settings, nor autocorrelation longer than a bucket.

    Source: Hall (1992), On the removal of skewness by transformation, J. R. Statist. Soc. B 54(1).

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where the market has fewer than 200 distinct times (60 session days of option chains), or
        all increments are equal.
    """
    exponent = context.ledger_exponent - 1
    net, unit = _increments(context)
    details: dict[str, Json] = {
        "buckets": len(net),
        "sum": decimal_text(sum(net), exponent),
        "worst": decimal_text(min(net), exponent),
    }
    if context.sessions is not None:
        details["unit"] = unit
    found = hall_t(net)
    if found is None:
        raise Inconclusive(
            f"{unit.capitalize()} with different increments of equity: none. Run on more data.",
            details,
        )
    degrees = len(net) - 1
    quantile = t_quantile(context.policy.alpha, degrees)
    p = t_tail(found.statistic, degrees)
    details |= {
        "mean": _money(found.mean, exponent),
        "sd": _money(found.sd, exponent),
        "skew": _figure(found.skew),
        "t": _figure(found.t),
        "statistic": _figure(found.statistic),
        "quantile": str(quantile),
        "degrees": degrees,
        "p_value": rounded(p),
    }
    passed = found.statistic >= quantile
    asked = f"Hall's t of net PnL in {len(net)} {unit}: {float(found.statistic):.6g}"
    reason = f"{asked}, at least {float(quantile):.6g} needed (p = {p:.3g})."
    reason += f" {carried_by(context.amounts, exponent)}"
    if not passed:
        more = more_data(float(found.statistic), float(quantile), "new data")
        reason += f" {what_to_change(context.amounts)}, or test on {more}."
        return [RESULT.result(Verdict.FAIL, reason, None, details)]
    details["unseen_loss"] = _unseen_loss(sum(net), exponent)
    details["unseen_buckets"] = len(net) // 3
    reason += f" Unseen: {unseen_text(details)}."
    return [RESULT.result(Verdict.PASS, reason, None, details)]


def _increments(context: GateContext) -> tuple[tuple[int, ...], str]:
    """Increments of equity, and what they are of.

    Raises
    ------
    Inconclusive
        There are too few.
    """
    if context.sessions is None:
        return context.increments().net, "clock buckets"
    days = context.sessions.n_days
    if days < DAYS_OF_EQUITY:
        found: dict[str, Json] = {"session_days": days}
        raise Inconclusive(not_enough("Session days", days, DAYS_OF_EQUITY), found)
    return context.observed.net_by_day, "session days"


def _unseen_loss(net: int, exponent: int) -> str:
    """A third of net: at chance 3/n a bucket it takes all of it, and is absent 5 % of the time."""
    return f"{rounded(float(Fraction(net, 3) * Fraction(10) ** exponent)):.6g}"


def _money(value: Decimal, exponent: int) -> str:
    """A derived amount, nine significant digits."""
    return f"{rounded(float(value * Decimal(10) ** exponent)):.9g}"


def _figure(value: Decimal) -> float:
    return rounded(float(value))


GATE = Gate(NAME, "g2", (RESULT,), NoSettings, evaluate)
