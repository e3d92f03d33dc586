"""Folds on the clock: a time to choose in, and the time after it to judge the choice by."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Fold", "folds_of"]


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold.

    Attributes
    ----------
    number : int
        From 1.
    train_begin_ns : int
        First time of training.
    test_begin_ns, test_stop_ns : int
        The test window; its end is outside.
    """

    number: int
    train_begin_ns: int
    test_begin_ns: int
    test_stop_ns: int

    @property
    def train_ns(self) -> int:
        """Length of training, before the purge."""
        return self.test_begin_ns - self.train_begin_ns


def folds_of(
    first_ns: int, last_ns: int, n: int, train_share: Fraction, rolling: bool = False
) -> tuple[Fold, ...]:
    """Cut a segment's time into folds.

    The first part of the time only trains; the rest is cut into equal test windows by integer
    division. Training ends where a test begins. It begins with the first message, or is as long in
    every fold as in the first.

    Parameters
    ----------
    first_ns, last_ns : int
        Times of the first and the last message.
    n : int
        Test windows.
    train_share : Fraction
        Of the time, what only trains.
    rolling : bool
        Whether training moves along.

    Examples
    --------
    >>> [(f.train_begin_ns, f.test_begin_ns) for f in folds_of(0, 99, 3, Fraction(2, 5), True)]
    [(0, 39), (20, 59), (40, 79)]
    """
    start = first_ns + (last_ns - first_ns) * train_share.numerator // train_share.denominator
    span = last_ns + 1 - start
    edges = [start + span * k // n for k in range(n + 1)]
    return tuple(
        Fold(k + 1, first_ns + (begin - start if rolling else 0), begin, stop)
        for k, (begin, stop) in enumerate(itertools.pairwise(edges))
    )
