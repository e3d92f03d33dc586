"""Newey-West long-run variance of a series."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["newey_west"]


def newey_west(series: Sequence[int | Fraction], lags: int) -> Fraction:
    """Long-run variance with Bartlett weights, exact.

    Parameters
    ----------
    series : sequence of int or Fraction
        At least one value.
    lags : int
        Autocovariances used, from 0 to ``len(series) - 1``.

    Returns
    -------
    fractions.Fraction
        ``g_0 + 2 sum_{k=1..L} (1 - k/(L + 1)) g_k`` with autocovariances
        ``g_k = sum_t (x_t - m)(x_{t+k} - m) / n``. Divided by n it estimates the variance of the
        mean.

    Raises
    ------
    ValueError
        When the series is empty or has no such lag.

    References
    ----------
    Newey, West (1987), A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix, Econometrica 55.
    """
    n = len(series)
    if not 0 <= lags < n:
        raise ValueError(f"{lags} lags of a series of {n}, expected 0 to {n - 1}")
    total = sum(series)
    # n times the deviations: integers stay integers.
    centred = [n * x - total for x in series]
    found = Fraction(0)
    for k in range(lags + 1):
        product = sum(a * b for a, b in zip(centred, centred[k:], strict=False))
        found += Fraction(product) * Fraction((2 if k else 1) * (lags + 1 - k), lags + 1)
    return found / n**3
