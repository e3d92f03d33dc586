"""A t that allows for rare losses: Hall's correction, the worst value counted once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

__all__ = ["DIGITS", "EXACT", "HallT", "hall_t"]

#: Decimal digits that the statistic is computed with.
DIGITS = 50
EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class HallT:
    """The statistic and its parts, decimals of 50 digits.

    Attributes
    ----------
    n : int
        Values given; the statistic has one more, the worst of them again.
    total : int
        Sum of the values given.
    mean, sd, skew : Decimal
        Of the values and the worst one again; the standard deviation with divisor ``n``, the skew
        with divisor ``n + 1``.
    t : Decimal
        ``sqrt(n + 1) * mean / sd``.
    statistic : Decimal
        H: `t` corrected for negative skew.
    """

    n: int
    total: int
    mean: Decimal
    sd: Decimal
    skew: Decimal
    t: Decimal
    statistic: Decimal


def hall_t(values: Sequence[int]) -> HallT | None:
    """Hall's transformed t of integers, one-sided, for negative skew alone.

    The least value v is appended once more, because the losses that a sample does not have are
    those that count. With N values of mean m, variance ``s^2 = sum((v - m)^2)/(N - 1)`` and skew
    ``g = (sum((v - m)^3)/N) / (sum((v - m)^2)/N)^1.5``, and with ``a = min(0, g)/(6 sqrt(N))`` and
    ``t = sqrt(N) m/s``::

        H = t + a (1 + 2 t^2) + (4/3) a^2 t^3

    The sums are exact integers; roots and quotients have 50 decimal digits, half-even.

    Parameters
    ----------
    values : sequence of int
        At least two.

    Returns
    -------
    HallT or None
        None where all values are equal: the statistic has no scale.

    Raises
    ------
    ValueError
        For fewer than two values.

    References
    ----------
    Hall (1992), On the removal of skewness by transformation, J. R. Statist. Soc. B 54(1).

    Examples
    --------
    >>> found = hall_t([3, -1, 2, 2])
    >>> round(found.mean, 6), found.t > found.statistic
    (Decimal('1.000000'), True)
    """
    if len(values) < 2:
        raise ValueError(f"hall_t takes at least 2 values, got {len(values)}")
    every = [*values, min(values)]
    count, total = len(every), sum(every)
    # N times every deviation is an integer, so the central sums are exact.
    deviations = [count * v - total for v in every]
    second = sum(d * d for d in deviations)
    third = sum(d * d * d for d in deviations)
    if second == 0:
        return None
    with localcontext(EXACT):
        n, scale = Decimal(count), Decimal(count)
        mean = Decimal(total) / n
        squares = Decimal(second) / (scale * scale)
        sd = (squares / (n - 1)).sqrt()
        skew = (Decimal(third) / (scale * scale * scale) / n) / (
            (squares / n) * (squares / n).sqrt()
        )
        t = n.sqrt() * mean / sd
        a = min(Decimal(0), skew) / (6 * n.sqrt())
        h = t + a * (1 + 2 * t * t) + 4 * a * a * t * t * t / 3
    return HallT(len(values), total - min(values), mean, sd, skew, t, h)
