"""What carries a run's money: price moves, spread, fees, funding or interest."""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.gates.context import Amounts

__all__ = ["carried_by", "what_to_change"]

#: What to change where a part takes the money.
_ADVICE = {
    "price moves": "Change the rule",
    "spread": "Trade less often",
    "fees": "Trade less often",
    "funding": "Hold less through settlements",
    "interest": "Hold less borrowed spot",
    "rounding": "Trade on fewer days",
}


def _parts(amounts: Amounts) -> dict[str, int]:
    """Gains above 0, costs below."""
    return {
        "price moves": amounts.gross,
        "spread": -amounts.slippage,
        "fees": -amounts.fees,
        "funding": amounts.funding,
        "interest": -amounts.borrow,
        "rounding": -amounts.rounding,
    }


def carried_by(amounts: Amounts, exponent: int) -> str:
    """What a run's money is made of, and which part carries or takes it, in one sentence.

    Parameters
    ----------
    amounts : Amounts
    exponent : int
        Of the amounts, as money.

    Examples
    --------
    >>> from quantlaxmi.gates.context import Amounts
    >>> carried_by(Amounts(40, 12, 70, 0, 0, 0, 2), -1)
    'Gained by price moves, lost by fees: price moves 4, spread -1.2, fees -7.'
    >>> carried_by(Amounts(-5, -2, 1, 90, 0, 0, 2), -1)
    'Carried by funding: price moves -0.5, spread 0.2, fees -0.1, funding 9.'
    """
    unit = Fraction(10) ** exponent
    parts = _parts(amounts)
    shown = ", ".join(f"{name} {float(value * unit):.6g}" for name, value in parts.items() if value)
    if not shown:
        return "It is made of nothing."
    most, least = (pick(parts, key=lambda name: parts[name]) for pick in (max, min))
    if amounts.net > 0:
        return f"Carried by {most}: {shown}."
    if parts[most] <= 0:
        return f"Lost by {least}: {shown}."
    return f"Gained by {most}, lost by {least}: {shown}."


def what_to_change(amounts: Amounts) -> str:
    """What to change where a run earns too little: a clause without its full stop.

    Examples
    --------
    >>> from quantlaxmi.gates.context import Amounts
    >>> what_to_change(Amounts(40, 12, 70, 0, 0, 0, 2))
    'Trade less often'
    >>> what_to_change(Amounts(40, 12, 1, 0, 0, 0, 2))  # too little, and no cost takes it
    'Change the rule'
    """
    parts = _parts(amounts)
    if amounts.net > 0:
        return _ADVICE["price moves"]
    return _ADVICE[min(parts, key=lambda name: parts[name])]
