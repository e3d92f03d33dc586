"""Rules on a level, and on the last moves, where volatility depends on both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantlaxmi.calibrate.markets import MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import Draws
from quantlaxmi.calibrate.worlds.noise import (
    EGARCH_UNIT,
    clustered,
    egarch,
    level_volatility,
    sticky_volatility,
)
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule
from quantlaxmi.schema import I64

__all__ = ["WORLDS"]

ROWS = 3000
#: A level is looked at for longer, so that most runs make thirty round trips.
LEVEL_ROWS = 20_000
#: Price units of twice the mid in one s.d. of a row's noise.
UNIT2 = 2 * SD * MOVE


@dataclass(frozen=True, slots=True)
class _Level:
    """Against the distance from the first mid beyond `enter` s.d., out within `leave` s.d."""

    moves: Callable[[Draws, int], I64]
    enter: int
    leave: int
    rows: int = LEVEL_ROWS

    def __call__(self, draws: Draws, search: bool) -> Case:
        segment = make_quotes(self.moves(draws, self.rows))
        settings = {"threshold": self.enter * UNIT2, "leave": self.leave * UNIT2}
        return Case(segment, rule(draws, search, rule="level", rows=self.rows, **settings))


@dataclass(frozen=True, slots=True)
class _Momentum:
    """The side of the move over some rows, looked at every so many."""

    moves: Callable[[Draws, int], I64]
    lookback: int = 8
    unit: int = MOVE
    every: int = 6

    def __call__(self, draws: Draws, search: bool) -> Case:
        segment = make_quotes(self.moves(draws, ROWS), unit=self.unit)
        settings = {"lookback": self.lookback, "every": self.every}
        return Case(segment, rule(draws, search, rule="momentum", rows=ROWS, **settings))


def _walk(draws: Draws, rows: int) -> I64:
    return draws.noise(rows)


def _level_volatility(draws: Draws, rows: int) -> I64:
    return level_volatility(draws.noise(rows), 2 * SD)


def _sticky_volatility(draws: Draws, rows: int) -> I64:
    return sticky_volatility(draws, rows, 3 * SD)


WORLDS: tuple[World, ...] = (
    World(
        "walk-level",
        "against the distance from the first price beyond 2 s.d., out within 1; on a walk "
        "x[t] = x[t-1] + n[t]",
        _Level(_walk, 2, 1),
    ),
    World(
        "level-volatility",
        "the same rule on x[t] = x[t-1] + v n[t], v = 1 + min(7, |x[t-1]| // 2 s.d.): the sd of "
        "moves grows eightfold with the distance, as the basis of a real capture does",
        _Level(_level_volatility, 2, 1, 2 * ROWS),
    ),
    World(
        "sticky-volatility",
        "the same rule on x[t] = x[t-1] + v[x[t-1] // 3 s.d.] n[t]: each level keeps the "
        "volatility of 1 to 4 that it drew",
        _Level(_sticky_volatility, 2, 1),
    ),
    World(
        "momentum",
        "the side of the last 8 rows' move, every 6 rows, on n[t] times factors of 1 or 3 that "
        "last 8, 40 and 200 rows",
        _Momentum(clustered),
    ),
    World(
        "trend-on-walk",
        "the side of the last 96 rows' move, every 12 rows, always in the market; on a walk",
        _Momentum(_walk, 96, every=12),
    ),
    World(
        "egarch",
        "the side of the last 20 rows' move, every 6 rows, on 2^h[t] n[t], h[t+1] = 0.97 h[t] + "
        "0.2 (|z| - E|z|) - 0.15 z: falls make the market wild",
        _Momentum(egarch, 20, MOVE // EGARCH_UNIT),
    ),
)
