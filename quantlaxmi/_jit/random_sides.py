"""Sweep kernel of random sides: the strategy's own trips, a fair coin for the side of each.

Gains must fit int64 in magnitude below 2**62, which the caller proves; sums are 128-bit. Draw
``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.rng import words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["prepare", "random_sides"]

_ONE = np.uint64(1)


@kernel
def random_sides(
    key: np.uint64,
    first: int,  # number of the first draw
    gains: I64,  # IN  (k,) PnL of each trip
    out: U64,  # OUT (n_draws, 4) S and Q as (high, low)
) -> None:
    """Sum of the gains, each turned where its bit of the draw is 1, and sum of their squares."""
    n_draws = out.shape[0]
    k = gains.shape[0]
    random = np.empty((k + 63) // 64, np.uint64)
    for t in range(n_draws):
        words(key, first + t, random)
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        for j in range(k):
            turned = (random[j >> 6] >> np.uint64(j & 63)) & _ONE
            gain = -gains[j] if turned == _ONE else gains[j]
            s_hi, s_lo = add_signed(s_hi, s_lo, gain)
            q_hi, q_lo = add_square(q_hi, q_lo, gain)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo


def prepare() -> None:
    """Compile what the gate needs, or load it from the cache; nothing is drawn."""
    random_sides(np.uint64(0), 0, np.zeros(0, np.int64), np.zeros((0, 4), np.uint64))
