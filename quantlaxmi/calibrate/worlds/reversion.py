"""Edges in prices: one comes back to its first value, one follows another, one has trends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, PERP, SPOT, make_quotes
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule

__all__ = ["EDGES"]

ROWS = 6000
LEAD_ROWS = 3000
TREND_ROWS = 15_000
#: Thousandths of the leader's move that the follower makes up: a t of 4 over 1,500 moves.
LEAD = 129


@dataclass(frozen=True, slots=True)
class _Reversion:
    """x[t+1] = x[t] - k x[t] + n[t], k from the half-life.

    Against the distance beyond 2 s.d. of a row's noise, out within 1, as `levels.walk-level`.
    """

    half_life: int

    def __call__(self, draws: Draws, search: bool) -> Case:
        part = round((1 - 2 ** (-1 / self.half_life)) * 65536)
        moves, x = [0], 0
        for noise in draws.noise(ROWS)[1:].tolist():
            move = noise - (x * part >> 16)
            moves.append(move)
            x += move
        settings = {"threshold": 4 * SD * MOVE, "leave": 2 * SD * MOVE}
        segment = make_quotes(np.array(moves, np.int64))
        return Case(segment, rule(draws, search, rule="level", rows=ROWS, **settings))


def _lead(draws: Draws, search: bool) -> Case:
    """The follower's move is 0.129 of the leader's last one, and noise of its own."""
    moves = draws.noise(LEAD_ROWS)
    moves[2::2] += moves[1:-1:2] * LEAD // 1000
    segment = make_quotes(moves, instruments=(PERP, SPOT))
    return Case(segment, rule(draws, search, rule="lead", rows=LEAD_ROWS))


def _trend(draws: Draws, search: bool) -> Case:
    """A drift of 0.1 s.d. that turns after 120 to 360 rows."""
    lengths = draws.lengths(NOISE + 1, TREND_ROWS, 120, 360)
    side = np.repeat(1 - 2 * (np.arange(len(lengths)) % 2), lengths)[:TREND_ROWS]
    segment = make_quotes(draws.noise(TREND_ROWS) + side * (SD // 10), step_ns=3600 * 10**9)
    settings = {"rule": "momentum", "lookback": 96, "every": 12}
    return Case(segment, rule(draws, search, rows=TREND_ROWS, **settings))


EDGES: tuple[World, ...] = (
    *(
        World(
            f"reversion-{rows}",
            f"against the distance from the first price, to which a walk comes back with a "
            f"half-life of {rows} of 6,000 rows",
            _Reversion(rows),
            nulls=(),
            expected=rate,
        )
        for rows, rate in ((9, 1.0), (58, 1.0), (115, 0.89), (230, 0.49))
    ),
    World(
        "lead-lag",
        "the side of the other instrument's last move, of which the next move has 0.129: a t of 4",
        _lead,
        nulls=(),
    ),
    World(
        "trend-followed",
        "the side of the last 96 rows' move, every 12 rows, always in the market; 15,000 hourly "
        "rows with a drift of 0.1 s.d. that turns after 240 rows on average",
        _trend,
        nulls=(),
    ),
)
