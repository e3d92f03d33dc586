"""The model confidence set: the series among which the best is, at a level."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from quantlaxmi.stats.monte_carlo import monte_carlo_p

__all__ = ["model_confidence_set"]


def model_confidence_set(own: Sequence[int], draws: Sequence[Sequence[int]]) -> list[Fraction]:
    """P-values by which series leave the set of those that may be the best.

    Parameters
    ----------
    own : sequence of int
        Observed sum of each series' gain; larger is better.
    draws : sequence of sequences of int
        For each series its sums over the same draws of a block bootstrap.

    Returns
    -------
    list of Fraction
        In the order given. Those above ``alpha`` are the set of level ``1 - alpha``; the last one
        that is left has 1.

    Raises
    ------
    ValueError
        When there is no series or no draw.

    Notes
    -----
    Statistic ``T_max``: of the series still in the set the largest shortfall from their mean, over
    the standard deviation of its draws. A draw's is the same of its shortfalls less the observed
    ones. p is (b + 1)/(m + 1), never below the one before. The series with the largest shortfall
    leaves. A series that keeps its distance from the mean in all draws is as far as can be.

    References
    ----------
    Hansen, Lunde, Nason (2011), The model confidence set, Econometrica 79(2), sec. 3.1.2.

    Examples
    --------
    >>> model_confidence_set([10, 0], [[9, 10, 11] * 33, [1, 0, -1] * 33])
    [Fraction(1, 1), Fraction(1, 100)]
    """
    if not own or len(draws) != len(own) or not draws[0]:
        raise ValueError(f"{len(own)} series with {len(draws)} lists of draws")
    # Sums of any size as floats of one size.
    unit = max(1, *(abs(v) for v in own), *(abs(v) for one in draws for v in one))
    gains = np.array([v / unit for v in own])
    drawn = np.array([[v / unit for v in one] for one in draws])
    found = [Fraction(1)] * len(own)
    left, largest = list(range(len(own))), Fraction(0)
    while len(left) > 1:
        short = gains[left].mean() - gains[left]
        moved = drawn[left].mean(axis=0) - drawn[left] - short[:, None]
        spread = np.sqrt((moved * moved).mean(axis=1))
        moves = spread > 0.0
        far = np.where(short > 0.0, np.inf, np.where(short < 0.0, -np.inf, 0.0))
        statistic = np.divide(short, spread, out=far, where=moves)
        # A series that never moves has the statistic 0 in every draw.
        floor = -np.inf if moves.all() else 0.0
        null = (moved[moves] / spread[moves, None]).max(axis=0, initial=floor)
        worst = int(statistic.argmax())
        largest = max(largest, monte_carlo_p(int((null >= statistic[worst]).sum()), len(null)))
        found[left[worst]] = largest
        del left[worst]
    return found
