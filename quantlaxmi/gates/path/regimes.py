"""Regimes of a market (bull, bear, chop), each known before the rows that it names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantlaxmi.schema import I64

__all__ = ["BEAR", "BULL", "CHOP", "trend_regimes"]

BULL, CHOP, BEAR = 1, 0, -1
#: Least efficiency ratio of a trend, in hundredths.
TREND_PERCENT = 30


def trend_regimes(ts_ns: I64, price: I64, step_ns: int, window: int) -> npt.NDArray[np.int8]:
    """The regime of each row, by steps of the clock.

    At the beginning of a step, the last `window` steps give Kaufman's efficiency ratio: the move
    from end to end over the sum of the moves from step to step. From 0.3 on it is a trend, bull or
    bear by the sign of the move. Below that, and before a whole window has passed, it is chop. All
    rows of a step share its regime, so that a row's regime is known before the row. Integers make
    it exact.

    Parameters
    ----------
    ts_ns : ndarray of int64, shape (n_rows,)
        Ascending.
    price : ndarray of int64, shape (n_rows,)
        Price of the instrument whose regime is asked for, any scale; mid2 at decision points.
    step_ns : int
        Length of a step; steps are counted from the epoch.
    window : int
        Number of steps that a regime is taken from.

    Returns
    -------
    ndarray of int8, shape (n_rows,)
        `BULL`, `CHOP` or `BEAR`.

    References
    ----------
    Kaufman (1995), Smarter trading: the efficiency ratio.
    """
    if not len(ts_ns):
        return np.zeros(0, np.int8)
    step = ts_ns // step_ns
    first, steps = int(step[0]), int(step[-1]) - int(step[0]) + 1
    # The price as each step begins: that of the last row before it; of the first, its own first.
    begins = (first + np.arange(steps, dtype=np.int64)) * step_ns
    last = np.maximum(np.searchsorted(ts_ns, begins, "left") - 1, 0)
    price_at = price[last]
    low, high = int(price.min()), int(price.max())
    if steps * 100 * (high - low) >= 2**63:
        price_at = price_at.astype(object)
    moves = np.abs(np.diff(price_at))
    path = np.concatenate([[0], np.cumsum(moves)])
    found = np.full(steps, CHOP, np.int8)
    if steps > window:
        move = price_at[window:] - price_at[:-window]
        trends = 100 * np.abs(move) >= TREND_PERCENT * (path[window:] - path[:-window])
        found[window:] = np.where(trends, np.where(move > 0, BULL, np.where(move < 0, BEAR, 0)), 0)
    return found[step - first]
