"""Companion nulls: what a test of *where* positions stand must beat besides its own null.

Tests that move a strategy's positions over the recorded market assume two things that not every
strategy satisfies.

The first is that the market has no drift over the segment. Whoever was short while the market rose
is expected to have lost. A strategy that trades against the *level* of a random walk (short when
the basis is high) stands mostly on the losing side of that drift, because the walk went there. Its
moved positions lose and its own break even: without an edge it passes 11 % of the time as random
entries, 14 % as shuffled holding periods. Random sides have no such expectation: a fair coin
chooses the side of every round trip.

The second is that the length of a round trip is independent of its gain. A strategy that leaves
when it has won makes short trips of its gains and long ones of its losses, at least while it is
judged because it made many trips. Moved, its trips last longer or shorter than what they earn, and
random sides turn the losses that it waited out into gains. Without an edge it passes both nulls up
to half of the time. Only the strategy run again on another market is a null for it, so the market
null is a companion too.

A test passes only where the strategy beats all of them: the largest p decides. The market null
gives every market it draws a drift of its own besides that of the data. Its companions are random
sides and markets without the data's drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.columns import LIMIT, BoundError, check_squares
from quantlaxmi.gates.path.trip_gross import trip_gross
from quantlaxmi.gates.resampling.draws import count_draws, count_text
from quantlaxmi.gates.results import Json, MonteCarlo, Verdict
from quantlaxmi.schema import I64

__all__ = ["STREAM", "CompanionNull", "Judgement", "judge_against_companions", "trip_gains"]

#: Name of the random stream. It is data: random numbers follow from it. All gates share it, and so
#: have one p for random sides.
STREAM = "coin_sides"
#: What to do where a test does not pass.
_NEXT = " No better than chance here: change the signal, or test on more data."


def trip_gains(context: GateContext) -> I64:
    """Mid-to-mid PnL of every round trip, divided by the greatest common divisor of all.

    Returns
    -------
    ndarray of int64, shape (n_trips,)

    Raises
    ------
    BoundError
        When a gain does not fit 62 bits, or the sum of the squares does not fit 127.
    """
    gains = trip_gross(context.path.trips, context.decision_points)
    divisor = math.gcd(*gains) or 1
    gains = [g // divisor for g in gains]
    largest = max(map(abs, gains), default=0)
    if largest >= LIMIT:
        raise BoundError(f"A trip's PnL can reach {largest}, the limit is 2^62.")
    check_squares(largest, len(gains))
    return np.array(gains, np.int64)


@dataclass(frozen=True, slots=True)
class CompanionNull:
    """A null distribution that a test must beat besides its own.

    Attributes
    ----------
    count : MonteCarlo or None
        Its draws; None where there are none.
    text : str
        What was drawn, or why nothing was: a part of the gate's reason.
    """

    count: MonteCarlo | None
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict of a test over all its nulls.

    Attributes
    ----------
    verdict : Verdict
    reason : str
    deciding : MonteCarlo
        The count with the largest p.
    details : dict
        The counts of all nulls.
    """

    verdict: Verdict
    reason: str
    deciding: MonteCarlo
    details: dict[str, Json]


def judge_against_companions(
    context: GateContext,
    result: str,
    own: CompanionNull,
    gains: I64,
    *,
    market: CompanionNull | None = None,
    driftless: CompanionNull | None = None,
) -> Judgement:
    """Judge a test by its own null, by random sides and by the market null; the largest p decides.

    Null hypothesis of random sides: given when the strategy traded and for how long, a fair coin
    chose the side of every round trip. Statistic: studentised gross of the trips; ties count
    against the strategy. Random sides cannot see that a drift alone pays whoever is always on its
    side; the test's own null sees it.

    Source: tests by sign changes, Fisher (1935), The design of experiments, sec. 21; for
    dependent data without drift, de la Peña, Lai and Shao (2009), Self-normalized processes.

    Parameters
    ----------
    context : GateContext
    result : str
        Name of the result, for progress and checkpoints.
    own : CompanionNull
        The test's own null, with its draws.
    gains : ndarray of int64, shape (n_trips,)
        As `trip_gains` gives them.
    market : CompanionNull, optional
        The market null, for tests of moved positions.
    driftless : CompanionNull, optional
        Markets without the data's drift, for the market null itself.
    """
    from quantlaxmi._jit import random_sides as kernels
    from quantlaxmi._jit.compiler import running

    key = np.uint64(context.key(STREAM))

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        with running(context.threads):
            kernels.random_sides(key, first, gains, out)

    assert own.count is not None
    draws = context.policy.n_random_sides
    s, q = sum(gains.tolist()), sum(g * g for g in gains.tolist())
    (sides,) = count_draws(context, f"{result}.{STREAM}", draws, 4, sweep, [(s, q)])
    counts = {own.text: own.count, "random sides": sides}
    details = {"moved": own.count.to_json(), "random_sides": sides.to_json()}
    missing = ""
    for name, companion in (("market", market), ("driftless", driftless)):
        if companion is None:
            continue
        details[name] = None if companion.count is None else companion.count.to_json()
        details[f"{name}_unavailable"] = companion.text if companion.count is None else None
        if companion.count is not None:
            counts[companion.text] = companion.count
        elif companion is market:
            missing = f" Exits that depend on prices are not tested, as {companion.text}."
    deciding = max(counts.values(), key=lambda count: count.p_value)
    passed = deciding.p_value <= context.policy.level
    drawn = ", ".join(count_text(context, count, what) for what, count in counts.items())
    reason = (
        f"At least as good as the strategy: {drawn}. "
        f"Largest p = {float(deciding.p_value):.6g}, limit {context.policy.alpha}."
        + ("" if passed else _NEXT)
        + missing
    )
    return Judgement(
        Verdict.PASS if passed else Verdict.FAIL,
        reason,
        deciding,
        details,
    )
