"""Naive twin of indicative funding rates: the published formula in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

HOUR_NS = 3_600 * 10**9
CLAMP = Fraction(5, 10_000)


def funding_rate(premium: Fraction, interest: Fraction) -> Fraction:
    """F = P + clamp(I - P, -0.05 %, 0.05 %)."""
    return premium + max(-CLAMP, min(CLAMP, interest - premium))


def indicative(
    bars: Sequence[tuple[int, str]],
    interval_ns: int,
    every_ns: int = 8 * HOUR_NS,
    interest: str = "0.0001",
) -> list[tuple[int, int]]:
    """When each bar ends, and the rate at 10**-8 that is known then.

    Parameters
    ----------
    bars : sequence of (int, str)
        When a bar of the premium index begins, and its close.
    """
    found = []
    for k, (open_ns, _) in enumerate(bars):
        end = open_ns + interval_ns
        begun = end - every_ns if end % every_ns == 0 else end - end % every_ns
        since = [
            (Fraction(open_ns + interval_ns - begun, interval_ns), Fraction(close))
            for open_ns, close in bars[: k + 1]
            if open_ns >= begun
        ]
        premium = sum(n * close for n, close in since) / sum(n for n, _ in since)
        own = Fraction(interest) * every_ns / (8 * HOUR_NS)
        found.append((end, round(funding_rate(premium, own) * 10**8)))
    return found
