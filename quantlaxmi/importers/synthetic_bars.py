"""Seeded bars of a random walk, in memory: a market to try a strategy over bars on."""

from __future__ import annotations

import random
from typing import Final

from quantlaxmi.importers.frame import from_frame
from quantlaxmi.segment import HeldSegment

__all__ = ["generate_bars"]

#: 2024-01-01 07:00 UTC; an hour; cents of the first price, of a move, of the least price.
_BEGIN_S: Final = 1_704_092_400
_STEP_S: Final = 3_600
_PRICE, _MOVE, _LEAST = 4_200_000, 20_000, 100_000


def generate_bars(rows: int, seed: int = 1) -> HeldSegment:
    """Make hourly bars of BTCUSDT and BTCUSDT-PERP, the perpetual some cents off the spot market.

    Parameters
    ----------
    rows : int
        Of each of the two.
    seed : int

    Returns
    -------
    HeldSegment
    """
    rng = random.Random(seed)
    names = ("open", "high", "low", "close")
    times = [_BEGIN_S + _STEP_S * k for k in range(rows)]
    spot: dict[str, list[int]] = {name: [] for name in names}
    price = _PRICE
    for _ in range(rows):
        begin = price
        price = max(_LEAST, begin + rng.randrange(-_MOVE, _MOVE + 1))
        high = max(begin, price) + rng.randrange(_MOVE // 4)
        low = min(begin, price) - rng.randrange(_MOVE // 4)
        for name, cents in zip(names, (begin, high, low, price), strict=True):
            spot[name].append(cents)
    frames = {}
    for kind, more in (("spot", 0), ("perp", 750)):
        volumes = [rng.randrange(100, 2_000) for _ in range(rows)]
        prices = {name: [(cents + more) / 100 for cents in spot[name]] for name in names}
        frames[kind] = {"time": times, **prices, "volume": volumes}
    return from_frame(frames, symbol="BTCUSDT")
