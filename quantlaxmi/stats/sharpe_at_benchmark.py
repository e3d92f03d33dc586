"""The Sharpe ratio tested with its error *at the benchmark*, for autocorrelated returns (2026)."""

from __future__ import annotations

import math

from quantlaxmi.stats.sharpe_variance import sharpe_variance

__all__ = ["min_track_record_at_benchmark", "sharpe_error", "sharpe_probability"]


def sharpe_error(
    sharpe: float,
    n: int,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    autocorrelation: float = 0.0,
) -> float:
    """Standard error of a Sharpe ratio whose true value is `sharpe`.

    Parameters
    ----------
    sharpe : float
        Per period.
    n : int
        Observations, at least 1.
    skew, kurtosis, autocorrelation : float

    Raises
    ------
    ValueError
        Without observations, or without such moments.

    References
    ----------
    Lopez de Prado, Lipton, Zoonekynd, How to use the Sharpe ratio (2026 revision).
    """
    if n < 1:
        raise ValueError(f"n was {n}, expected at least 1")
    return math.sqrt(sharpe_variance(sharpe, skew, kurtosis, autocorrelation) / n)


def sharpe_probability(
    sharpe: float,
    n: int,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    autocorrelation: float = 0.0,
) -> float:
    """Probability of a smaller observed ratio were the true one the benchmark.

    The error is taken at the benchmark, which is what a test of it asks; the probabilistic Sharpe
    ratio of 2012 takes it at the observed ratio. Parameters as `sharpe_error`.

    Raises
    ------
    ValueError
        As `sharpe_error`.

    References
    ----------
    Lopez de Prado, Lipton, Zoonekynd, How to use the Sharpe ratio (2026 revision).
    """
    from scipy.special import ndtr

    error = sharpe_error(benchmark, n, skew, kurtosis, autocorrelation)
    if error == 0.0:
        return 0.5 if sharpe == benchmark else float(sharpe > benchmark)
    return float(ndtr((sharpe - benchmark) / error))


def min_track_record_at_benchmark(
    sharpe: float,
    benchmark: float = 0.0,
    alpha: float = 0.05,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    autocorrelation: float = 0.0,
) -> float:
    """Observations at which `sharpe_probability` reaches 1 - alpha.

    Parameters as `sharpe_probability`; `alpha` is between 0 and 1.

    Raises
    ------
    ValueError
        When the ratio is not above the benchmark, or alpha or a moment out of range.

    References
    ----------
    Lopez de Prado, Lipton, Zoonekynd, How to use the Sharpe ratio (2026 revision).
    """
    from scipy.special import ndtri

    if not sharpe > benchmark:
        raise ValueError(f"sharpe was {sharpe}, expected above the benchmark {benchmark}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha was {alpha}, expected between 0 and 1")
    distance = float(ndtri(alpha)) / (sharpe - benchmark)
    return sharpe_variance(benchmark, skew, kurtosis, autocorrelation) * distance * distance
