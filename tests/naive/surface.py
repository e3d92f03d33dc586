"""Naive twin of a chain's surface, from its formulas, in Fractions and long decimals.

A row is (strike, call bid, call ask, put bid, put ask) in price units; 0 is no quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from tests.naive import black76

Row = tuple[int, int, int, int, int]


def exact(value: Fraction) -> Decimal:
    with localcontext(black76._work()):
        return Decimal(value.numerator) / value.denominator


def mid(row: Row, call: bool) -> Fraction | None:
    bid, ask = (row[1], row[2]) if call else (row[3], row[4])
    return Fraction(bid + ask, 2) if bid > 0 and ask > 0 else None


def forward(rows: Sequence[Row]) -> tuple[Fraction | None, int]:
    """Forward in price units, and the number of strikes that made it."""
    pairs = []
    for row in rows:
        call, put = mid(row, True), mid(row, False)
        if call is not None and put is not None:
            pairs.append((abs(call - put), row[0], row, row[0] + call - put))
    best = sorted(pairs)[:5]
    weights = [Fraction(1, max(1, r[2] - r[1] + r[4] - r[3])) for _, _, r, _ in best]
    if not best:
        return None, 0
    total = sum(w * value for w, (_, _, _, value) in zip(weights, best, strict=True))
    return total / sum(weights), len(best)


def nearest(rows: Sequence[Row], at: Fraction) -> int:
    return min(range(len(rows)), key=lambda k: (abs(rows[k][0] - at), rows[k][0]))


def volatility(row: Row, call: bool, at: Fraction, years: float, unit: int) -> Decimal | None:
    """At the mid; None where it is not quoted. The forward is rounded as a double is."""
    price = mid(row, call)
    if price is None:
        return None
    return black76.volatility(
        exact(price / unit), float(at / unit), float(Fraction(row[0], unit)), years, call
    )


def skew(rows: Sequence[Row], at: Fraction, years: float, unit: int) -> Decimal | None:
    found = []
    for side, call in ((Fraction(103, 100), True), (Fraction(97, 100), False)):
        target = at * side
        quoted = [r for r in rows if mid(r, call) is not None]
        under = [r for r in quoted if r[0] <= target]
        over = [r for r in quoted if r[0] > target]
        if not under or not over:
            return None
        low = volatility(under[-1], call, at, years, unit)
        high = volatility(over[0], call, at, years, unit)
        if low is None or high is None:
            return None
        share = exact((target - under[-1][0]) / (over[0][0] - under[-1][0]))
        found.append(low + (high - low) * share)
    return (found[0] - found[1]) / Decimal("0.06")
