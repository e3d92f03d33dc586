"""Sweep kernel of the stationary bootstrap: sums of resampled series.

Step i of a draw begins a new block with probability 1/L, at a uniform observation, and otherwise
goes on to the next observation, the first after the last. Both random words of step i are those
of one cipher block. Sums are int64, which the caller proves. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.rng import below, block
from quantlaxmi.schema import I64

__all__ = ["prepare", "resampled_sums"]


@kernel
def resampled_sums(
    key: np.uint64,
    first: int,  # number of the first draw
    last_word: np.uint64,  # a block begins where the step's first word is not above it
    columns: I64,  # IN  (n_observations, n_columns)
    out: I64,  # OUT (n_draws, n_columns)
) -> None:
    """Column sums over one resampled order of the rows for each draw."""
    n_draws, n_columns = out.shape
    n = columns.shape[0]
    for t in range(n_draws):
        at = 0
        for k in range(n_columns):
            out[t, k] = 0
        for i in range(n):
            begins, place = block(key, np.uint64(first + t), np.uint64(i))
            at = at + 1
            if i == 0 or begins <= last_word:
                at = below(place, n)
            elif at == n:
                at = 0
            for k in range(n_columns):
                out[t, k] += columns[at, k]


def prepare() -> None:
    """Compile what the bootstrap needs, or load it from the cache; nothing is drawn."""
    table = np.zeros((0, 0), np.int64)
    resampled_sums(np.uint64(0), 0, np.uint64(0), table, table)
