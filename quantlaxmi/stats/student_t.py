"""The plain t of a mean, and quantiles of Student's distribution that decide."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from quantlaxmi.stats.hall_t import EXACT

__all__ = ["mean_t", "t_quantile", "t_tail"]

#: Quantiles 0.95 that verdicts rest on, as published for the gates: they do not depend on a
#: library's version. Degrees of freedom: quantile.
_PINNED = {
    199: Decimal("1.6525467461665633"),
    39: Decimal("1.6848751217112248"),
    9: Decimal("1.833112932656237"),
}


def mean_t(values: Sequence[int]) -> Decimal | None:
    """The t of a mean against 0: ``sqrt(n) m / s``, s with divisor n - 1.

    Parameters
    ----------
    values : sequence of int
        At least two.

    Returns
    -------
    Decimal or None
        50 digits, half-even; None where all values are equal.

    Raises
    ------
    ValueError
        For fewer than two values.

    References
    ----------
    Student (1908), The probable error of a mean, Biometrika 6(1).

    Examples
    --------
    >>> mean_t([1, 2, 3]).quantize(Decimal("1.000000"))
    Decimal('3.464102')
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"mean_t takes at least 2 values, got {n}")
    total = sum(values)
    squares = sum((n * v - total) ** 2 for v in values)
    if squares == 0:
        return None
    with localcontext(EXACT):
        # sqrt(n) (total/n) / sqrt(squares/n^2/(n - 1)) = total sqrt(n (n - 1) / squares)
        return Decimal(total) * (Decimal(n * (n - 1)) / Decimal(squares)).sqrt()


def t_quantile(alpha: Decimal, degrees: int) -> Decimal:
    """The value that a t of so many degrees exceeds with chance `alpha`.

    Parameters
    ----------
    alpha : Decimal
        Above 0, at most 0.5.
    degrees : int
        At least 1.

    Returns
    -------
    Decimal
        For 0.05 and 199, 39 or 9 degrees the published constant; else 12 significant digits of
        SciPy's.

    Raises
    ------
    ValueError
        For a level or degrees out of range.

    Examples
    --------
    >>> t_quantile(Decimal("0.05"), 9)
    Decimal('1.833112932656237')
    """
    if not 0 < alpha <= Decimal("0.5"):
        raise ValueError(f"alpha was {alpha}, expected above 0, at most 0.5")
    if degrees < 1:
        raise ValueError(f"degrees was {degrees}, expected at least 1")
    if alpha == Decimal("0.05") and degrees in _PINNED:
        return _PINNED[degrees]
    from scipy.special import stdtrit

    return Decimal(f"{float(stdtrit(degrees, 1.0 - float(alpha))):.12g}")


def t_tail(value: Decimal, degrees: int) -> float:
    """Chance that a t of so many degrees is at least `value`; for show.

    Examples
    --------
    >>> round(t_tail(Decimal("1.833112932656237"), 9), 9)
    0.05
    """
    from scipy.special import stdtr

    return float(stdtr(degrees, -float(value)))
