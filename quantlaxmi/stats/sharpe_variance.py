"""Variance of an estimated Sharpe ratio: the terms that the ratios of this folder share."""

from __future__ import annotations

__all__ = ["sharpe_variance"]


def sharpe_variance(
    sharpe: float, skew: float = 0.0, kurtosis: float = 3.0, autocorrelation: float = 0.0
) -> float:
    """Asymptotic variance of the Sharpe ratio, times the number of observations.

    Parameters
    ----------
    sharpe : float
        A period's mean over its standard deviation, not annualised.
    skew, kurtosis : float
        Of the returns; 3 is the normal kurtosis.
    autocorrelation : float
        Of first order, between -1 and 1; the returns are taken for AR(1).

    Returns
    -------
    float
        ``(1+r)/(1-r) - skew SR (1+r+r^2)/(1-r^2) + (kurtosis-1)/4 SR^2 (1+r^2)/(1-r^2)``.

    Raises
    ------
    ValueError
        When no returns have such moments, or the autocorrelation is out of range.

    References
    ----------
    Mertens (2002), Comments on variance of the IID estimator in Lo (2002); for r other than 0 Lopez
    de Prado, Lipton, Zoonekynd, How to use the Sharpe ratio.
    """
    r = autocorrelation
    if not -1.0 < r < 1.0:
        raise ValueError(f"autocorrelation was {r}, expected between -1 and 1")
    if kurtosis < 1.0 + skew * skew:
        raise ValueError(f"kurtosis was {kurtosis} with skew {skew}, expected at least 1 + skew^2")
    level = (1.0 + r) / (1.0 - r)
    tilt = skew * sharpe * (1.0 + r + r * r) / (1.0 - r * r)
    tails = (kurtosis - 1.0) / 4.0 * sharpe * sharpe * (1.0 + r * r) / (1.0 - r * r)
    return level - tilt + tails
