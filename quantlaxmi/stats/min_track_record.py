"""Minimum track record length (2012): observations needed before a Sharpe ratio is significant."""

from __future__ import annotations

from quantlaxmi.stats.sharpe_variance import sharpe_variance

__all__ = ["min_track_record"]


def min_track_record(
    sharpe: float,
    benchmark: float = 0.0,
    alpha: float = 0.05,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Observations at which the probabilistic Sharpe ratio reaches 1 - alpha.

    Parameters
    ----------
    sharpe, benchmark : float
        Per period, the first above the second.
    alpha : float
        Between 0 and 1.
    skew, kurtosis : float

    Returns
    -------
    float
        ``1 + (1 - skew SR + (kurtosis - 1)/4 SR^2) (z_alpha / (SR - SR*))^2``.

    Raises
    ------
    ValueError
        When the ratio is not above the benchmark, or alpha out of range.

    References
    ----------
    Bailey, Lopez de Prado (2012), The Sharpe ratio efficient frontier, J. Risk 15(2).
    """
    from scipy.special import ndtri

    if not sharpe > benchmark:
        raise ValueError(f"sharpe was {sharpe}, expected above the benchmark {benchmark}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha was {alpha}, expected between 0 and 1")
    distance = float(ndtri(alpha)) / (sharpe - benchmark)
    return 1.0 + sharpe_variance(sharpe, skew, kurtosis) * distance * distance
