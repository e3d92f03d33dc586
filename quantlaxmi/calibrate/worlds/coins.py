"""Random sides: positions that a schedule takes whatever prices do."""

from __future__ import annotations

import functools

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, PERP, SPOT, make_quotes
from quantlaxmi.calibrate.random_streams import Draws
from quantlaxmi.calibrate.worlds.noise import autoregressive, two_volatilities
from quantlaxmi.calibrate.worlds.world import EQUITY, SD, TESTS, Case, World, rule

__all__ = ["WORLDS"]

ROWS = 3000
#: Twice the mid moves by about 0.6e9 price units a row in quiet blocks, by 9.7e9 in loud ones.
LOUD_LIMIT = 3 * 10**9
#: A narrow half spread, a fiftieth of a row.s move.
NARROW = SD * MOVE // 50


def _pair(draws: Draws, search: bool) -> Case:
    segment = make_quotes(draws.noise(ROWS), instruments=(PERP, SPOT))
    return Case(segment, rule(draws, search, rows=ROWS, pair=True))


def _walk(schedule: str, draws: Draws, search: bool) -> Case:
    return Case(make_quotes(draws.noise(ROWS)), rule(draws, search, rows=ROWS, schedule=schedule))


def _persistent(rho: float, draws: Draws, search: bool) -> Case:
    segment = make_quotes(autoregressive(draws, ROWS, rho))
    return Case(segment, rule(draws, search, rows=ROWS, schedule="persistent"))


def _gated(name: str, draws: Draws, search: bool) -> Case:
    segment = make_quotes(two_volatilities(draws, ROWS))
    settings = {"rule": name, "schedule": "entries", "threshold": LOUD_LIMIT}
    return Case(segment, rule(draws, search, rows=ROWS, **settings))


def _narrow(draws: Draws, search: bool) -> Case:
    lengths = draws.lengths(14, ROWS, 3, 40)
    wide = np.repeat(np.arange(len(lengths)) % 2, lengths)[:ROWS]
    segment = make_quotes(draws.noise(ROWS), half_spread=NARROW * (1 + 3 * wide))
    settings = {"rule": "narrow", "schedule": "entries", "threshold": 2 * NARROW}
    return Case(segment, rule(draws, search, rows=ROWS, **settings))


def _drift(draws: Draws, search: bool) -> Case:
    """A drift whose t over the segment is 3."""
    moves = draws.noise(ROWS) + round(3 * SD / ROWS**0.5)
    return Case(make_quotes(moves), rule(draws, search, rows=ROWS, schedule="long"))


WORLDS: tuple[World, ...] = (
    World("coins", "random sides of a pair; both legs are walks x[t] = x[t-1] + n[t]", _pair),
    World(
        "coins-30",
        "random sides in 30 of 200 clock buckets, on a walk",
        functools.partial(_walk, "sides-30"),
    ),
    World("coins-60", "the same in 60 of 200 clock buckets", functools.partial(_walk, "sides-60")),
    *(
        World(
            f"persistent-{rho}",
            f"long, short or flat at random, for 2 to 30 rows; moves y[t] = {rho} y[t-1] + n[t]",
            functools.partial(_persistent, rho),
        )
        for rho in (0.0, 0.3, 0.6)
    ),
    World(
        "loud",
        "random sides, entered while moves are large only; every second block of 100 rows moves 16 "
        "n[t], the others n[t]",
        functools.partial(_gated, "loud"),
    ),
    World(
        "quiet",
        "the same market, entered while moves are small only",
        functools.partial(_gated, "quiet"),
    ),
    World(
        "narrow",
        "random sides, entered on narrow spreads only; on a walk whose spread is 0.4 s.d. of a "
        "row's move, or four times that, for 3 to 40 rows",
        _narrow,
    ),
    World(
        "lottery",
        "random sides of 2^k units at chance 2^-(k+1), at most 256, on a walk",
        functools.partial(_walk, "lottery"),
    ),
    World(
        "long-on-drift",
        "long at random times on x[t] = x[t-1] + d + n[t], where d has a t of 3 over the segment: "
        "the drift is earned, and no timing",
        _drift,
        nulls=tuple(test for test in TESTS if test != EQUITY),
    ),
)
