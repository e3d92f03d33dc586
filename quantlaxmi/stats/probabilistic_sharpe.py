"""Probabilistic Sharpe ratio (2012): the chance that the true ratio is above a benchmark."""

from __future__ import annotations

import math

from quantlaxmi.stats.sharpe_variance import sharpe_variance

__all__ = ["probabilistic_sharpe"]


def probabilistic_sharpe(
    sharpe: float, n: int, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """PSR: normal probability of the distance in standard errors at the *observed* ratio.

    Parameters
    ----------
    sharpe, benchmark : float
        Per period, not annualised.
    n : int
        Observations, at least 2.
    skew, kurtosis : float

    Returns
    -------
    float
        ``Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1)/4 SR^2))``.

    Raises
    ------
    ValueError
        When there are fewer than two observations or no such moments.

    References
    ----------
    Bailey, Lopez de Prado (2012), The Sharpe ratio efficient frontier, J. Risk 15(2).
    """
    from scipy.special import ndtr

    if n < 2:
        raise ValueError(f"n was {n}, expected at least 2")
    error = math.sqrt(sharpe_variance(sharpe, skew, kurtosis) / (n - 1))
    if error == 0.0:
        return 0.5 if sharpe == benchmark else float(sharpe > benchmark)
    return float(ndtr((sharpe - benchmark) / error))
