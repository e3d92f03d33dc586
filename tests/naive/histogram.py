"""Naive twin of the histograms' bins: every edge in turn, in Fractions."""

from __future__ import annotations

from fractions import Fraction


def bin_of(s: int, q: int) -> int:
    """Edges at or below S/sqrt(Q), compared as signed squares."""
    square = Fraction(s * abs(s), q) if q else Fraction(0)
    edges = [Fraction(k, 4) for k in range(-24, 25)]
    return sum(edge * abs(edge) <= square for edge in edges)


def histogram(draws: list[tuple[int, int]]) -> list[int]:
    bins = [bin_of(s, q) for s, q in draws]
    return [bins.count(k) for k in range(50)]
