"""Simes' p of the hypothesis that none of several effects is there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

__all__ = ["simes"]

Number = TypeVar("Number", float, Fraction)


def simes(p_values: Sequence[Number]) -> Number:
    """Global p: the smallest of ``n p_(i) / i``.

    Parameters
    ----------
    p_values : sequence of float or Fraction
        At least one; fractions stay exact.

    Returns
    -------
    float or Fraction
        Valid for independent and for positively dependent tests.

    Raises
    ------
    ValueError
        Without p-values.

    References
    ----------
    Simes (1986), An improved Bonferroni procedure for multiple tests of significance,
    Biometrika 73(3); Sarkar (1998), Annals of Statistics 26(2), for dependence.

    Examples
    --------
    >>> simes([0.01, 0.02, 0.9])
    0.03
    """
    if not p_values:
        raise ValueError("simes takes at least one p-value")
    n = len(p_values)
    return min(p * n / rank for rank, p in enumerate(sorted(p_values), 1))
