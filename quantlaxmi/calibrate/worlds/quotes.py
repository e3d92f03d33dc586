"""Rules that look at spreads, sizes and old quotes, where none of them tells what comes."""

from __future__ import annotations

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, make_market, make_quotes, mids_of
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.noise import clustered
from quantlaxmi.calibrate.worlds.world import MARKET, SD, TESTS, Case, World, rule

__all__ = ["WORLDS"]

ROWS = 3000
#: Half spreads: so small that they cost nothing, and a twentieth of a row's move.
TINY, REAL = 10**4, SD * MOVE // 20


def _spread_and_size(draws: Draws, search: bool) -> Case:
    """Spreads are wide after large moves; the bid's size is larger after rises."""
    moves = clustered(draws, ROWS)
    mid = mids_of(moves)
    loud = np.abs(np.append([0], moves[:-1])) > 3 * SD
    up = np.append([False], moves[:-1] > 0)
    half = np.where(loud, 4 * TINY, TINY)
    drawn = (draws.below(NOISE + 7, ROWS, 8) + 1, draws.below(NOISE + 8, ROWS, 8) + 1)
    sizes = tuple(10**9 * (one + 2 * more) for one, more in zip(drawn, (up, ~up), strict=True))
    segment = make_market(mid - half, mid + half, sizes=(sizes[0], sizes[1]))
    settings = {"rule": "imbalance", "threshold": 2 * TINY, "every": 6}
    return Case(segment, rule(draws, search, rows=ROWS, **settings))


def _stale(draws: Draws, search: bool) -> Case:
    """The quotes of a walk are seen at random times and repeated until the next."""
    fresh = np.cumsum(draws.lengths(NOISE + 1, ROWS, 1, 8))
    walk = np.cumsum(draws.noise(ROWS))
    rows = np.arange(ROWS)
    at = np.append([0], fresh)[np.searchsorted(fresh, rows, "right")]
    moves = np.diff(walk[np.minimum(at, ROWS - 1)], prepend=0)
    settings = {"rule": "momentum", "lookback": 8, "every": 6}
    return Case(make_quotes(moves), rule(draws, search, rows=ROWS, **settings))


def _asymmetric(draws: Draws, search: bool) -> Case:
    """Bid and ask lie one or five half spreads from the true price, for 2 to 20 rows each."""
    price = mids_of(draws.noise(ROWS))
    sides = []
    for stream in (1, 3):
        lengths = draws.lengths(NOISE + stream, ROWS, 2, 20)
        wide = draws.below(NOISE + stream + 1, len(lengths), 2)
        sides.append(REAL * (1 + 4 * np.repeat(wide, lengths)[:ROWS]))
    segment = make_market(price - sides[0], price + sides[1])
    settings = {"rule": "momentum", "lookback": 2, "every": 4, "fade": True}
    return Case(segment, rule(draws, search, rows=ROWS, **settings))


WORLDS: tuple[World, ...] = (
    World(
        "spread-and-size",
        "the side of the larger displayed size while the spread is narrow, every 6 rows; moves are "
        "those of `momentum`, the spread is four times as wide after a move beyond 3 s.d., sizes "
        "are random and larger on the side of the last move",
        _spread_and_size,
    ),
    World(
        "stale",
        "the side of the last 8 rows' move on quotes that show a walk as it was 0 to 8 rows ago, "
        "and then jump to it",
        _stale,
    ),
    World(
        "asymmetric-spreads",
        "fades the last 2 rows' move of the mid; the true price is a walk, bid and ask lie 0.05 or "
        "0.25 s.d. from it, changed at random: mids come back, which no order can use. Mid to mid "
        "that is an edge, so the market null alone is not compared with the level",
        _asymmetric,
        nulls=tuple(test for test in TESTS if test != MARKET),
    ),
)
