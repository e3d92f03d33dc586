"""A family's p-values and discoveries from their definitions, in fractions."""

from __future__ import annotations

from fractions import Fraction


def full_length_p(hits, length, h=10):
    """h/T where the h-th exceedance is draw T of at most `length`, else (b + 1)/(length + 1)."""
    b = 0
    for place, hit in enumerate(hits[:length], 1):
        b += hit
        if b == h:
            return Fraction(h, place)
    return Fraction(b + 1, length + 1)


def anytime_p(hits, made, h=10):
    """h/T where the h-th exceedance is draw T of those made, else h/(made + h - b)."""
    b = 0
    for place, hit in enumerate(hits[:made], 1):
        b += hit
        if b == h:
            return Fraction(h, place)
    return Fraction(h, made + h - b)


def step_up(p_values, q, factor=1):
    """Indices that are rejected: for the largest k with k of them at most k q/(M factor)."""
    n = len(p_values)
    for k in range(n, 0, -1):
        limit = Fraction(k) * q / (n * factor)
        found = [i for i, p in enumerate(p_values) if p <= limit]
        if len(found) >= k:
            return found
    return []
