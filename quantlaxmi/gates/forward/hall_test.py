"""The equity test on any number of buckets, with the figures that reports show of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from quantlaxmi.gates.results import Json, decimal_text, rounded
from quantlaxmi.stats.hall_t import hall_t
from quantlaxmi.stats.student_t import t_quantile, t_tail

__all__ = ["HallTest", "hall_test", "money"]


@dataclass(frozen=True, slots=True)
class HallTest:
    """The outcome of the test.

    Attributes
    ----------
    passed : bool
    statistic, quantile : Decimal
    p_value : float
    details : dict
        Figures for a report.
    """

    passed: bool
    statistic: Decimal
    quantile: Decimal
    p_value: float
    details: dict[str, Json]


def money(value: Decimal, exponent: int) -> str:
    """A derived amount, nine significant digits."""
    return f"{rounded(float(value * Decimal(10) ** exponent)):.9g}"


def hall_test(net: Sequence[int], exponent: int, alpha: Decimal) -> HallTest | None:
    """Hall's t of net increments against Student's t with one degree fewer than there are.

    Parameters
    ----------
    net : sequence of int
        At least two.
    exponent : int
        Of the amounts.
    alpha : Decimal

    Returns
    -------
    HallTest or None
        None where all increments are equal.
    """
    found = hall_t(net)
    if found is None:
        return None
    degrees = len(net) - 1
    quantile, p = t_quantile(alpha, degrees), t_tail(found.statistic, degrees)
    details: dict[str, Json] = {
        "buckets": len(net),
        "sum": decimal_text(sum(net), exponent),
        "worst": decimal_text(min(net), exponent),
        "mean": money(found.mean, exponent),
        "sd": money(found.sd, exponent),
        "skew": rounded(float(found.skew)),
        "t": rounded(float(found.t)),
        "statistic": rounded(float(found.statistic)),
        "quantile": str(quantile),
        "degrees": degrees,
        "p_value": rounded(p),
    }
    return HallTest(found.statistic >= quantile, found.statistic, quantile, p, details)
