"""Jumps: compensated by a drift, without an edge; followed by a trend, with one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule

__all__ = ["EDGES", "WORLDS"]

ROWS = 3000
#: Jumps have eight s.d. of a row's noise, which itself never passes 3.5.
JUMP = 8 * SD
#: A move beyond it has a jump.
LIMIT = 4 * 2 * SD * MOVE
#: One jump in so many rows, without an edge and with one; the stream of its coins, and of its side.
ONE_IN, ONE_IN_EDGE = 48, 55
COINS, SIDES = NOISE + 1, NOISE + 2
#: Rows of a trend after a jump.
AFTER = 5


def _compensated(draws: Draws, search: bool) -> Case:
    """Moves n[t] + J - J/48 at chance 1/48, else n[t] - J/48."""
    jump = draws.below(COINS, ROWS, ONE_IN) == 0
    unit = JUMP // ONE_IN
    moves = draws.noise(ROWS) + unit * np.where(jump, ONE_IN - 1, -1)
    settings = {"rule": "jump", "threshold": LIMIT, "hold": 12}
    return Case(make_quotes(moves), rule(draws, search, rows=ROWS, **settings))


@dataclass(frozen=True, slots=True)
class _Followed:
    """Jumps of both signs; the mean of each of the next five rows is a share of a row's sd."""

    percent: int

    def __call__(self, draws: Draws, search: bool) -> Case:
        jump = draws.below(COINS, ROWS, ONE_IN_EDGE) == 0
        signs = np.where(jump, draws.sides(SIDES, ROWS), 0)
        # The sd of a row, jumps among them: sqrt(1 + 64/55) s.d.
        drift = round(self.percent * SD * (1 + (JUMP / SD) ** 2 / ONE_IN_EDGE) ** 0.5 / 100)
        last = np.where(jump, np.arange(ROWS), -AFTER - 1)
        last = np.append([-AFTER - 1], np.maximum.accumulate(last)[:-1])
        trend = np.where(np.arange(ROWS) - last <= AFTER, signs[last], 0)
        moves = draws.noise(ROWS) + JUMP * signs + drift * trend
        settings = {"rule": "jump", "threshold": LIMIT, "hold": AFTER}
        return Case(make_quotes(moves), rule(draws, search, rows=ROWS, **settings))


WORLDS: tuple[World, ...] = (
    World(
        "compensated-jumps",
        "the side of each jump for 12 rows; moves n[t] + 47/48 J at chance 1/48, else n[t] - J/48, "
        "with J of 8 s.d.",
        _compensated,
    ),
)
EDGES: tuple[World, ...] = tuple(
    World(
        f"jump-momentum-0.{percent}",
        f"the side of each jump for 5 rows, whose mean is 0.{percent} sd of a row's move each; one "
        "jump of 8 s.d. in 55 rows",
        _Followed(percent if percent > 9 else 10 * percent),
        nulls=(),
        expected=rate,
    )
    for percent, rate in ((35, 0.99), (2, 0.86))
)
