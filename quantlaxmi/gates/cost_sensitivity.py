"""Cost sensitivity: how much dearer may trading become before nothing is left?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import numpy as np

from quantlaxmi.errors import ConfigError, FixedPointOverflow, StrategyError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.bucket_costs import BucketCosts
from quantlaxmi.gates.results import (
    CostSensitivityResult,
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.run.exact_run import net_in_all
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.block_length import block_length
from quantlaxmi.stats.stationary_bootstrap import bootstrap_sums

if TYPE_CHECKING:
    from quantlaxmi.run.rerun import Rerun
    from quantlaxmi.run.result import Run

__all__ = ["GATE", "evaluate"]

NAME = "cost_sensitivity"
RESULT = ResultSpec(NAME, "guard", CostSensitivityResult)
#: Halvings of the bracket in which a break-even is searched by re-runs.
_HALVINGS = 20


class CostSensitivitySettings(Settings, frozen=True, kw_only=True):
    """What ``[cost_sensitivity]`` holds.

    Attributes
    ----------
    fee_multiplier, extra_bps : Decimal
        The stress at which net PnL has to be above zero: fees times the one, and the other taken
        off the notional of every fill.
    least_multiplier, most_multiplier, most_bps : Decimal
        Ranges of the surface that is shown; basis points begin at 0.
    intervals : int
        Equal steps of either range.
    draws : int
        Of the bootstrap behind the intervals.
    """

    fee_multiplier: Annotated[Decimal, Bounds(ge=0, le=100)] = Decimal("1.5")
    extra_bps: Annotated[Decimal, Bounds(ge=0, le=100)] = Decimal("0.5")
    least_multiplier: Annotated[Decimal, Bounds(ge=0, le=100)] = Decimal(0)
    most_multiplier: Annotated[Decimal, Bounds(ge=0, le=100)] = Decimal(3)
    most_bps: Annotated[Decimal, Bounds(ge=0, le=100)] = Decimal(3)
    intervals: Annotated[int, Bounds(ge=1, le=50)] = 6
    draws: Annotated[int, Bounds(ge=99, le=10**6)] = 1999

    def check(self) -> None:
        """Check that the range of multipliers is one."""
        if self.least_multiplier >= self.most_multiplier:
            raise ConfigError(
                type(self).__name__,
                f"was {self.least_multiplier}, expected below most_multiplier, "
                f"{self.most_multiplier}",
                "least_multiplier",
            )


#: Net PnL at a multiple of the fees and some basis points of every fill more.
Net = Callable[[Fraction, Fraction], Fraction]


def evaluate(context: GateContext) -> list[GateResult]:
    """Net PnL stays above zero at dearer fees and worse prices (guard).

    Where fills do not depend on costs, net is ``gross - slippage - fees x multiplier - c x
    notional``, with funding and interest as they are: the surface and both break-evens are exact.
    Where contract notes are rounded, the surface rounds each day's multiplied sums anew, and the
    break-evens take the rounding as it was.
    Whether they depend is asked by two re-runs, at the stress and at the far corner of the surface:
    limits on loss or capital stop a run that pays more, and a strategy may read what it paid. There
    every point of the surface is a re-run, and break-evens are searched by halving.

    Intervals of the break-evens come from the stationary bootstrap of the clock buckets, which
    keeps a bucket's net, fees and notional together.

    Not a test: it has no null hypothesis.

    Cannot see: costs that grow with size (give an impact in the costs), and fills that would not
    have been had.

    Source: Politis, Romano (1994), The stationary bootstrap, J. American Statistical Association
    89; block length by Patton, Politis, White (2009), Econometric Reviews 28.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where the run never traded, or cannot be run again though its fills may depend on costs;
        over option sessions below the policy's number of round trips.
    """
    settings, amounts = context.settings(CostSensitivitySettings), context.amounts
    exponent = context.ledger_exponent - 1
    if not amounts.fills:
        raise Inconclusive("Fills: none. Run on more data.")
    if context.sessions is not None:  # few bundles of options say little of costs
        context.require_trips()
    corner = (Fraction(settings.most_multiplier), Fraction(settings.most_bps))
    stress = (Fraction(settings.fee_multiplier), Fraction(settings.extra_bps))
    reruns = _Reruns(context.rerun)
    depends = context.rerun is not None and any(
        reruns.differs(point) for point in dict.fromkeys((stress, corner))
    )
    net: Net = reruns.net if depends else amounts.stressed
    details: dict[str, Json] = {
        "fills_depend_on_costs": depends if context.rerun is not None else None,
        "net": decimal_text(amounts.net, exponent),
        "fees": decimal_text(amounts.fees, exponent),
        "notional": decimal_text(amounts.notional, exponent),
        "surface": _surface(settings, net, exponent),
    }
    if depends:
        details["break_even_fee_multiplier"] = _searched(lambda m: net(m, Fraction(0)), corner[0])
        details["break_even_bps"] = _searched(lambda c: net(Fraction(1), c), corner[1])
    else:
        details |= _break_evens(context, settings)
    left = net(*stress)
    details["net_at_stress"] = _amount(left, exponent)
    reason = (
        f"Net PnL at fees x {settings.fee_multiplier} and {settings.extra_bps} bps a fill more: "
        f"{_amount(left, exponent):.6g}, limit above 0. {_break_even_text(details)}"
    )
    if left > 0:
        return [RESULT.result(Verdict.PASS, reason, None, details)]
    return [RESULT.result(Verdict.FAIL, f"{reason} Trade less often, or for more.", None, details)]


class _Reruns:
    """Runs at other costs, each made once."""

    def __init__(self, rerun: Rerun | None) -> None:
        self._rerun = rerun
        self._made: dict[tuple[Fraction, Fraction], Run] = {}

    def at(self, multiplier: Fraction, more_bps: Fraction) -> Run:
        """The run at a multiple of its fees, with some basis points on every fill.

        Raises
        ------
        Inconclusive
            The strategy cannot be run again, or the costs are out of what a run can have.
        """
        assert self._rerun is not None
        key = (multiplier, more_bps)
        if key not in self._made:
            config = self._rerun.run.config
            try:
                costs = config.costs.scaled(multiplier, more_bps)
                again = self._rerun.again(config=replace(config, costs=costs, flatten=False))
            except (ConfigError, StrategyError, FixedPointOverflow) as error:
                raise Inconclusive(f"Run at other costs: {error}. Mend that first.") from error
            self._made[key] = again
        return self._made[key]

    def differs(self, point: tuple[Fraction, Fraction]) -> bool:
        """Whether the run has other fills there.

        A fee in base is taken of an order's fills as it comes due: an order may gain the same by
        fills of other quantities.
        """
        assert self._rerun is not None
        own, other = self._rerun.run.exact.fills, self.at(*point).exact.fills
        names = ("seq", "order", "instrument", "side", "price")
        if len(own) != len(other) or any((own[n] != other[n]).any() for n in names):
            return True
        orders, place = np.unique(own["order"], return_inverse=True)
        gained = np.zeros((2, len(orders)), np.int64)
        np.add.at(gained[0], place, own["qty"])
        np.add.at(gained[1], place, other["qty"])
        return bool((gained[0] != gained[1]).any())

    def net(self, multiplier: Fraction, more_bps: Fraction) -> Fraction:
        """Net PnL there, attribution scale."""
        return Fraction(net_in_all(self.at(multiplier, more_bps)))


def _range(first: Decimal, last: Decimal, intervals: int) -> list[Fraction]:
    """Ends and inner borders of equal steps, to four decimals."""
    low, high = Fraction(first), Fraction(last)
    return [
        Fraction(round((low + (high - low) * k / intervals) * 10**4), 10**4)
        for k in range(intervals + 1)
    ]


def _surface(settings: CostSensitivitySettings, net: Net, exponent: int) -> Json:
    """Net PnL by multiplier (rows) and basis points (columns)."""
    multipliers = _range(settings.least_multiplier, settings.most_multiplier, settings.intervals)
    points = _range(Decimal(0), settings.most_bps, settings.intervals)
    return {
        "fee_multipliers": [float(m) for m in multipliers],
        "extra_bps": [float(c) for c in points],
        "net": [[_amount(net(m, c), exponent) for c in points] for m in multipliers],
    }


def _break_evens(context: GateContext, settings: CostSensitivitySettings) -> dict[str, Json]:
    """Both break-evens by one division each, with an interval where there are enough times."""
    amounts = context.amounts
    found: dict[str, Json] = {
        "break_even_fee_multiplier": _ratio(amounts.net + amounts.fees, amounts.fees),
        "break_even_bps": _ratio(10_000 * amounts.net, amounts.notional),
        "multiplier_interval_95": None,
        "bps_interval_95": None,
    }
    try:
        net = context.increments().net
    except Inconclusive:
        return found
    costs: BucketCosts = context.observed.bucket_costs
    block = block_length(net).stationary
    sums = bootstrap_sums(
        [net, costs.fees, costs.notional],
        block,
        settings.draws,
        context.key(NAME),
        threads=context.threads,
    )
    pairs = list(zip(*sums, strict=True))
    found["block_length"] = rounded(block / 10**6)
    found["multiplier_interval_95"] = _interval([(e + fee, fee) for e, fee, _ in pairs])
    found["bps_interval_95"] = _interval([(10_000 * e, traded) for e, _, traded in pairs])
    return found


def _ratio(over: int, under: int) -> float | None:
    """A break-even; None where nothing is paid, so that none exists."""
    return rounded(float(Fraction(over, under))) if under > 0 else None


def _interval(ratios: Sequence[tuple[int, int]]) -> Json:
    """Percentile interval of 95 % over draws; None where a draw has no ratio."""
    if any(under <= 0 for _, under in ratios):
        return None
    ordered = sorted(Fraction(over, under) for over, under in ratios)
    n = len(ordered) + 1
    low, high = (max(0, n * 25 // 1000 - 1), min(n - 2, n - n * 25 // 1000 - 1))
    return [rounded(float(ordered[low])), rounded(float(ordered[high]))]


def _searched(net: Callable[[Fraction], Fraction], most: Fraction) -> float | None:
    """Where net crosses zero between 0 and `most`, by halving; None where it does not."""
    low, high = Fraction(0), most
    if net(low) <= 0 or net(high) > 0:
        return None
    for _ in range(_HALVINGS):
        # Rates have eight decimals, so no finer step is tried.
        middle = Fraction(round((low + high) / 2 * 10**6), 10**6)
        if middle in (low, high):
            break
        low, high = (middle, high) if net(middle) > 0 else (low, middle)
    return rounded(float(high))


def _break_even_text(details: dict[str, Json]) -> str:
    """Both break-evens in words."""
    multiplier, points = details["break_even_fee_multiplier"], details["break_even_bps"]
    if multiplier is None and points is None:
        return "No break-even in the range."
    parts = [] if multiplier is None else [f"fees x {multiplier:.4g}"]
    parts += [] if points is None else [f"{points:.4g} bps a fill"]
    return f"Breaks even at {' or '.join(parts)}."


def _amount(value: Fraction, exponent: int) -> float:
    return rounded(float(value * Fraction(10) ** exponent))


GATE = Gate(NAME, "g3", (RESULT,), CostSensitivitySettings, evaluate)
