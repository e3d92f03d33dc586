"""False discovery rate: the step-up adjustments of Benjamini-Hochberg and Benjamini-Yekutieli."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

__all__ = ["benjamini_hochberg", "benjamini_yekutieli", "harmonic"]

Number = TypeVar("Number", float, Fraction)


def harmonic(n: int) -> Fraction:
    """``1 + 1/2 + ... + 1/n``."""
    return sum((Fraction(1, i) for i in range(1, n + 1)), Fraction(0))


def _step_up(p_values: Sequence[Number], factor: Number) -> list[Number]:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    adjusted = list(p_values)
    smallest = type(factor)(1)
    for k, i in enumerate(order):
        smallest = min(smallest, p_values[i] * factor / (len(order) - k))
        adjusted[i] = smallest
    return adjusted


def benjamini_hochberg(p_values: Sequence[Number]) -> list[Number]:
    """Adjusted p-values for independent or positively dependent tests.

    Parameters
    ----------
    p_values : sequence of float or Fraction
        All of one type; fractions stay exact.

    Returns
    -------
    list
        In the order given: ``min_{j >= i} min(1, M p_(j) / j)``.

    References
    ----------
    Benjamini, Hochberg (1995), Controlling the false discovery rate, J. R. Statist. Soc. B 57.
    """
    if not p_values:
        return []
    return _step_up(p_values, type(p_values[0])(len(p_values)))


def benjamini_yekutieli(p_values: Sequence[Number]) -> list[Number]:
    """Adjusted p-values for any dependence: those of Benjamini-Hochberg times ``1 + ... + 1/M``.

    Parameters
    ----------
    p_values : sequence of float or Fraction
        All of one type; fractions stay exact.

    Returns
    -------
    list
        In the order given, at most 1.

    References
    ----------
    Benjamini, Yekutieli (2001), The control of the false discovery rate in multiple testing under
    dependency, Annals of Statistics 29.
    """
    if not p_values:
        return []
    n = len(p_values)
    return _step_up(p_values, type(p_values[0])(n * harmonic(n)))
