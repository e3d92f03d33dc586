"""An average-cost account in Python ints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Account:
    position: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0
    funding: int = 0
    borrow: int = 0
    base_owed: Fraction = Fraction(0)  # of fees in base, quantity units

    def fill(self, side: int, qty: int, notional_of: Callable[[int], int]) -> None:
        """Average cost with the total carried; a flip closes, then opens."""
        opening = qty
        if self.position * side < 0:
            closing = min(qty, abs(self.position))
            released = round(Fraction(self.cost * closing, abs(self.position)))
            # A long is closed by selling: proceeds minus cost. A short: cost minus outlay.
            self.realized += -side * (notional_of(closing) - released)
            self.cost -= released
            self.position += side * closing
            opening = qty - closing
        if opening:
            self.cost += notional_of(opening)
            self.position += side * opening
