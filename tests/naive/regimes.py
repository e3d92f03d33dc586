"""Volatility of steps, from the definition: all sums are made anew for every step."""

from __future__ import annotations

import statistics
from fractions import Fraction


def volatilities(price_at: list[int], window: int) -> list[bool]:
    """Whether the sum of squared moves before each step is above the median of those so far."""

    def total(k: int) -> int:
        pairs = ((price_at[j - 1], price_at[j]) for j in range(k - window + 1, k + 1))
        return sum((abs(b - a) * 10**9 // a) ** 2 for a, b in pairs)

    found = []
    for k in range(len(price_at)):
        if k < window:
            found.append(False)
            continue
        sums = [Fraction(total(j)) for j in range(window, k + 1)]
        found.append(sums[-1] > statistics.median(sums))
    return found
