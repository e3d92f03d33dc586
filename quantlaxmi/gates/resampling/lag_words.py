"""What is said of a lag profile: whether a step later most of the gross is gone, clearly."""

from __future__ import annotations

from typing import Final

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import Verdict, decimal_text, studentised

__all__ = ["judge_lag"]

#: A loss of this many standard errors is no chance.
_CLEAR: Final = 3


def judge_lag(
    context: GateContext, scale: int, gains: tuple[list[int], list[int]], step: str
) -> tuple[Verdict, str]:
    """WARN where a step later more than half of the gross is gone, by 3 standard errors.

    Parameters
    ----------
    context : GateContext
    scale : int
        Attribution units in one unit of the gains.
    gains : tuple of list of int
        Of each trip where it stands, and a step later.
    step : str
        What a step is, in words.
    """
    own, later = gains
    lost = [a - b for a, b in zip(own, later, strict=True)]
    s, squares = sum(lost), sum(x * x for x in lost)
    exponent = context.ledger_exponent - 1
    gross, left = sum(own), sum(later)
    change = (
        f"Gross with positions one {step} later: "
        f"{decimal_text(left * scale, exponent)} instead of {decimal_text(gross * scale, exponent)}"
    )
    size = studentised(s, squares)
    if gross > 0 and 2 * left < gross and s > 0 and s * s >= _CLEAR**2 * squares:
        return Verdict.WARN, (
            f"{change}, a loss of {size:.4g} standard errors, warning from {_CLEAR}. Check for a "
            "look one row ahead, for prices that no order could meet, and the real latency."
        )
    return Verdict.SHOWN, (
        f"{change}, {size:.4g} standard errors lost. A warning takes half of gross and "
        f"{_CLEAR} standard errors."
    )
