"""Sweep kernel of the circular shift over option sessions: each day turned by an offset of its own.

The PnL of each trip at each offset of its day that is quoted stands in a table. The caller proves
that a day's sum fits int64; sums of squares are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.rng import STILL, below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Turns", "turned"]


class Turns(NamedTuple):
    """Trips of each day at each of its offsets.

    Attributes
    ----------
    day_trip : ndarray of int64, shape (n_days + 1,)
    offsets : ndarray of int64, shape (n_days,)
        How many offsets are quoted; the first one turns nothing.
    first : ndarray of int64, shape (k + 1,)
        First entry of each trip, which has one for each offset of its day.
    gains : ndarray of int64, shape (n_entries,)
    by_day : bool
        Whether squares are of days' sums; else they are of trips.
    """

    day_trip: I64
    offsets: I64
    first: I64
    gains: I64
    by_day: bool


@kernel
def turned(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
    turns: Turns,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares, each day turned by a random offset."""
    n_days = turns.offsets.shape[0]
    random = np.zeros(n_days, np.uint64)
    for t in range(out.shape[0]):
        if first != STILL:
            words(key, first + t, random)
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        for d in range(n_days):
            offset = below(random[d], turns.offsets[d])
            total = 0
            for j in range(turns.day_trip[d], turns.day_trip[d + 1]):
                gain = turns.gains[turns.first[j] + offset]
                total += gain
                if not turns.by_day:
                    q_hi, q_lo = add_square(q_hi, q_lo, gain)
            s_hi, s_lo = add_signed(s_hi, s_lo, total)
            if turns.by_day:
                q_hi, q_lo = add_square(q_hi, q_lo, total)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo
