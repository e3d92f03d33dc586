"""Holm's step-down adjustment of p-values."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

__all__ = ["holm"]

Number = TypeVar("Number", float, Fraction)


def holm(p_values: Sequence[Number]) -> list[Number]:
    """Adjusted p-values that control the family-wise error under any dependence.

    Parameters
    ----------
    p_values : sequence of float or Fraction
        Fractions stay exact.

    Returns
    -------
    list
        In the order given: ``max_{j <= i} min(1, (M - j + 1) p_(j))``.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = list(p_values)
    for rank, i in enumerate(order):
        value = min(type(p_values[i])(1), p_values[i] * (len(order) - rank))
        before = adjusted[order[rank - 1]] if rank else value
        adjusted[i] = max(before, value)
    return adjusted
