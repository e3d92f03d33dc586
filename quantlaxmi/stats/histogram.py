"""Histograms of studentised statistics in fixed bins, decided in exact integers."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.stats.monte_carlo import studentised_at_least, studentised_doubles, wide_ints

__all__ = [
    "BINS",
    "LAST_BIN",
    "STANDARDISED",
    "STUDENTISED",
    "Histogram",
    "bin_of",
    "bins_of",
    "histogram",
    "standardised",
]

#: A sum over the root of the sum of its squares.
STUDENTISED = "studentised sum"
#: A deviation over the root mean square of the deviations of all draws.
STANDARDISED = "standardised deviation"
#: Bins of one unit of the statistic: each is a quarter wide.
PER_UNIT = 4
#: The bins of equal width cover [-6, 6); one open bin is on either side.
HIGHEST = 6
#: Number of bins, both open ones counted.
BINS = 2 * HIGHEST * PER_UNIT + 2
#: The open bin from 6 upwards.
LAST_BIN = BINS - 1

_EDGES = HIGHEST * PER_UNIT
#: A statistic nearer to an edge than this, in bins, is compared in integers. The estimate in
#: doubles is off by less than 2**-44.
_NEAR = 1e-6
#: Integers below this are doubles without overflow.
_DOUBLES = 2**1000


@dataclass(frozen=True, slots=True)
class Histogram:
    """Draws of a null distribution by bin of their statistic.

    Bin 0 holds statistics below -6, bin k the statistics from -6 + (k - 1)/4 up to but without
    -6 + k/4, the last bin those from 6 upwards.

    Attributes
    ----------
    counts : tuple of int
        Draws in each of the `BINS` bins.
    own_bin : int
        Bin of the strategy's own statistic.
    statistic : str
        What is binned: `STUDENTISED` or `STANDARDISED`.
    """

    counts: tuple[int, ...]
    own_bin: int
    statistic: str = STUDENTISED

    def to_json(self) -> dict[str, Any]:
        """Edges as exact decimal text, the counts, and the strategy's own bin."""
        return {
            "statistic": self.statistic,
            "lowest_edge": str(-HIGHEST),
            "bin_width": "0.25",
            "counts": list(self.counts),
            "own_bin": self.own_bin,
        }


def bin_of(s: int, q: int) -> int:
    """The bin of s/sqrt(q), exact: doubles find it where the statistic is clear of all edges.

    Parameters
    ----------
    s, q : int
        Sum and sum of squares, of any size. Where the squares are 0 the statistic is 0.

    Examples
    --------
    >>> bin_of(-7, 1), bin_of(0, 0), bin_of(1, 16), bin_of(10**400, 1)
    (0, 25, 26, 49)
    """
    if 0 < q < _DOUBLES and -_DOUBLES < s < _DOUBLES:
        place = PER_UNIT * s / math.sqrt(q)
        if abs(place) < _EDGES:
            floor = math.floor(place)
            if _NEAR < place - floor < 1 - _NEAR:
                return floor + _EDGES + 1
        elif abs(place) > _EDGES + _NEAR:
            return 0 if place < 0 else LAST_BIN
    low, high = -_EDGES, _EDGES + 1  # the first edge that is above the statistic is in between
    while low < high:
        middle = (low + high) // 2
        # The edge middle/4 as a studentised sum: middle/sqrt(16).
        if studentised_at_least(s, q, middle, PER_UNIT**2):
            low = middle + 1
        else:
            high = middle
    return low + _EDGES


def bins_of(sums: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The bin of every draw's studentised sum; the same on every machine.

    Doubles find the bin of a statistic that is clear of all edges; the others are compared in
    integers, as `bin_of` does it.

    Parameters
    ----------
    sums : ndarray of uint64, shape (n_draws, 4)
        S and Q as (high, low) pairs.

    Returns
    -------
    ndarray of int64, shape (n_draws,)
        From 0 to `LAST_BIN`.
    """
    place = PER_UNIT * studentised_doubles(sums)
    floor = np.floor(np.clip(place, -_EDGES - 1.0, float(_EDGES)))
    bins: npt.NDArray[np.int64] = floor.astype(np.int64) + (_EDGES + 1)
    unclear = np.flatnonzero(np.abs(place - np.rint(place)) < _NEAR)
    if len(unclear):
        exact_s = wide_ints(sums[unclear, 0], sums[unclear, 1])
        exact_q = wide_ints(sums[unclear, 2], sums[unclear, 3])
        bins[unclear] = [bin_of(a, b) for a, b in zip(exact_s, exact_q, strict=True)]
    return bins


def standardised(deviations: Sequence[int], own: int) -> Histogram:
    """Histogram of deviations in units of their own root mean square.

    Parameters
    ----------
    deviations : sequence of int, shape (n_draws,)
        Draws less their expectation, integers of any size.
    own : int
        The strategy's deviation.
    """
    m, squares = len(deviations), sum(d * d for d in deviations)
    ranked = sorted(deviations)
    # d/sqrt(squares/m) as a studentised sum: m*d over the root of m*squares.

    def first_at(edge: int) -> int:
        return bisect.bisect_left(
            ranked, True, key=lambda d: studentised_at_least(m * d, m * squares, edge, PER_UNIT**2)
        )

    first = [first_at(edge) for edge in range(-_EDGES, _EDGES + 1)]
    counts = [b - a for a, b in itertools.pairwise([0, *first, m])]
    return Histogram(tuple(counts), bin_of(m * own, m * squares), STANDARDISED)


def histogram(bins: npt.NDArray[np.int64] | Sequence[int], own_bin: int) -> Histogram:
    """Count draws by their bins.

    Parameters
    ----------
    bins : ndarray of int64 or sequence of int, shape (n_draws,)
    own_bin : int
    """
    counts = np.bincount(np.asarray(bins, np.int64), minlength=BINS)
    return Histogram(tuple(counts.tolist()), own_bin)
