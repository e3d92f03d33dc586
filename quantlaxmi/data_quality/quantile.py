"""Quantiles that occur, and ratios in bps, of integers of any size."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.data_quality.figures import BPS_EXPONENT, SHARES, Quantiles

__all__ = ["bps_quantiles", "quantiles", "wide"]

_BPS_SCALE: Final = 10**8


def quantiles(values: NDArray[Any], exponent: int) -> Quantiles | None:
    """Compute the quantiles of integers at `SHARES`.

    Parameters
    ----------
    values : ndarray of int64 or of Python integers, shape (n_values,)
        Mantissas.
    exponent : int
        Power of ten of the values.

    Returns
    -------
    Quantiles or None
        None where there are no values.

    References
    ----------
    Definition 1 of Hyndman, Fan, "Sample quantiles in statistical packages", The American
    Statistician 50 (1996): the inverse of the empirical distribution function.

    Examples
    --------
    >>> quantiles(np.array([30, 10, 20]), -2).values[-1]
    30
    """
    n = len(values)
    if not n:
        return None
    ranked = np.sort(values)
    places = [max(1, -(-share * n // 100)) - 1 for share in SHARES]
    return Quantiles(n=n, exponent=exponent, values=tuple(int(ranked[k]) for k in places))


def wide(values: NDArray[Any], factor: int = 1) -> NDArray[Any]:
    """``values * factor``: in 64 bits where it and a sum of two fit, else as Python integers."""
    if values.dtype != object:
        ends = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        if max(map(abs, ends)) * factor < 1 << 62:
            return values.astype(np.int64) * factor
    return values.astype(object) * factor


def bps_quantiles(num: NDArray[Any], den: NDArray[Any]) -> Quantiles | None:
    """Quantiles of ``num / den`` in 10**-4 bps, rounded down; ``den`` is positive."""
    return quantiles(wide(num, _BPS_SCALE) // den, BPS_EXPONENT)
