"""Hansen's test: is the best of several series better than a benchmark, all having been tried?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.stats.monte_carlo import monte_carlo_p

__all__ = ["SuperiorAbility", "superior_predictive_ability"]

_PLACES = 32
_WIDE: Final = 1 << 63


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
    best = max(tested, key=lambda k: Fraction(own[k], spread[k]), default=None)
    reaches = best is not None and own[best] > 0
    lowest = Fraction(1, 1 << 2 * _PLACES)
    columns = {k: _column(draws[k]) for k in tested}

    def p(kept: set[int]) -> Fraction:
        m = len(draws[0])
        if best is None or not reaches:  # the statistic is 0, and no draw's is below it
            return monte_carlo_p(m, m)
        found = np.zeros(m, bool)
        for k in tested:
            # (s - centre)/sd_k >= own/sd of the best one, in integers: s is at least this.
            least = -(-own[best] * spread[k] // spread[best]) + (own[k] if k in kept else 0)
            found |= _at_least(columns[k], least)
        return monte_carlo_p(int(found.sum()), m)

    near = {k for k in tested if own[k] >= 0 or own[k] ** 2 <= threshold * spread[k] ** 2 * lowest}
    return SuperiorAbility(
        lower=p({k for k in tested if own[k] > 0}),
        consistent=p(near),
        upper=p(set(tested)),
    )


def _column(sums: Sequence[int]) -> npt.NDArray[Any]:
    """Sums as 64-bit integers where they fit, else as Python's."""
    if all(-_WIDE <= s < _WIDE for s in (min(sums), max(sums))):
        return np.array(sums, np.int64)
    return np.array(sums, dtype=object)


def _at_least(column: npt.NDArray[Any], least: int) -> npt.NDArray[np.bool_]:
    if column.dtype == np.int64 and not -_WIDE <= least < _WIDE:
        return np.full(len(column), least < 0)
    found: npt.NDArray[np.bool_] = np.asarray(column >= least, bool)
    return found
