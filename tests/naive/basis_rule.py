"""basis_capture's rule on mid prices, in Python ints: threshold, exit threshold, cooldown."""

from __future__ import annotations

from fractions import Fraction


class BasisRule:
    """Side of the perpetual to take (-1, 1), or 0; asked at every quote of either leg.

    Parameters are in basis points of the spot's mid and in nanoseconds.
    """

    def __init__(self, enter: Fraction, leave: Fraction, cooldown_ns: int) -> None:
        self.enter, self.leave, self.cooldown_ns = enter, leave, cooldown_ns
        self.last: int | None = None

    def side(self, now: int, spot2: int, perp2: int, held: int) -> int:
        """What to do, by twice the mids and the side held; the caller trades it."""
        if self.last is not None and now - self.last < self.cooldown_ns:
            return 0
        basis = Fraction((perp2 - spot2) * 10_000, spot2)
        side = 0
        if held == 0:
            if basis > self.enter:
                side = -1
            elif basis < -self.enter:
                side = 1
        elif (held < 0 and basis < self.leave) or (held > 0 and basis > -self.leave):
            side = -held
        if side:
            self.last = now
        return side
