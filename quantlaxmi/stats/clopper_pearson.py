"""Clopper-Pearson interval of a binomial share."""

from __future__ import annotations

__all__ = ["clopper_pearson"]


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a binomial probability.

    Parameters
    ----------
    successes, trials : int
    confidence : float
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    ValueError
        When the counts cannot be counts.

    References
    ----------
    Clopper, Pearson (1934), The use of confidence or fiducial limits, Biometrika 26.
    """
    from scipy.special import betaincinv

    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials cannot be")
    tail = (1.0 - confidence) / 2.0
    lower, upper = 0.0, 1.0
    if successes > 0:
        lower = float(betaincinv(successes, trials - successes + 1, tail))
    if successes < trials:
        upper = float(betaincinv(successes + 1, trials - successes, 1.0 - tail))
    return lower, upper
