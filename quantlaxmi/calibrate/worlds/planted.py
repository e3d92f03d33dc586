"""Planted edges: a drift under each position of a schedule, of a t over the whole segment.

With T rows in position the drift is ``t sd / sqrt(T)``, so that the sum of the gains over its
standard deviation is t on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from quantlaxmi.calibrate.markets import STEP_NS, make_quotes
from quantlaxmi.calibrate.random_streams import Draws
from quantlaxmi.calibrate.rules.schedules import schedule_of
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule
from quantlaxmi.schema import I64

__all__ = ["EDGES", "planted_moves"]

#: Rows of a day in trends: 72 minutes each.
DAY = 20
TREND_ROWS = 9000


def planted_moves(draws: Draws, schedule: str, rows: int, t: Decimal) -> I64:
    """Noise with the drift under each position."""
    held = schedule_of(schedule, draws.sub_key(1), 0, rows)
    exposed = np.append([0], held[:-1])
    drift = round(float(t) * SD / float(np.count_nonzero(exposed)) ** 0.5)
    moves: I64 = draws.noise(rows) + drift * exposed
    return moves


@dataclass(frozen=True, slots=True)
class _Planted:
    t: Decimal
    schedule: str
    rows: int = 3000
    step_ns: int = STEP_NS

    def __call__(self, draws: Draws, search: bool) -> Case:
        moves = planted_moves(draws, self.schedule, self.rows, self.t)
        segment = make_quotes(moves, step_ns=self.step_ns)
        return Case(segment, rule(draws, search, rows=self.rows, schedule=self.schedule))


def _trips(t: str, expected: float | None = None) -> World:
    return World(
        f"planted-t{t}-100",
        f"100 trips of 8 rows on random sides with a planted t of {t}",
        _Planted(Decimal(t), "sides-100"),
        nulls=(),
        expected=expected,
    )


def _trend(days: str, rows: int) -> World:
    return World(
        f"trend-{days}d",
        f"long and short in turn for {days} days on average, of 450, with a planted t of 4",
        _Planted(Decimal(4), f"turns-{rows}", TREND_ROWS, 86_400 * 10**9 // DAY),
        nulls=(),
        expected=0.97,
    )


EDGES: tuple[World, ...] = (
    _trips("2.5"),
    _trips("3", 321 / 366),
    _trips("3.5"),
    _trips("4", 0.98),
    World(
        "planted-t4-40",
        "40 trips of 37 rows on random sides with a planted t of 4",
        _Planted(Decimal(4), "halves-40"),
        nulls=(),
        expected=0.99,
    ),
    World(
        "planted-t4-in-40",
        "40 trips of 8 rows in as many of 200 clock buckets, with a planted t of 4",
        _Planted(Decimal(4), "sides-40"),
        nulls=(),
    ),
    _trips("5"),
    _trend("0.1", 2),
    _trend("1", 20),
    _trend("10", 200),
)
