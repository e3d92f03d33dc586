"""Ledoit and Wolf's test of the difference of two Sharpe ratios, robust to tails and dependence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["SharpeDifference", "difference_variance", "sharpe_difference"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SharpeDifference:
    """The difference of two Sharpe ratios of a period.

    Attributes
    ----------
    difference, error : float
        First less second, and its standard error.
    p_value : float
        Two-sided, normal.
    """

    difference: float
    error: float
    p_value: float


def difference_variance(means: F64, seconds: F64, covariance: F64) -> float:
    """Variance of the difference times the number of observations, by the delta method.

    Parameters
    ----------
    means, seconds : ndarray of float64, shape (2,)
        First and second moments about 0.
    covariance : ndarray of float64, shape (4, 4)
        Long-run covariance of the two series and of their squares.
    """
    cubed = (seconds - means * means) ** 1.5
    sign = np.array([1.0, -1.0])
    gradient = np.concatenate([sign * seconds / cubed, -sign * means / (2.0 * cubed)])
    return float(gradient @ covariance @ gradient)


def sharpe_difference(first: F64, second: F64, lags: int | None = None) -> SharpeDifference:
    """Test that two series observed together have one Sharpe ratio.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_observations,)
        Returns of the same periods, at least 10, neither constant.
    lags : int, optional
        Autocovariances of the long-run covariance, Bartlett weights; by default
        ``floor(4 (n/100)^(2/9))``.

    Returns
    -------
    SharpeDifference

    Raises
    ------
    ValueError
        When the series differ in length, are short or constant, or the lags out of range.

    Notes
    -----
    The paper takes a prewhitened quadratic-spectral kernel; Bartlett weights keep the long-run
    covariance positive without a bandwidth that is estimated. With lags 0 and normal returns the
    variance is that of Memmel (2003).

    References
    ----------
    Ledoit, Wolf (2008), Robust performance hypothesis testing with the Sharpe ratio, J. Empirical
    Finance 15(5); Memmel (2003), Performance hypothesis testing with the Sharpe ratio, Finance
    Letters 1; Newey, West (1994), Review of Economic Studies 61, for the lags.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=500)
    >>> sharpe_difference(x, x + rng.normal(size=500)).p_value > 0.05
    True
    """
    from scipy.special import ndtr

    n = len(first)
    if n < 10 or len(second) != n:
        raise ValueError(f"series of {n} and {len(second)} observations, expected 10 of each")
    lags = math.floor(4.0 * (n / 100.0) ** (2.0 / 9.0)) if lags is None else lags
    if not 0 <= lags < n:
        raise ValueError(f"{lags} lags of a series of {n}, expected 0 to {n - 1}")
    # A ratio does not change with its unit; moments of one size lose no digits.
    scaled = [series / series.std() if series.std() > 0.0 else None for series in (first, second)]
    if scaled[0] is None or scaled[1] is None:
        raise ValueError("a constant series has no Sharpe ratio")
    rows = np.column_stack([scaled[0], scaled[1], scaled[0] ** 2, scaled[1] ** 2])
    moments = rows.mean(axis=0)
    centred = rows - moments
    covariance = centred.T @ centred / n
    for k in range(1, lags + 1):
        product = centred[k:].T @ centred[:-k] / n
        covariance += (1.0 - k / (lags + 1.0)) * (product + product.T)
    means, seconds = moments[:2], moments[2:]
    ratios = means / np.sqrt(seconds - means * means)
    difference = float(ratios[0] - ratios[1])
    error = math.sqrt(max(difference_variance(means, seconds, covariance), 0.0) / n)
    if error == 0.0:
        return SharpeDifference(difference, 0.0, float(difference == 0.0))
    return SharpeDifference(difference, error, float(2.0 * ndtr(-abs(difference) / error)))
