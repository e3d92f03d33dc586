"""Probability of backtest overfitting by combinatorially symmetric cross-validation."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

__all__ = ["backtest_overfitting"]

#: Combinations looked at together.
_BATCH = 4096


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
    cut = np.array_split(np.asarray(returns, np.float64), blocks)
    sums = np.array([block.sum(axis=0) for block in cut])
    squares = np.array([(block * block).sum(axis=0) for block in cut])
    lengths = np.array([[float(len(block))] for block in cut])
    below = total = 0
    halves = itertools.combinations(range(blocks), blocks // 2)
    while chosen := list(itertools.islice(halves, _BATCH)):
        inside = np.zeros((len(chosen), blocks))
        np.put_along_axis(inside, np.array(chosen), 1.0, axis=1)
        first, second = (
            _ratios(weights @ sums, weights @ squares, weights @ lengths)
            for weights in (inside, 1.0 - inside)
        )
        best = first.argmax(axis=1)
        own = np.take_along_axis(second, best[:, None], axis=1)
        # Twice the mean rank, 1 for the worst.
        rank = 2 * (second < own).sum(axis=1) + (second == own).sum(axis=1) + 1
        below += int((rank <= configurations + 1).sum())
        total += len(chosen)
    return below / total


def _ratios(
    sums: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], n: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Sharpe ratios; 0 where nothing moved."""
    mean = sums / n
    variance = np.maximum(squares / n - mean * mean, 0.0)
    made: npt.NDArray[np.float64] = np.divide(
        mean, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 0
    )
    return made
