"""Regimes: does the result stand without the kind of market that it did best in?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Annotated

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.market_steps import MarketSteps
from quantlaxmi.gates.path.regimes import BEAR, BULL, step_trends, step_volatilities
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    RegimeSliceResult,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.cochran_q import cochran_q
from quantlaxmi.stats.holm import holm
from quantlaxmi.stats.newey_west import newey_west
from quantlaxmi.stats.student_t import t_quantile, t_tail

__all__ = ["GATE", "REGIMES", "evaluate", "regime_labels"]

NAME = "regimes"
RESULT = ResultSpec(NAME, "guard")
#: Every regime, in the order in which they are shown.
REGIMES = tuple(
    f"{trend}_{volatility}_volatility"
    for trend in ("bull", "bear", "chop")
    for volatility in ("low", "high")
)


class RegimesSettings(Settings, frozen=True, kw_only=True):
    """What ``[regimes]`` holds.

    Attributes
    ----------
    steps : int
        Most steps of the clock that the segment is cut into.
    window : int
        Steps before it that a step's regime is taken from.
    least_steps : int
        A regime of fewer is shown without an interval.
    """

    steps: Annotated[int, Bounds(ge=20, le=10_000)] = 600
    window: Annotated[int, Bounds(ge=2, le=1000)] = 30
    least_steps: Annotated[int, Bounds(ge=2, le=10_000)] = 30


@dataclass(frozen=True, slots=True)
class _Slice:
    """What the run did in one regime; money at attribution scale."""

    name: str
    steps: int
    trips: int
    net: int
    mean: Fraction
    variance: Fraction | None

    @property
    def p_value(self) -> float | None:
        """Two-sided p of a mean of 0, Student's t with one degree fewer than steps."""
        if not self.variance:
            return None
        t = float(self.mean) / math.sqrt(self.variance)
        return min(1.0, 2 * t_tail(Decimal(abs(t)), self.steps - 1))


def regime_labels(steps: MarketSteps, window: int) -> tuple[list[int], list[int]]:
    """The regime of each step, as an index into `REGIMES`, and the boundaries of volatility.

    Both come from prices known as the step began: later rows change no label.
    """
    trends = step_trends(steps.price_at, window)
    high, boundaries = step_volatilities(steps.price_at, window)
    base = np.where(trends == BULL, 0, np.where(trends == BEAR, 2, 4))
    return (base + high).tolist(), boundaries


def evaluate(context: GateContext) -> list[GateResult]:
    """Net PnL without the best regime is above zero (guard); every regime is shown.

    The segment is cut into steps of the clock. The trend of a step is bull, bear or chop, by the
    efficiency ratio of the steps before it; its volatility is high where the sum of squared moves
    of those steps is above the median of all such sums so far. The price is that of the instrument
    that the run traded for most money. A regime's interval is the mean increment of equity with
    Newey-West standard errors; their p-values are adjusted by Holm, and Cochran's Q asks whether
    the means differ.

    Not a test: significance in each regime would reward having little data.

    Cannot see: regimes that are not in the segment, nor those of other prices or other lengths.

    Source: Kaufman (1995), Smarter trading; Newey, West (1987), Econometrica 55; Cochran (1954),
    Biometrics 10.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where the run never traded, or the market had one regime.
    """
    settings, exponent = context.settings(RegimesSettings), context.ledger_exponent - 1
    steps = context.observed.market_steps(settings.steps)
    if steps is None:
        raise Inconclusive("Fills: none. Run on more data.")
    labels, boundaries = regime_labels(steps, settings.window)
    found = [
        one
        for index in range(len(REGIMES))
        if (one := _slice(index, labels, steps, settings.least_steps)) is not None
    ]
    details = _details(steps, labels, boundaries, settings)
    details |= _compared(found)
    shown = [_shown(one, len(labels), found, exponent) for one in found]
    if len(found) < 2:
        reason = f"Regimes in the segment: {len(found)}, at least 2 needed. Run on more data."
        return [RESULT.result(Verdict.INCONCLUSIVE, reason, None, details), *shown]
    best = max(found, key=lambda one: one.net)
    net = sum(steps.net)
    left = net - best.net
    details |= {
        "net": decimal_text(net, exponent),
        "best": best.name,
        "net_without_best": decimal_text(left, exponent),
    }
    reason = (
        f"Net PnL without the best regime ({_words(best.name)}): {_amount(left, exponent)} of "
        f"{_amount(net, exponent)}, limit above 0."
    )
    if left > 0:
        return [RESULT.result(Verdict.PASS, reason, None, details), *shown]
    reason += f" Trade in {_words(best.name)} alone, or test on data with more of the others."
    return [RESULT.result(Verdict.FAIL, reason, None, details), *shown]


def _slice(index: int, labels: Sequence[int], steps: MarketSteps, least: int) -> _Slice | None:
    """The steps of one regime; None where there are none."""
    inside = [label == index for label in labels]
    n = sum(inside)
    if not n:
        return None
    net = sum(amount for amount, is_in in zip(steps.net, inside, strict=True) if is_in)
    trips = sum(count for count, is_in in zip(steps.trips, inside, strict=True) if is_in)
    variance = _variance(steps.net, inside, net, n) if n >= least else None
    return _Slice(REGIMES[index], n, trips, net, Fraction(net, n), variance)


def _variance(net: Sequence[int], inside: Sequence[bool], total: int, n: int) -> Fraction:
    """Newey-West variance of the mean of the steps inside, the others in between counting as 0."""
    # n times the deviations: integers, whose sum is 0.
    deviations = [n * e - total if is_in else 0 for e, is_in in zip(net, inside, strict=True)]
    lags = min(int(4 * (len(net) / 100) ** (2 / 9)), len(net) - 1)
    return newey_west(deviations, lags) * len(net) / Fraction(n) ** 4


def _details(
    steps: MarketSteps, labels: Sequence[int], boundaries: Sequence[int], settings: RegimesSettings
) -> dict[str, Json]:
    """Where each regime began, and what divided them."""
    spans: list[Json] = []
    at = 0
    for label, group in groupby(labels):
        n = len(list(group))
        spans.append([REGIMES[label], int(steps.ends[at]), n])
        at += n
    last = next((b for b in reversed(boundaries) if b), 0)
    return {
        "symbol": steps.symbol,
        "step_ns": steps.step_ns,
        "steps": len(labels),
        "window": settings.window,
        "trend_efficiency": 0.3,
        "volatility_boundary": rounded(math.sqrt(last / 2 / settings.window) * 1e-9),
        "spans": spans,
    }


def _compared(found: Sequence[_Slice]) -> dict[str, Json]:
    """Cochran's Q over the regimes with an interval."""
    judged = [one for one in found if one.variance]
    if len(judged) < 2:
        return {"cochran_q": None}
    q = cochran_q([float(one.mean) for one in judged], [float(one.variance or 0) for one in judged])
    return {"cochran_q": {"q": rounded(q.statistic), "df": q.degrees, "p": rounded(q.p_value)}}


def _shown(one: _Slice, steps: int, found: Sequence[_Slice], exponent: int) -> GateResult:
    """The result of one regime."""
    details: dict[str, Json] = {
        "steps": one.steps,
        "share_of_time": rounded(one.steps / steps),
        "round_trips": one.trips,
        "net": decimal_text(one.net, exponent),
        "mean": rounded(float(one.mean * Fraction(10) ** exponent)),
        "interval_95": None,
        "p_holm": None,
    }
    words = (
        f"{_words(one.name)}: net {_amount(one.net, exponent)} in {one.steps} of "
        f"{counted(steps, 'step[s]')}"
    )
    if not one.variance:
        reason = f"{words}; insufficient for an interval."
    else:
        reach = float(t_quantile(Decimal("0.025"), one.steps - 1)) * math.sqrt(one.variance)
        scale = 10.0**exponent
        low, high = (rounded((float(one.mean) + s * reach) * scale) for s in (-1, 1))
        details["interval_95"] = [low, high]
        details["p_holm"] = rounded(_holm_p(one, found))
        reason = f"{words}; mean a step {low:.4g} to {high:.4g} (95 %)."
    spec = ResultSpec(f"{NAME}.{one.name}", "diagnosis", RegimeSliceResult, {"regime": one.name})
    return spec.result(Verdict.SHOWN, reason, None, details)


def _holm_p(one: _Slice, found: Sequence[_Slice]) -> float:
    """The p of a regime, adjusted for those of the others."""
    p_values = {each.name: each.p_value for each in found}
    known = {name: p for name, p in p_values.items() if p is not None}
    return dict(zip(known, holm(list(known.values())), strict=True))[one.name]


def _words(name: str) -> str:
    """A regime's name in words."""
    trend, level, _ = name.split("_")
    return f"{trend}, {level} volatility"


def _amount(value: int, exponent: int) -> str:
    return f"{rounded(float(Fraction(value) * Fraction(10) ** exponent)):.6g}"


GATE = Gate(NAME, "g3", (RESULT,), RegimesSettings, evaluate, added=RegimeSliceResult)
