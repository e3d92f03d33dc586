"""Naive twin of quantlaxmi.execution.ledger: recomputed from the list of fills, in Fractions.

Money is in units of the ledger; ``scale`` is the units of one price unit times one quantity unit.
"""

from fractions import Fraction

Fill = tuple[int, int, int]  # side, qty, price


def half_even(x: Fraction) -> int:
    return round(x)  # Fraction rounds half to even


def account(fills: list[Fill], scale: int) -> dict[str, int]:
    """Position, cost and realized PnL; each fill is split into a closing and an opening one."""
    position, cost, realized = 0, 0, 0
    parts: list[Fill] = []
    running = 0
    for side, qty, price in fills:
        closing = min(qty, max(0, -side * running))
        parts += [(side, q, price) for q in (closing, qty - closing) if q]
        running += side * qty
    for side, qty, price in parts:
        notional = qty * price * scale
        if position * side < 0:
            released = half_even(Fraction(cost * qty, abs(position)))
            realized += notional - released if side < 0 else released - notional
            cost -= released
        else:
            cost += notional
        position += side * qty
    return {"position": position, "cost": cost, "realized": realized}


def cash(fills: list[Fill], scale: int) -> int:
    return sum(-side * qty * price * scale for side, qty, price in fills)
