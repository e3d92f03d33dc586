"""Lo's factor from a period's Sharpe ratio to that of q periods, for AR(1) returns."""

from __future__ import annotations

import math

__all__ = ["sharpe_scaling"]


def sharpe_scaling(periods: int, autocorrelation: float = 0.0) -> float:
    """Factor eta(q) that takes the place of the square root of q.

    Parameters
    ----------
    periods : int
        q, at least 1.
    autocorrelation : float
        Of first order, between -1 and 1; that of order k is its k-th power.

    Returns
    -------
    float
        ``q / sqrt(q + 2 sum_{k=1..q-1} (q - k) r^k)``.

    Raises
    ------
    ValueError
        When a parameter is out of range.

    References
    ----------
    Lo (2002), The statistics of Sharpe ratios, Financial Analysts Journal 58(4), eq. 20 and 22.
    """
    q, r = periods, autocorrelation
    if q < 1 or not -1.0 < r < 1.0:
        raise ValueError(f"{q} periods with autocorrelation {r}, expected q >= 1 and |r| < 1")
    return q / math.sqrt(q + 2.0 * math.fsum((q - k) * r**k for k in range(1, q)))
