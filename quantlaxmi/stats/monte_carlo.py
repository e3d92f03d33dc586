"""Monte Carlo p-values from counts, and exact comparison of studentised sums."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = [
    "exceedances",
    "monte_carlo_p",
    "sequential_p",
    "studentised_at_least",
    "wide_ints",
]


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


def exceedances(sums: npt.NDArray[np.uint64], s_own: int, q_own: int) -> list[bool]:
    """For each draw, whether its studentised sum is at least the strategy's.

    Parameters
    ----------
    sums : ndarray of uint64, shape (n_draws, 4)
        S and Q as (high, low) pairs.
    s_own, q_own : int
    """
    s = wide_ints(sums[:, 0], sums[:, 1])
    q = wide_ints(sums[:, 2], sums[:, 3])
    return [studentised_at_least(a, b, s_own, q_own) for a, b in zip(s, q, strict=True)]
