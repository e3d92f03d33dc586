"""Two one-sided tests: is a mean equivalent to zero?"""

from __future__ import annotations

import math

__all__ = ["tost_p"]


def tost_p(n: int, mean: float, deviation: float, margin: float) -> float:
    """P-value of the hypothesis that a mean is outside (-margin, margin).

    Parameters
    ----------
    n : int
        Observations, at least 2.
    mean, deviation : float
        Sample mean and standard deviation (n - 1 in its denominator), in one unit.
    margin : float
        Half width of the equivalence range, same unit, positive.

    Returns
    -------
    float
        The larger of the two one-sided p-values, Student's t with n - 1 degrees of freedom.
        A sample without spread gives 0 inside the margin and 1 outside.

    Raises
    ------
    ValueError
        When there are fewer than two observations or no margin.

    References
    ----------
    Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach,
    J. Pharmacokinetics and Biopharmaceutics 15(6).
    """
    from scipy.special import stdtr

    if n < 2 or not margin > 0:
        raise ValueError(f"n was {n} and margin {margin}, expected n >= 2 and margin > 0")
    error = deviation / math.sqrt(n)
    if error == 0.0:
        return 0.0 if abs(mean) < margin else 1.0
    below = float(stdtr(n - 1, -(mean + margin) / error))
    above = float(stdtr(n - 1, (mean - margin) / error))
    return max(below, above)
