"""Markets that pay a little nearly always and take all of it back in rare crashes.

A run has windows of fifteen rows. In some of them, known beforehand, the rule is long for eight
rows, and there alone the price moves by ``n[t] + a``, or with chance 1/K by ``n[t] + a - K a``:
mean 0. The gain ``a`` is 0.35 s.d. of a row's noise, so that without a crash the whole segment has
a t of about 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.calibrate.markets import make_quotes
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.rules.schedules import HELD, schedule_of
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule

__all__ = ["CRASH", "GAIN", "WORLDS"]

#: The gain of a row, and the stream of the coins that decide on a crash.
GAIN, CRASH = 35 * SD // 100, NOISE + 1


@dataclass(frozen=True, slots=True)
class _Crash:
    """A crash once in `one_in` rows of the `trips` windows in which the rule is long."""

    one_in: int
    trips: int
    rows: int = 3000

    def __call__(self, draws: Draws, search: bool) -> Case:
        schedule = f"windows-{self.trips}"
        held = schedule_of(schedule, draws.sub_key(1), 0, self.rows)
        exposed = np.append([0], held[:-1])  # a position taken at a row has the moves after it
        crash = draws.below(CRASH, self.rows, self.one_in) == 0
        moves = draws.noise(self.rows) + exposed * GAIN * np.where(crash, 1 - self.one_in, 1)
        return Case(make_quotes(moves), rule(draws, search, rows=self.rows, schedule=schedule))


def _world(name: str, text: str, one_in: int, trips: int, rows: int = 3000) -> World:
    none = (1 - 1 / one_in) ** (HELD * trips)
    text += (
        f"; {HELD * trips / one_in:.1f} crashes are expected, none comes in {none:.1%} of the runs"
    )
    return World(name, text, _Crash(one_in, trips, rows), unseen=none)


#: Per cent of the trips that have a crash, trips, rows.
_TRIPS = (("1", 150, 3000), ("2", 150, 3000), ("3", 150, 3000), ("2", 300, 6000), ("1", 600, 12000))
#: Per cent of the buckets that have a crash, where all 200 have a position.
_RATES = ("0.2", "0.5", "1", "2")
#: Buckets with a position, where 2 % of them have a crash, or one in ten.
_SHORT = ((30, "2"), (60, "2"), (30, "10"), (60, "10"))


def _one_in(percent: str) -> int:
    return round(100 * HELD / float(percent))


WORLDS: tuple[World, ...] = (
    *(
        _world(
            f"crash-{percent}%-of-{trips}",
            f"{trips} long trips of 8 rows on {rows:,} rows; gains of 0.35 s.d. a row, and in "
            f"{percent} % of the trips a crash that takes back what they give",
            _one_in(percent),
            trips,
            rows,
        )
        for percent, trips, rows in _TRIPS
    ),
    *(
        _world(
            f"crash-rate-{percent}%",
            f"a trip in each of the 200 clock buckets, a crash in {percent} % of them",
            _one_in(percent),
            200,
        )
        for percent in _RATES
    ),
    *(
        _world(
            f"crash-{percent}%-in-{trips}",
            f"trips in {trips} of the 200 clock buckets, a crash in {percent} % of those",
            _one_in(percent),
            trips,
        )
        for trips, percent in _SHORT
    ),
)
