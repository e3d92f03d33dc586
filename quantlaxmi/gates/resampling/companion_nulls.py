"""What a test of *where* positions stand is held against besides: coin sides and the market null.

Tests that move a strategy's positions over the market as it was take two things for granted. One
is its drift over the segment: whoever was short while it rose is expected to have lost. A rule that
leans against the *level* of a random walk (short when the basis is high) is mostly on the losing
side of that drift, merely because the walk got there, so that moved positions lose where its own
break even: without any edge it passes 11 % of the time as random entries, 14 % as shuffled runs. A
fair coin for the side of every trip has no such expectation.

The other is that lengths and gains have nothing to do with each other. A rule that leaves when it
has won makes short trips of its gains and long ones of its losses, at least while it is judged for
having made many trips; moved, they are longer or shorter than what they earn, and with coin sides
the losses that it waited out stand for gains. Without an edge it passes both nulls up to half of
the time. Only the rule run again is a null for it, so the market null stands beside as well.

A test passes only where the strategy does better than all of them: the largest p decides. The
market null itself gives every market it draws a drift more than the data has, and is held against
coin sides and against markets without the data's drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import LIMIT, BoundError, attribution_units, check_squares
from quantlaxmi.gates.resampling.draws import count_draws, count_text
from quantlaxmi.gates.results import Json, MonteCarlo, Verdict

__all__ = ["STREAM", "CompanionNull", "Judgement", "judge_against_companions", "trip_gains"]

I64 = npt.NDArray[np.int64]
#: Name of the random stream; the same in every gate, so that they share one p.
STREAM = "coin_sides"


def trip_gains(context: GateContext) -> I64:
    """Mid-to-mid PnL of every trip, divided by their greatest common divisor.

    Returns
    -------
    ndarray of int64, shape (n_trips,)

    Raises
    ------
    BoundError
        When a gain would not fit 62 bits, or the sum of their squares 127.
    """
    mid2, units = context.decision_points.mid2, attribution_units(context.decision_points)
    gains = [
        -sum(q * int(mid2[i, a.row]) * units[i] for a in trip.actions for i, q in a.bundle)
        for trip in context.path.trips
    ]
    divisor = math.gcd(*gains) or 1
    gains = [g // divisor for g in gains]
    largest = max(map(abs, gains), default=0)
    if largest >= LIMIT:
        raise BoundError(f"A trip's PnL can reach {largest}, the limit is 2^62.")
    check_squares(largest, len(gains))
    return np.array(gains, np.int64)


@dataclass(frozen=True, slots=True)
class CompanionNull:
    """Draws of markets beside those of a test.

    Attributes
    ----------
    count : MonteCarlo or None
        Its draws; None where there are none.
    text : str
        What was drawn, or why nothing was, for the sentence.
    """

    count: MonteCarlo | None
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A test's verdict after all comparisons.

    Attributes
    ----------
    verdict : Verdict
    reason : str
    deciding : MonteCarlo
        The count with the largest p.
    details : dict
        All counts.
    """

    verdict: Verdict
    reason: str
    deciding: MonteCarlo
    details: dict[str, Json]


def judge_against_companions(
    context: GateContext,
    gate: str,
    moved: MonteCarlo,
    null: str,
    gains: I64,
    draws: int,
    market: CompanionNull | None = None,
    driftless: CompanionNull | None = None,
) -> Judgement:
    """Judge by moved positions, by coin sides and by the market null; the largest p decides.

    Null hypothesis of the second: given when it traded and for how long, the side of every trip
    was a fair coin. Statistic: studentised gross of the trips; ties count against the strategy.
    Cannot see what a drift earns who holds the right side all the time: that is what the first
    comparison is for.

    Source: tests by sign changes, Fisher (1935), The design of experiments, sec. 21; for
    dependent data without drift, de la Peña, Lai and Shao (2009), Self-normalized processes.

    Parameters
    ----------
    context : GateContext
    gate : str
    moved : MonteCarlo
        Draws of moved positions at least as good as the strategy.
    null : str
        What they were, for the sentence.
    gains : ndarray of int64, shape (n_trips,)
        As `trip_gains` gives them.
    draws : int
        Of the coins.
    market : CompanionNull, optional
        The market null, for tests of moved positions.
    driftless : CompanionNull, optional
        Its markets without drift, for the market null itself.
    """
    from quantlaxmi._jit import coin_sides as kernels
    from quantlaxmi._jit.compiler import running

    key = np.uint64(context.key(STREAM))

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        with running(context.threads):
            kernels.coin_sides(key, first, gains, out)

    s, q = sum(gains.tolist()), sum(g * g for g in gains.tolist())
    (coins,) = count_draws(context, f"{gate}.{STREAM}", draws, 4, sweep, [(s, q)])
    counts = {null: moved, "coin sides": coins}
    details = {"moved": moved.to_json(), STREAM: coins.to_json()}
    unheld = ""
    for name, beside in (("market", market), ("driftless", driftless)):
        if beside is None:
            continue
        details[name] = None if beside.count is None else beside.count.to_json()
        details[f"{name}_unavailable"] = beside.text if beside.count is None else None
        if beside.count is not None:
            counts[beside.text] = beside.count
        elif beside is market:
            unheld = f"; exits that depend on prices are held against nothing, as {beside.text}"
    deciding = max(counts.values(), key=lambda count: count.p_value)
    *others, last = (count_text(context, count, what) for what, count in counts.items())
    reason = (
        f"p = {', '.join(others)} and {last}, the {'largest' if others[1:] else 'larger'} decides, "
        f"the limit is {context.policy.alpha}{unheld}."
    )
    return Judgement(
        Verdict.PASS if deciding.p_value <= context.policy.level else Verdict.FAIL,
        reason,
        deciding,
        details,
    )
