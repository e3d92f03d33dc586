"""Naive twin of the fair-variance null, from its five steps, in Python numbers and lists.

One session day and one expiry: forwards F, total volatilities s at the money, strikes, and for each
snapshot a smile: strikes and volatilities over the one at the money.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

Smile = tuple[Sequence[float], Sequence[float]]


class Step(NamedTuple):
    """A drawn snapshot: forward, total volatility, calls before and after the compensator."""

    forward: float
    vol: float
    raw: list[float]
    call: list[float]


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def black(forward: float, strike: float, vol: float) -> float:
    """A call, by Black's formula."""
    d1 = math.log(forward / strike) / vol + vol / 2
    return forward * _normal(d1) - strike * _normal(d1 - vol)


def read(smile: Smile, place: float) -> float:
    """Linear in the strike, flat outside."""
    strikes, ratios = smile
    if place <= strikes[0]:
        return ratios[0]
    if place >= strikes[-1]:
        return ratios[-1]
    k = next(k for k in range(1, len(strikes)) if place <= strikes[k])
    share = (place - strikes[k - 1]) / (strikes[k] - strikes[k - 1])
    return ratios[k - 1] + (ratios[k] - ratios[k - 1]) * share


def decayed(s: float, r: float) -> float:
    """d(s, r)."""
    return math.sqrt(s * s - min(r * r, s * s / 16))


def path(
    forwards: Sequence[float],
    vols: Sequence[float],
    strikes: Sequence[float],
    smiles: Sequence[Smile],
    signs: Sequence[int],
    compensate: bool = True,
) -> list[Step]:
    """One draw; ``signs[t]`` is that of the move that ends at snapshot ``t + 1``."""

    def calls(t: int, f: float, s: float) -> list[float]:
        found = []
        for k in strikes:
            place = forwards[t] * math.exp(vols[t] * math.log(k / f) / s)
            found.append(black(f, k, s * read(smiles[t], place)))
        return found

    f, s = forwards[0], vols[0]
    now = calls(0, f, s)
    added = [0.0] * len(strikes)
    steps = [Step(f, s, now, list(now))]
    for t, sign in enumerate(signs, 1):
        r = forwards[t] / forwards[t - 1] - 1
        delta = vols[t] - decayed(vols[t - 1], r)
        d = decayed(s, r)
        delta = max(-d / 2, min(d / 2, delta))
        ways = {e: (f * (1 + e * r), d + e * delta) for e in (1, -1)}
        nexts = {e: calls(t, *way) for e, way in ways.items()}
        if compensate:
            for k in range(len(strikes)):
                added[k] += now[k] - (nexts[1][k] + nexts[-1][k]) / 2
        (f, s), now = ways[sign], nexts[sign]
        steps.append(Step(f, s, now, [a + b for a, b in zip(now, added, strict=True)]))
    return steps


def quote(mid: float, bid: int, ask: int, tick: int) -> tuple[int, int, bool]:
    """Quotes around a mid with a recorded spread, rounded outward; whether it was below a tick."""
    below = mid < tick
    if bid <= 0 or ask <= 0:
        return 0, 0, below
    half = (ask - bid) / 2
    mid = max(mid, tick)
    # a millionth of a tick is rounding
    return (
        max(0, math.floor((mid - half) / tick + 1e-6)) * tick,
        math.ceil((mid + half) / tick - 1e-6) * tick,
        below,
    )


def nearest(strikes: Sequence[int], place: float) -> int:
    """Index of the strike nearest to a place, the lower one of two."""
    return min(range(len(strikes)), key=lambda k: (abs(strikes[k] - place), strikes[k]))
