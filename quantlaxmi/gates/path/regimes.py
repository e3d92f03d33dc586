"""Regimes of a market, each known before what it names: trend (bull, bear, chop), volatility."""

from __future__ import annotations

import bisect
import itertools

import numpy as np
import numpy.typing as npt

from quantlaxmi.schema import I64

__all__ = ["BEAR", "BULL", "CHOP", "step_trends", "step_volatilities", "trend_regimes"]

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
    return step_trends(price[last], window)[step - first]


def step_trends(price_at: I64, window: int) -> npt.NDArray[np.int8]:
    """The trend of each step of a clock, from the prices as the steps begin.

    Parameters
    ----------
    price_at : ndarray of int64, shape (n_steps,)
        The price that was known as each step began, any scale.
    window : int
        Number of steps before it that a step's regime is taken from.

    Returns
    -------
    ndarray of int8, shape (n_steps,)
        `BULL`, `CHOP` or `BEAR`, as `trend_regimes` says.
    """
    steps = len(price_at)
    found = np.full(steps, CHOP, np.int8)
    if steps <= window:
        return found
    low, high = int(price_at.min()), int(price_at.max())
    if steps * 100 * (high - low) >= 2**63:
        price_at = price_at.astype(object)
    moves = np.abs(np.diff(price_at))
    path = np.concatenate([[0], np.cumsum(moves)])
    move = price_at[window:] - price_at[:-window]
    trends = 100 * np.abs(move) >= TREND_PERCENT * (path[window:] - path[:-window])
    found[window:] = np.where(trends, np.where(move > 0, BULL, np.where(move < 0, BEAR, 0)), 0)
    return found


def step_volatilities(price_at: I64, window: int) -> tuple[npt.NDArray[np.bool_], list[int]]:
    """Whether the volatility of each step is high, from the prices as the steps begin.

    The volatility of a step is the sum of the squared moves of the last `window` steps, each move
    in billionths of the price before it, rounded down. It is high where it is above the median of
    all such sums so far, its own among them; before a whole window has passed it is low.

    Parameters
    ----------
    price_at : ndarray of int64, shape (n_steps,)
        The price that was known as each step began, any scale, above 0.
    window : int

    Returns
    -------
    high : ndarray of bool, shape (n_steps,)
    boundaries : list of int
        Twice the median that each step was compared with; 0 before a whole window has passed.
    """
    prices = [int(p) for p in price_at]
    squares = [0] + [(abs(b - a) * 10**9 // a) ** 2 for a, b in itertools.pairwise(prices)]
    high, boundaries = np.zeros(len(prices), np.bool_), [0] * len(prices)
    seen: list[int] = []
    total = sum(squares[1:window])
    for k in range(window, len(prices)):
        total += squares[k]
        bisect.insort(seen, total)
        n = len(seen)
        boundaries[k] = seen[(n - 1) // 2] + seen[n // 2]
        high[k] = 2 * total > boundaries[k]
        total -= squares[k - window + 1]
    return high, boundaries
