"""Probability of backtest overfitting by combinatorially symmetric cross-validation."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

__all__ = ["backtest_overfitting"]

#: Ratios computed together: they stay in a processor's cache, and in products of one thread.
_BATCH = 1 << 14

F64 = npt.NDArray[np.float64]


def backtest_overfitting(returns: npt.NDArray[np.float64], blocks: int = 16) -> float:
    """PBO: how often the best configuration in one half is below the median in the other.

    Parameters
    ----------
    returns : ndarray of float64, shape (n_observations, n_configurations)
        Blocks are as equal as can be, the first ones a row longer.
    blocks : int
        Even, from 2 to 20, at most the number of rows.

    Returns
    -------
    float
        Share of the C(S, S/2) halves whose best configuration by Sharpe ratio has a rank at or
        below the middle in the other half: logit of rank/(N + 1) at most 0. Of two equal ratios
        the first configuration is the best, and ties share the mean rank.

    Raises
    ------
    ValueError
        When there are fewer than two configurations or no such blocks.

    References
    ----------
    Bailey, Borwein, Lopez de Prado, Zhu (2017), The probability of backtest overfitting,
    J. Computational Finance 20(4).
    """
    n, configurations = returns.shape
    if configurations < 2 or blocks % 2 or not 2 <= blocks <= min(n, 20):
        raise ValueError(
            f"{n} rows of {configurations} configurations in {blocks} blocks, expected at least "
            "two configurations and an even number of blocks from 2 to 20"
        )
    below = total = 0
    blocked = _Blocks(np.asarray(returns, np.float64), blocks)
    # Halves come in pairs; the first of each has the first block.
    firsts = itertools.combinations(range(1, blocks), blocks // 2 - 1)
    batch = max(1, _BATCH // configurations)
    while chosen := list(itertools.islice(firsts, batch)):
        inside = np.zeros((len(chosen), blocks))
        inside[:, 0] = 1.0
        np.put_along_axis(inside, np.array(chosen, np.intp).reshape(len(chosen), -1), 1.0, axis=1)
        first, second = (blocked.ratios(half) for half in (inside, 1.0 - inside))
        below += _below(first, second) + _below(second, first)
        total += 2 * len(chosen)
    return below / total


def _below(here: F64, there: F64) -> int:
    """How many of the best configurations in one half are at or below the middle in the other."""
    own = np.take_along_axis(there, here.argmax(axis=1)[:, None], axis=1)
    # Twice the mean rank, 1 for the worst.
    rank = np.count_nonzero(there < own, axis=1) + np.count_nonzero(there <= own, axis=1) + 1
    return int((rank <= here.shape[1] + 1).sum())


class _Blocks:
    """Moments of each block, from which those of any half follow.

    Means are kept as distances from the mean of all rows, and squares as distances from the block's
    own mean, so that no digits are lost where the mean is far larger than what moves.
    """

    def __init__(self, returns: F64, blocks: int) -> None:
        self._level = returns.mean(axis=0)
        cut = np.array_split(returns - self._level, blocks)
        self._lengths = np.array([[float(len(block))] for block in cut])
        means = np.array([block.mean(axis=0) for block in cut])
        self._sums = means * self._lengths
        within = np.array([((b - m) ** 2).sum(axis=0) for b, m in zip(cut, means, strict=True)])
        self._squares = within + means * self._sums

    def ratios(self, half: F64) -> F64:
        """Sharpe ratios in halves of the blocks; 0 where nothing moved.

        Parameters
        ----------
        half : ndarray of float64, shape (n_halves, n_blocks)
            1 for a block that is in it, else 0.
        """
        n = half @ self._lengths
        mean = half @ self._sums / n
        variance = np.maximum(half @ self._squares / n - mean * mean, 0.0)
        made: F64 = np.divide(
            mean + self._level, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 0
        )
        return made
