"""Random sides: would the same round trips, long or short by a coin, have earned as much?"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import LIMIT, BoundError, check_squares
from quantlaxmi.gates.path.trip_gross import trip_gross
from quantlaxmi.gates.reasons import NOT_A_TEST, too_large
from quantlaxmi.gates.resampling.bundle_sides import sided_bundles
from quantlaxmi.gates.resampling.draws import count_draws, count_text, sum_details
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    PermutationResult,
    ResultSpec,
    Verdict,
)
from quantlaxmi.schema import I64
from quantlaxmi.settings import Bounds, Settings

__all__ = ["GATE", "evaluate", "trip_gains"]

NAME = "random_sides"
RESULT = ResultSpec(NAME, "diagnosis", PermutationResult, {"kind": "sides"})
#: Name of the random stream. It is data: random numbers follow from it.
STREAM = "coin_sides"


class RandomSidesSettings(Settings, frozen=True, kw_only=True):
    """What ``[random_sides]`` holds.

    Attributes
    ----------
    n_draws : int
        Draws.
    """

    n_draws: Annotated[int, Bounds(ge=19, le=10**8)] = 10_000


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


def evaluate(context: GateContext) -> list[GateResult]:
    """Random sides (diagnosis).

    Question: given when the strategy traded and for how long, would a fair coin for the side of
    every round trip have done as well? Statistic: studentised gross of the trips; ties count
    against the strategy. Over option sessions the squares are those of session days from ten days
    on (`resampling.bundle_sides`).

    Cannot see: that a drift alone pays whoever is always on its side, and that a rule which leaves
    when it has won makes its gains in short trips and its losses in long ones. Without an edge such
    rules pass it up to half of the time, so it decides nothing.

    Source: tests by sign changes, Fisher (1935), The design of experiments, sec. 21; for
    dependent data without drift, de la Peña, Lai and Shao (2009), Self-normalized processes.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Below the policy's number of round trips.
    """
    from quantlaxmi._jit import random_sides as kernels
    from quantlaxmi._jit.compiler import running

    draws = context.settings(RandomSidesSettings).n_draws
    if context.sessions is not None:
        return [sided_bundles(context, RESULT, STREAM, draws)]
    details: dict[str, Json] = {"trips": context.n_trips}
    context.require_trips(details)
    try:
        gains = trip_gains(context)
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    key = np.uint64(context.key(STREAM))

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        with running(context.threads) as divided:
            divided(lambda at, part: kernels.random_sides(key, first + at, gains, part), out)

    s, q = sum(gains.tolist()), sum(g * g for g in gains.tolist())
    (count,) = count_draws(context, NAME, draws, 4, sweep, [(s, q)])
    reason = (
        f"At least as good as the strategy: {count_text(count, 'random sides')}, "
        f"p = {float(count.p_value):.6g}. {NOT_A_TEST}"
    )
    return [RESULT.result(Verdict.SHOWN, reason, count, details | sum_details(s, q))]


GATE = Gate(NAME, "g2", (RESULT,), RandomSidesSettings, evaluate, dear=True, kernels="random_sides")
