"""Carry: the side that receives funding, taken back by the price or not.

A settlement of rate f comes every fifteen rows, announced fifteen rows before, at a mark that
stays the same. So a short unit receives ``mark f``; where the price takes it back, each of the
fifteen rows moves by ``n[t] + mark f / 15``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quantlaxmi.calibrate.markets import MOVE, START_PRICE, Funding, make_market
from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.rules.schedules import WINDOW
from quantlaxmi.calibrate.worlds.world import SD, Case, World, rule

__all__ = ["EDGES", "EVERY", "WORLDS"]

ROWS = 3000
EVERY = WINDOW
#: Price units of a settlement at a rate of 10**-8.
UNIT = START_PRICE // 10**8
RATES = NOISE + 1


@dataclass(frozen=True, slots=True)
class _Carry:
    """The rule closes its position for one settlement in four to seven.

    Attributes
    ----------
    mean : int
        Mean rate, at 10**-8.
    spread : int
        s.d. of the rates about it, at 10**-8; they are an AR(1) of 0.8.
    taken_back : bool
        Whether the price moves by what is paid.
    """

    mean: int
    spread: int
    taken_back: bool

    def __call__(self, draws: Draws, search: bool) -> Case:
        rate, last = [], 0
        for drawn in draws.bell(RATES, ROWS // EVERY).tolist():
            last = 4 * last // 5 + 3 * drawn // 5
            rate.append(self.mean + last * self.spread // SD)
        rates = np.array(rate, np.int64)
        moves = draws.noise(ROWS) * MOVE
        if self.taken_back:
            moves[1:] += np.repeat(rates * (UNIT // EVERY), EVERY)[: ROWS - 1]
        mid = START_PRICE + np.cumsum(moves) - moves[0]
        funding = Funding(EVERY, rates, START_PRICE)
        segment = make_market(mid - 1, mid + 1, funding=funding)
        settings = {"rule": "funding", "schedule": "intervals", "every": EVERY}
        return Case(segment, rule(draws, search, rows=ROWS, **settings))


def _mean(t: int) -> int:
    """The rate whose sum has this t against the noise of the price, held in 9 of 11 settlements."""
    held = 9 / 11
    rows: float = held * ROWS
    return round(t * SD * MOVE * math.sqrt(rows) / (rows / EVERY * UNIT))


WORLDS: tuple[World, ...] = (
    World(
        "carry-taken-back",
        "the side that receives funding, closed at times; the price moves by n[t] and by what is "
        "paid, in fifteen parts before each settlement; rates are an AR(1) of 0.8 about 0",
        _Carry(0, 12_000, True),
    ),
    World(
        "carry-mean-taken-back",
        "the same with rates about a mean: the funding alone has a t of 4",
        _Carry(_mean(4), 6_000, True),
    ),
)
EDGES: tuple[World, ...] = tuple(
    World(
        f"carry-t{t}",
        f"the same rates, which the price does not take back: a t of {t}",
        _Carry(_mean(t), _mean(t) // 3, False),
        nulls=(),
        expected=rate,
    )
    for t, rate in ((4, 391 / 400), (7, 1.0))
)
