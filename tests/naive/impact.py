"""Naive twin of impact, in Python integers and Fractions, from its formula.

A taker's fill at a displayed price p is booked at p + s * ceil(p * (f + r * R) / 10**4), where f
and r are in basis points, s is the side and R the square root of (the order's quantity over the
touch it meets), rounded up to 2**-32. It does not pass a limit, and no price falls below one unit.
"""

from __future__ import annotations

import math
from fractions import Fraction

from quantlaxmi.schema import FillFlag, OrderType
from tests.naive.books import Row
from tests.naive.engine import Engine

Impact = tuple[Fraction, Fraction]  # fixed and square root, in bps


def root(qty: int, touch: int) -> Fraction:
    """Square root of a ratio, rounded up to a multiple of 2**-32."""
    scaled = Fraction(qty, touch) * 2**64
    found = math.isqrt(math.ceil(scaled))
    return Fraction(found + (found * found < scaled), 2**32)


def moved(price: int, side: int, qty: int, touch: int, impact: Impact) -> int:
    fixed, square = impact
    bps = fixed + (square * root(qty, touch) if square else 0)
    return max(1, price + side * math.ceil(price * bps / 10_000))


class ImpactEngine(Engine):
    """``impact`` by instrument."""

    def __init__(self, *args, impact: list[Impact], **options) -> None:
        self.impact, self.touch = impact, 1
        super().__init__(*args, **options)

    def _take(self, order: Row, filled: int, ts_ns: int, flags: int) -> int:
        book = self.market.books[order["instrument"]]
        self.touch = book.ask_qty if order["side"] > 0 else book.bid_qty
        self.asked_qty = order["qty"] - filled
        return super()._take(order, filled, ts_ns, flags)

    def book_fill(
        self, order: Row, price: int, qty: int, ts_ns: int, flags: int, left: int
    ) -> None:
        if not flags & FillFlag.MAKER:
            side, impact = order["side"], self.impact[order["instrument"]]
            price = moved(price, side, self.asked_qty, self.touch, impact)
            if order["order_type"] == OrderType.LIMIT:
                better = min if side > 0 else max
                price = better(price, order["limit_price"])
        super().book_fill(order, price, qty, ts_ns, flags, left)
