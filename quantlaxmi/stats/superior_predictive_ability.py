"""Hansen's test: is the best of several series better than a benchmark, all having been tried?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from quantlaxmi.stats.monte_carlo import monte_carlo_p

__all__ = ["SuperiorAbility", "superior_predictive_ability"]

_PLACES = 32


@dataclass(frozen=True, slots=True)
class SuperiorAbility:
    """P-values of the three null distributions; the consistent one is the test's.

    Attributes
    ----------
    lower, consistent, upper : Fraction
        Liberal; recentred where a series is not clearly bad; all recentred, which is White's
        reality check, studentised.
    """

    lower: Fraction
    consistent: Fraction
    upper: Fraction


def superior_predictive_ability(
    own: Sequence[int], draws: Sequence[Sequence[int]], n: int
) -> SuperiorAbility:
    """P-values of the hypothesis that no series has an expectation above zero.

    Parameters
    ----------
    own : sequence of int
        Observed sum of each series' gain over the benchmark.
    draws : sequence of sequences of int
        For each series its sums over the same draws of the stationary bootstrap.
    n : int
        Observations of a series, at least 3.

    Returns
    -------
    SuperiorAbility
        Each (b + 1)/(m + 1).

    Raises
    ------
    ValueError
        When there is no series or no draw, or there are fewer than 3 observations.

    Notes
    -----
    Statistic: the largest sum over the standard deviation of its draws, at least 0. A draw's is the
    same of its sums less g(own), where g keeps a sum above ``-sd sqrt(2 log log n)`` (consistent),
    any sum (upper), or a positive one (lower), and is 0 otherwise. All is compared in integers.

    References
    ----------
    Hansen (2005), A test for superior predictive ability, J. Business and Economic Statistics 23.
    """
    if not own or n < 3 or not draws[0]:
        raise ValueError(f"{len(own)} series of {n} observations cannot be tested")
    context = Context(prec=28)
    threshold = 2 * Fraction(context.ln(context.ln(Decimal(n))))
    spread = []
    for total, sums in zip(own, draws, strict=True):
        squares = sum((s - total) ** 2 for s in sums)
        spread.append(math.isqrt((squares << 2 * _PLACES) // len(sums)))
    tested = [k for k, sd in enumerate(spread) if sd > 0]
    whole = math.prod(spread[k] for k in tested)
    factor = {k: whole // spread[k] for k in tested}
    reached = max([0, *(own[k] * factor[k] for k in tested)])
    lowest = Fraction(1, 1 << 2 * _PLACES)

    def p(kept: set[int]) -> Fraction:
        largest = [0] * len(draws[0])
        for k in tested:
            centre = own[k] if k in kept else 0
            largest = [
                max(m, (s - centre) * factor[k]) for m, s in zip(largest, draws[k], strict=True)
            ]
        return monte_carlo_p(sum(m >= reached for m in largest), len(largest))

    near = {k for k in tested if own[k] >= 0 or own[k] ** 2 <= threshold * spread[k] ** 2 * lowest}
    return SuperiorAbility(
        lower=p({k for k in tested if own[k] > 0}),
        consistent=p(near),
        upper=p(set(tested)),
    )
