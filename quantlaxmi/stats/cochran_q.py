"""Cochran's Q: do several estimates differ by more than their errors explain?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CochranQ", "cochran_q"]


@dataclass(frozen=True, slots=True)
class CochranQ:
    """Heterogeneity of estimates.

    Attributes
    ----------
    statistic : float
        Weighted sum of squared distances from the weighted mean.
    degrees : int
        One fewer than there are estimates.
    p_value : float
        Chance of a chi-squared of so many degrees to be at least as large.
    """

    statistic: float
    degrees: int
    p_value: float


def cochran_q(estimates: Sequence[float], variances: Sequence[float]) -> CochranQ:
    """Test that independent estimates have one mean.

    Parameters
    ----------
    estimates : sequence of float
        At least two.
    variances : sequence of float
        Their variances, above 0.

    Returns
    -------
    CochranQ

    Raises
    ------
    ValueError
        For fewer than two estimates, other lengths, or a variance that is not above 0.

    References
    ----------
    Cochran (1954), The combination of estimates from different experiments, Biometrics 10.

    Examples
    --------
    >>> found = cochran_q([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    >>> found.statistic, found.degrees, round(found.p_value, 12)
    (2.0, 2, 0.367879441171)
    """
    from scipy.special import chdtrc

    if len(estimates) < 2 or len(estimates) != len(variances):
        raise ValueError(
            f"{len(estimates)} estimates with {len(variances)} variances, expected at least 2 of "
            "each"
        )
    if not all(v > 0 for v in variances):
        raise ValueError(f"variances were {list(variances)}, expected above 0")
    weights = [1 / v for v in variances]
    mean = sum(w * x for w, x in zip(weights, estimates, strict=True)) / sum(weights)
    statistic = sum(w * (x - mean) ** 2 for w, x in zip(weights, estimates, strict=True))
    degrees = len(estimates) - 1
    return CochranQ(statistic, degrees, float(chdtrc(degrees, statistic)))
