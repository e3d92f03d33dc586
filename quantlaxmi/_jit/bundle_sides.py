"""Sweep kernel of random sides over option sessions: a fair coin for the side of each bundle.

Bundles of one unit (a session day, or each alone) are added before the sum is squared. The caller
proves that a unit's sum fits int64; sums of squares are 128-bit. Draw ``t`` writes slot ``t``.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.rng import STILL, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["sided"]

_ONE = np.uint64(1)


@kernel
def sided(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
    gains: I64,  # IN  (k,) PnL of each bundle
    unit_first: I64,  # IN  (n_units + 1,) first bundle of each unit
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum of the units, each bundle turned where its bit of the draw is 1, and of their squares."""
    random = np.zeros((gains.shape[0] + 63) // 64, np.uint64)
    for t in range(out.shape[0]):
        if first != STILL:
            words(key, first + t, random)
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        for unit in range(unit_first.shape[0] - 1):
            total = 0
            for j in range(unit_first[unit], unit_first[unit + 1]):
                turned = (random[j >> 6] >> np.uint64(j & 63)) & _ONE
                total += -gains[j] if turned == _ONE else gains[j]
            s_hi, s_lo = add_signed(s_hi, s_lo, total)
            q_hi, q_lo = add_square(q_hi, q_lo, total)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo
