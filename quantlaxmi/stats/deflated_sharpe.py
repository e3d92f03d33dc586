"""Deflated Sharpe ratio (2014): the probabilistic ratio against the best of N unskilled trials."""

from __future__ import annotations

import math

from quantlaxmi.stats.probabilistic_sharpe import probabilistic_sharpe

__all__ = ["deflated_sharpe", "expected_maximum"]

EULER_GAMMA = 0.577215664901532860606512090082


def expected_maximum(trials: int) -> float:
    """Expected largest of independent standard normal numbers, by its asymptotic formula.

    Parameters
    ----------
    trials : int
        At least 2.

    Returns
    -------
    float
        ``(1 - g) z(1 - 1/N) + g z(1 - 1/(N e))`` with Euler's constant g.

    Raises
    ------
    ValueError
        Below two trials.
    """
    from scipy.special import ndtri

    if trials < 2:
        raise ValueError(f"trials was {trials}, expected at least 2")
    # z(1 - x) = -z(x) keeps the digits that 1 - x loses.
    near, far = -float(ndtri(1.0 / trials)), -float(ndtri(1.0 / (trials * math.e)))
    return (1.0 - EULER_GAMMA) * near + EULER_GAMMA * far


def deflated_sharpe(
    sharpe: float,
    n: int,
    trials: int,
    variance: float,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> tuple[float, float]:
    """DSR: probabilistic Sharpe ratio against the expected best of `trials` without skill.

    Parameters
    ----------
    sharpe : float
        Of the chosen trial, per period.
    n : int
        Observations.
    trials : int
        Independent ones, at least 2.
    variance : float
        Of the trials' ratios, per period.
    skew, kurtosis : float
        Of the chosen trial's returns.

    Returns
    -------
    tuple of float
        The benchmark SR0 and the DSR.

    Raises
    ------
    ValueError
        When the variance is negative, or as `probabilistic_sharpe` and `expected_maximum` do.

    References
    ----------
    Bailey, Lopez de Prado (2014), The deflated Sharpe ratio, J. Portfolio Management 40(5).
    """
    if not variance >= 0.0:
        raise ValueError(f"variance was {variance}, expected at least 0")
    benchmark = math.sqrt(variance) * expected_maximum(trials)
    return benchmark, probabilistic_sharpe(sharpe, n, benchmark, skew, kurtosis)
