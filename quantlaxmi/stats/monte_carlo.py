"""Monte Carlo p-values from counts, and exact comparison of studentised sums."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = [
    "exceedances",
    "monte_carlo_p",
    "sequential_p",
    "studentised_at_least",
    "studentised_doubles",
    "wide_ints",
]

#: Two statistics whose doubles are nearer than this, in parts of the larger, are compared exactly.
_NEAR = 1e-9


def monte_carlo_p(exceedances: int, draws: int) -> Fraction:
    """P-value of a fixed number of draws: (b + 1)/(m + 1), never 0.

    Parameters
    ----------
    exceedances : int
        Draws at least as large as the observed statistic; ties count.
    draws : int

    Returns
    -------
    fractions.Fraction

    Raises
    ------
    ValueError
        When the counts cannot be counts.

    References
    ----------
    Phipson, Smyth (2010), Permutation p-values should never be zero, SAGMB 9(1).
    """
    if not 0 <= exceedances <= draws:
        raise ValueError(f"{exceedances} exceedances of {draws} draws cannot be")
    return Fraction(exceedances + 1, draws + 1)


def sequential_p(exceedances: int, draws: int) -> Fraction:
    """P-value of drawing that stopped at its h-th exceedance: h/l after l draws.

    Parameters
    ----------
    exceedances, draws : int
        h and l; the last draw was an exceedance.

    Returns
    -------
    fractions.Fraction

    Raises
    ------
    ValueError
        When the counts cannot be counts.

    References
    ----------
    Besag, Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78(2).
    """
    if not 1 <= exceedances <= draws:
        raise ValueError(f"{exceedances} exceedances at the end of {draws} draws cannot be")
    return Fraction(exceedances, draws)


def studentised_at_least(s: int, q: int, s_own: int, q_own: int) -> bool:
    """Whether s/sqrt(q) >= s_own/sqrt(q_own), in exact integers.

    Parameters
    ----------
    s, q, s_own, q_own : int
        Sum and sum of squares of a draw and of the strategy. A sum whose squares are 0 has the
        statistic 0.
    """
    if q == 0:
        return s_own <= 0
    if q_own == 0:
        return s >= 0
    return s * abs(s) * q_own >= s_own * abs(s_own) * q


def wide_ints(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> list[int]:
    """Signed 128-bit integers from their halves.

    Parameters
    ----------
    high, low : ndarray of uint64, shape (n,)

    Returns
    -------
    list of int
    """
    halves = zip(high.view(np.int64).tolist(), low.tolist(), strict=True)
    return [(h << 64) + v for h, v in halves]


def studentised_doubles(sums: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """S/sqrt(Q) of every draw, off by less than 2**-47 of it; 0 where Q is 0.

    Parameters
    ----------
    sums : ndarray of uint64, shape (n_draws, 4)
        S and Q as (high, low) pairs.
    """
    s_high, s_low, q_high, q_low = (sums[:, k] for k in range(4))
    negative = s_high.view(np.int64) < 0
    # The magnitude of S first: doubles of a negative number's two halves would cancel.
    low = np.where(negative, ~s_low + np.uint64(1), s_low)
    carry = (negative & (s_low == 0)).astype(np.uint64)
    high = np.where(negative, ~s_high + carry, s_high)
    s = np.where(negative, -1.0, 1.0) * _magnitude(high, low)
    q = _magnitude(q_high, q_low)
    found: npt.NDArray[np.float64] = np.divide(s, np.sqrt(q), out=np.zeros(len(sums)), where=q > 0)
    return found


def _magnitude(
    high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float64]:
    return high.astype(np.float64) * 2.0**64 + low.astype(np.float64)


def exceedances(sums: npt.NDArray[np.uint64], s_own: int, q_own: int) -> list[bool]:
    """For each draw, whether its studentised sum is at least the strategy's.

    Doubles decide where the two are clear of one another, else integers.

    Parameters
    ----------
    sums : ndarray of uint64, shape (n_draws, 4)
        S and Q as (high, low) pairs.
    s_own, q_own : int
    """
    if q_own == 0:
        unclear, at_least = np.arange(len(sums)), np.zeros(len(sums), bool)
    else:
        found, own = studentised_doubles(sums), s_own / math.sqrt(q_own)
        off = _NEAR * np.maximum(1.0, np.maximum(np.abs(found), abs(own)))
        at_least = found >= own
        unclear = np.flatnonzero(~(np.abs(found - own) > off))
    s = wide_ints(sums[unclear, 0], sums[unclear, 1])
    q = wide_ints(sums[unclear, 2], sums[unclear, 3])
    at_least[unclear] = [
        studentised_at_least(a, b, s_own, q_own) for a, b in zip(s, q, strict=True)
    ]
    decided: list[bool] = at_least.tolist()
    return decided
