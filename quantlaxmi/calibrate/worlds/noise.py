"""Increments of edgeless markets: noise times a volatility that the past decides.

All but `autoregressive` give increments whose mean given the past is exactly 0, because each is a
whole number, known one row before, times symmetric noise.

References
----------
Calvet, Fisher (2004), How to forecast long-run volatility, J. Financial Econometrics 2(1):
volatility as a product of factors that change at different paces. Nelson (1991), Conditional
heteroskedasticity in asset returns: a new approach, Econometrica 59(2): EGARCH.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.world import SD
from quantlaxmi.schema import I64

__all__ = [
    "EGARCH_UNIT",
    "autoregressive",
    "clustered",
    "egarch",
    "level_volatility",
    "sticky_volatility",
    "two_volatilities",
]

#: The moves of `egarch` are so many times as large as its noise at volatility 1.
EGARCH_UNIT = 16
#: Mean of the noise's magnitude: 23/30 of 2**16, for a sum of four uniform numbers.
_MEAN_SIZE = 30583
_ONE = 1 << 20
#: Volatilities of log2 from -2 to 3 in steps of 1/16.
_VOLATILITY = np.rint(EGARCH_UNIT * 2.0 ** (np.arange(-32, 49) / 16)).astype(np.int64).tolist()


def autoregressive(draws: Draws, rows: int, rho: float) -> I64:
    """AR(1) increments: y[t] = rho y[t-1] + n[t], rounded; the memory ends after 64 rows.

    (1 + rL)(1 + r^2 L^2)(1 + r^4 L^4)... is the geometric series of rL. Elementwise products and
    sums alone, so that every machine rounds alike.
    """
    made = draws.noise(rows + 64).astype(np.float64)
    weight, lag = rho, 1
    while lag < 64:
        later = made.copy()
        later[lag:] += weight * made[:-lag]
        made, weight, lag = later, weight * weight, 2 * lag
    return np.rint(made[64:]).astype(np.int64)


def clustered(draws: Draws, rows: int) -> I64:
    """Independent signs under clustered volatility: factors of 1 or 3 that last 8 to 200 rows."""
    volatility = np.ones(rows, np.int64)
    for k, length in enumerate((8, 40, 200)):
        loud = draws.below(NOISE + 1 + k, rows // length + 2, 2)
        shift = int(draws.below(NOISE + 4 + k, 1, length)[0])
        volatility *= 1 + 2 * loud[(np.arange(rows) + shift) // length]
    return draws.noise(rows) * volatility


def two_volatilities(draws: Draws, rows: int) -> I64:
    """Independent increments, sixteen times as large in every second block of 100 rows."""
    shift = int(draws.below(NOISE + 1, 1, 200)[0])
    loud = (np.arange(rows) + shift) // 100 % 2 == 0
    return draws.noise(rows) * np.where(loud, 16, 1)


def level_volatility(noises: I64, width: int) -> I64:
    """Moves v[t] n[t] with v[t] = 1 + min(7, |x[t-1]| // width): 1 near the start, 8 far off."""
    moves, x = [0], 0
    for noise in noises[1:].tolist():
        move = (1 + min(7, abs(x) // width)) * noise
        moves.append(move)
        x += move
    return np.array(moves, np.int64)


def sticky_volatility(draws: Draws, rows: int, width: int) -> I64:
    """Moves v[b] n[t], b the price's bin of a width: each bin keeps the 1, 2, 3 or 4 it drew."""
    bins = (1 + draws.below(NOISE + 1, 256, 4)).tolist()
    moves, x = [], 0
    for noise in draws.noise(rows).tolist():
        move = bins[x // width % 256] * noise
        moves.append(move)
        x += move
    return np.array(moves, np.int64)


def egarch(draws: Draws, rows: int) -> I64:
    """Moves 2^h[t] n[t] in sixteenths; h[t+1] = 0.97 h[t] + 0.2 (|z| - E|z|) - 0.15 z, z = n/s.d.

    Falls raise the volatility more than rises. h stays within -2 and 3.
    """
    moves, h = [], 0
    for noise in draws.noise(rows).tolist():
        moves.append(_VOLATILITY[min(max((16 * h) // _ONE + 32, 0), 80)] * noise)
        h = 97 * h // 100 + (20 * (abs(noise) - _MEAN_SIZE) - 15 * noise) * _ONE // (100 * SD)
    return np.array(moves, np.int64)
