"""Delay: how much of the profit is left when every order arrives later?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import numpy as np

from quantlaxmi.errors import ConfigError, FixedPointOverflow, StrategyError
from quantlaxmi.gates.context import DecisionPoints, GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.reasons import NO_RERUN
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    TimeShiftResult,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.parallel.threads import run_in_order
from quantlaxmi.run.exact_run import gross_in_all, net_in_all
from quantlaxmi.settings import Bounds, Items, Settings

if TYPE_CHECKING:
    from quantlaxmi.run.rerun import Rerun

__all__ = ["GATE", "Delays", "delays_of", "evaluate"]

NAME = "delay"
RESULT = ResultSpec(NAME, "guard", TimeShiftResult, {"kind": "delay"})


class DelaySettings(Settings, frozen=True, kw_only=True):
    """What ``[delay]`` holds.

    Attributes
    ----------
    delays_ms, delays_bars : tuple of int
        Delays of the orders at which PnL is shown; in bars on segments of bars or snapshots.
    required_ms, required_bars : int
        The delay that decides.
    least_share : Decimal
        Share of a positive net PnL that has to survive it.
    """

    delays_ms: Annotated[
        tuple[Annotated[int, Bounds(ge=1, le=3_600_000)], ...],
        Items(least=1, most=32, ascending=True),
    ] = (10, 50, 100, 250, 1000, 5000)
    delays_bars: Annotated[
        tuple[Annotated[int, Bounds(ge=1, le=1000)], ...],
        Items(least=1, most=32, ascending=True),
    ] = (1, 2, 3)
    required_ms: Annotated[int, Bounds(ge=1, le=3_600_000)] = 50
    required_bars: Annotated[int, Bounds(ge=1, le=1000)] = 1
    least_share: Annotated[Decimal, Bounds(ge=0, le=1)] = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays in the segment's own unit.

    Attributes
    ----------
    unit : str
        ``"ms"``, ``"bars"`` or ``"snapshots"``.
    unit_ns : int
    amounts : tuple of int
        The policy's delays, ascending; the required one among them.
    required : int
    """

    unit: str
    unit_ns: int
    amounts: tuple[int, ...]
    required: int

    def text(self, amount: int) -> str:
        """A delay with its unit."""
        one = amount == 1 and self.unit != "ms"
        return f"{amount} {self.unit[:-1] if one else self.unit}"


def _spacing(points: DecisionPoints) -> int:
    """The most frequent time between two rows, the shortest of equally frequent ones; 0: none."""
    apart = np.diff(points.ts_ns)
    found, counts = np.unique(apart[apart > 0], return_counts=True)
    return int(found[np.argmax(counts)]) if len(found) else 0


def delays_of(context: GateContext) -> Delays:
    """The policy's delays for the segment of a run.

    The segment's cadence says whether its rows are events, bars or snapshots. Bars and snapshots
    are as far apart as most decision points; the policy's delays in bars count snapshots as well.
    Snapshots of option chains are as far apart as in the median.

    Parameters
    ----------
    context : GateContext
        Without a `rerun`, delays are milliseconds.
    """
    settings = context.settings(DelaySettings)
    cadence = "events" if context.rerun is None else context.rerun.run.segment.cadence
    if context.sessions is not None:
        cadence, interval = "snapshots", context.sessions.step_ns
    else:
        interval = 0 if cadence == "events" else _spacing(context.decision_points)
    if interval:
        required = settings.required_bars
        steps = tuple(sorted({*settings.delays_bars, required}))
        return Delays(cadence, interval, steps, required)
    required = settings.required_ms
    return Delays("ms", 10**6, tuple(sorted({*settings.delays_ms, required})), required)


#: Net, gross and number of fills of a run; money at ledger exponent - 1.
Outcome = tuple[int, int, int]


def _rerun_later(context: GateContext, rerun: Rerun, delays: Delays) -> dict[int, Outcome]:
    """Outcome at every delay; side by side, since a compiled replay holds no lock."""
    from quantlaxmi.execution.latency import MAX_LATENCY_NS

    config = rerun.run.config
    if config.latency_ns + delays.amounts[-1] * delays.unit_ns > MAX_LATENCY_NS:
        raise ConfigError(
            "gate policy",
            f"was {delays.text(delays.amounts[-1])} of {delays.unit_ns} ns, which with the "
            f"latency is over {MAX_LATENCY_NS} ns",
            "delay.delays_ms" if delays.unit == "ms" else "delay.delays_bars",
        )

    def outcome(amount: int) -> Outcome:
        later = config.latency.delayed(amount * delays.unit_ns)
        run = rerun.again(config=replace(config, latency=later))
        return net_in_all(run), gross_in_all(run), run.n_fills

    compiled = rerun.run.strategy.form == "kernel"
    found = run_in_order(
        outcome,
        delays.amounts,
        threads=context.threads if compiled else 1,
        progress=lambda done, total: context.report_progress(NAME, done, total),
    )
    return dict(zip(delays.amounts, found, strict=True))


def _curve(delays: Delays, found: dict[int, Outcome], base: Outcome, exponent: int) -> list[Json]:
    points: list[Json] = []
    for amount, (net, gross, fills) in [(0, base), *sorted(found.items())]:
        share = rounded(float(Fraction(net, base[0]))) if base[0] > 0 else None
        points.append(
            {
                delays.unit: amount,
                "net": decimal_text(net, exponent),
                "gross": decimal_text(gross, exponent),
                "fills": fills,
                "share_of_net": share,
            }
        )
    return points


def evaluate(context: GateContext) -> list[GateResult]:
    """Delay (guard).

    The strategy is run again with every order arriving later by each of the policy's delays:
    milliseconds, or bars or snapshots where the segment holds such. Fills, fees, funding and what
    the strategy makes of its fills are the engine's at that latency. Net and gross at each are
    shown.

    Condition: at the required delay at least `least_delay_share` of a positive net PnL is
    left. Keeping or gaining PnL is a pass: that a strategy does not need to be fast speaks for it.
    Where net PnL is not above 0 there is nothing whose survival could be asked: NOT APPLICABLE
    (that guard is `net_positive`).

    Cannot see: an edge that is none, since a lucky path is as lucky a little later; delays of the
    data, where the strategy would decide on older prices; anything between the delays tried.

    Source: the condition and its share are this project's own; they are policy, not a test.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Below the policy's number of round trips and of a premium's events, or where the strategy
        cannot be run again.
    ConfigError
        A delay of the policy is more than a latency can be.
    """
    settings, rerun = context.settings(DelaySettings), context.rerun
    exponent = context.ledger_exponent - 1
    details: dict[str, Json] = {"trips": context.n_trips}

    def results(verdict: Verdict, reason: str) -> list[GateResult]:
        return [RESULT.result(verdict, reason, None, details)]

    context.require_trades(details)
    if rerun is None:
        raise Inconclusive(NO_RERUN, details)
    run, delays = rerun.run, delays_of(context)
    base = (net_in_all(run), gross_in_all(run), run.n_fills)
    details |= {
        "base_latency_ns": run.latency_ns,
        "unit_ns": delays.unit_ns,
        "required": delays.text(delays.required),
    }
    try:
        found = _rerun_later(context, rerun, delays)
    except (StrategyError, FixedPointOverflow) as error:
        raise Inconclusive(f"Run with later orders: {error}. Mend that first.", details) from error
    details["curve"] = _curve(delays, found, base, exponent)
    net, left = base[0], found[delays.required][0]
    if net <= 0:
        return results(
            Verdict.NOT_APPLICABLE,
            f"Profit that a delay could take away: none, net PnL is {decimal_text(net, exponent)}.",
        )
    share = Fraction(left, net)
    kept = share >= Fraction(settings.least_share)
    reason = (
        f"Net PnL with orders {delays.text(delays.required)} later: {decimal_text(left, exponent)} "
        f"of {decimal_text(net, exponent)}, a share of {float(share):.4g}, limit "
        f"{settings.least_share}."
    )
    if kept:
        return results(Verdict.PASS, reason)
    return results(Verdict.FAIL, f"{reason} Measure the real latency, or hold longer.")


GATE = Gate(NAME, "g2", (RESULT,), DelaySettings, evaluate)
