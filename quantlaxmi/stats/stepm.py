"""StepM: which of several means are above zero, with the family-wise error controlled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from quantlaxmi.stats.monte_carlo import monte_carlo_p

__all__ = ["stepm"]

#: Binary places kept of a standard deviation.
_PLACES = 32


def stepm(own: Sequence[int], draws: Sequence[Sequence[int]]) -> list[Fraction]:
    """Adjusted p-values of the hypotheses that each sum's expectation is not above zero.

    Parameters
    ----------
    own : sequence of int
        Observed sum of each series.
    draws : sequence of sequences of int
        For each series its sums over the same bootstrap draws.

    Returns
    -------
    list of Fraction
        In the order given. Those at most ``alpha`` are the hypotheses that StepM rejects at family-
        wise level ``alpha``. A series without spread has 1.

    Notes
    -----
    Statistic: the sum over the standard deviation of its draws about it, a constant, so only
    integers are compared. In decreasing order of it, p is the share of draws whose largest
    centred statistic among the hypotheses not yet rejected is at least as large, (b + 1)/(m + 1),
    never below the one before.

    References
    ----------
    Romano, Wolf (2005), Stepwise multiple testing as formalized data snooping, Econometrica 73,
    algorithm 4.1 (studentised); Romano, Wolf (2016), Efficient computation of adjusted p-values
    for resampling-based stepdown multiple testing, Statistics and Probability Letters 113.
    """
    adjusted = [Fraction(1)] * len(own)
    spread = []
    for total, sums in zip(own, draws, strict=True):
        squares = sum((s - total) ** 2 for s in sums)
        spread.append(math.isqrt((squares << 2 * _PLACES) // len(sums)) if sums else 0)
    tested = [k for k, sd in enumerate(spread) if sd > 0]
    whole = math.prod(spread[k] for k in tested)
    # Over a common denominator statistics are integers.
    factor = {k: whole // spread[k] for k in tested}
    order = sorted(tested, key=lambda k: (-own[k] * factor[k], k))
    largest: list[int] | None = None
    counts = []
    for k in reversed(order):
        centred = [(s - own[k]) * factor[k] for s in draws[k]]
        largest = centred if largest is None else list(map(max, largest, centred))
        reached = own[k] * factor[k]
        counts.append(monte_carlo_p(sum(c >= reached for c in largest), len(largest)))
    smallest = Fraction(0)
    for k, p in zip(order, reversed(counts), strict=True):
        smallest = max(smallest, p)
        adjusted[k] = smallest
    return adjusted
