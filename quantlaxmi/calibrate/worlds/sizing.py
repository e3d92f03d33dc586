"""Sizes and exits that follow from what was won or lost, on a walk."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.calibrate.markets import MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import Draws
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule

__all__ = ["WORLDS"]

ROWS = 3000


@dataclass(frozen=True, slots=True)
class _Sizing:
    """A rule of `sizing_kernel`; `distance` in half s.d. of a row's move."""

    rule: str
    schedule: str
    levels: int = 1
    distance: int = 0

    def __call__(self, draws: Draws, search: bool) -> Case:
        settings = {"rule": self.rule, "schedule": self.schedule, "levels": self.levels}
        settings["threshold"] = self.distance * SD * MOVE
        return Case(make_quotes(draws.noise(ROWS)), rule(draws, search, rows=ROWS, **settings))


WORLDS: tuple[World, ...] = (
    World(
        "martingale-sizing",
        "random sides, twice the size after each loss, back to one unit after a gain or six losses",
        _Sizing("martingale", "entries", levels=6),
    ),
    World(
        "averaging-down",
        "random sides, one more unit each time that the price went 2 s.d. against it, up to five; "
        "out when as much is won, or after 40 to 103 rows",
        _Sizing("averaging", "patient", levels=5, distance=4),
    ),
    World(
        "cut-winners",
        "random sides, out when 1.5 s.d. are won, losers held for 40 to 103 rows",
        _Sizing("cutting", "patient", distance=3),
    ),
)
