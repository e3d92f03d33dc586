"""Makers: post-only orders at both touches, filled by trades that know what comes, or do not.

After each row there is a trade of the whole touch, by a fair coin a purchase or a sale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, START_PRICE, Trades, make_market
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.world import EITHER, EQUITY, PREMIUM, SD, TIMING, Case, World, rule
from quantlaxmi.schema import I64
from quantlaxmi.segment.memory import MemorySegment

__all__ = ["BUYERS", "EDGES", "WORLDS"]

ROWS = 3000
#: Half the spread: half a s.d. of a row's noise elsewhere.
HALF = SD * MOVE // 2 // 4000 * 4000
#: The stream of the coins that decide who trades.
BUYERS = NOISE + 1
_FULL = 10**9


def _scaled(noise: I64, most: int) -> I64:
    """The noise in whole steps, so large that none passes `most`: symmetric as it was."""
    return noise * (most // (1 << 17))


def _segment(bid: I64, ask: I64, side: I64) -> MemorySegment:
    """Quotes of a small size, and after each a trade that takes all of one touch."""
    rows = len(bid)
    small = np.full(rows, 10**6)
    trades = Trades(np.arange(rows), np.where(side > 0, ask, bid), np.full(rows, _FULL), side)
    return make_market(bid, ask, sizes=(small, small), trades=trades)


@dataclass(frozen=True, slots=True)
class _Maker:
    """The mid goes `impact` thousandths of half a spread the way of each trade, and by noise.

    At 1,000 a trade tells so much that its price is the new mean: neither side gains.
    """

    impact: int

    def __call__(self, draws: Draws, search: bool) -> Case:
        side = draws.sides(BUYERS, ROWS)
        moves = side * (HALF // 1000 * self.impact) + _scaled(draws.noise(ROWS), HALF)
        mid = START_PRICE + np.append([0], np.cumsum(moves)[:-1])
        segment = _segment(mid - HALF, mid + HALF, side)
        return Case(segment, rule(draws, search, rule="maker", rows=ROWS, levels=1))


def _flow(draws: Draws, search: bool) -> Case:
    """Trades follow the last one's side at chance 3/4; quotes are means given the next trade.

    With s the side and E s its mean, the price goes from v to v + θ (s - E s) + noise. Bid and ask
    are v + θ (∓1 - E s): a trade's price is the new mean.
    """
    same = draws.below(BUYERS, ROWS, 4) > 0
    side = np.cumprod(np.where(same, 1, -1))
    theta = HALF
    mean = np.append([0], side[:-1]) * (theta // 2)  # of θ s, given the side before
    moves = theta * side - mean + _scaled(draws.noise(ROWS), theta // 2)
    value = START_PRICE + np.append([0], np.cumsum(moves)[:-1])
    segment = _segment(value - theta - mean, value + theta - mean, side)
    return Case(segment, rule(draws, search, rule="maker", rows=ROWS, levels=1))


#: Orders that rest have no path, so the market null judges none of them.
NULLS = (EQUITY, TIMING, PREMIUM, EITHER)
WORLDS: tuple[World, ...] = (
    World(
        "makers",
        "a post-only order at each touch, one unit at most; after a trade of side s the mid goes "
        "by s h + noise, h half the spread: the price of each fill is the new mean",
        _Maker(1000),
        nulls=NULLS,
        searched=False,
    ),
    World(
        "makers-in-flow",
        "the same where trades follow the side of the last one at chance 3/4; bid and ask are the "
        "means of the price given a sale and a purchase",
        _flow,
        nulls=NULLS,
        searched=False,
    ),
)
EDGES: tuple[World, ...] = (
    World(
        "makers-t4",
        "the same maker where the mid goes by 0.83 s h: a t of about 4",
        _Maker(830),
        nulls=(),
        expected=391 / 400,
    ),
)
