"""The stationary bootstrap on integers: sums of resampled series, exact and the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quantlaxmi.stats.block_length import MILLION

__all__ = ["bootstrap_sums"]

#: Rows of sums computed at a time.
_BATCH = 100_000


def _limbs(series: Sequence[Sequence[int]], width: int) -> tuple[list[list[int]], list[int]]:
    """Columns of integers below ``2**width`` in magnitude, and how many each series took."""
    columns: list[list[int]] = []
    counts = []
    for values in series:
        rest, count = list(values), 1
        while any(abs(v) >> width for v in rest):
            columns.append([v & ((1 << width) - 1) for v in rest])
            rest = [v >> width for v in rest]
            count += 1
        columns.append(rest)
        counts.append(count)
    return columns, counts


def bootstrap_sums(
    series: Sequence[Sequence[int]],
    block: int,
    draws: int,
    key: int,
    *,
    first: int = 0,
    threads: int | None = None,
) -> list[list[int]]:
    """Sums of series resampled together, so that what stood side by side stays so.

    Parameters
    ----------
    series : sequence of sequences of int
        One or more, of one length from 1 to 2**32 - 1, values of any size.
    block : int
        Mean length of a block, in millionths of an observation, at least a million.
    draws : int
    key : int
        64-bit key of the stream; draw i depends on (key, i) alone.
    first : int
        Number of the first draw.
    threads : int, optional
        The sums do not depend on it. All by default.

    Returns
    -------
    list of list of int
        For each series, one sum a draw.

    Raises
    ------
    ValueError
        When the series differ in length or are empty, or the block is shorter than one.

    Notes
    -----
    A block begins at each step with probability ``floor(2**64 * 10**6 / block) / 2**64``, so its
    length is geometric with mean ``block``. Values are divided by their greatest common divisor
    and cut into limbs so narrow that n of them cannot leave 62 bits.

    References
    ----------
    Politis, Romano (1994), The stationary bootstrap, J. American Statistical Association 89.
    """
    from quantlaxmi._jit.compiler import running
    from quantlaxmi._jit.stationary_bootstrap import resampled_sums

    n = len(series[0]) if series else 0
    if not 1 <= n < 2**32 or any(len(s) != n for s in series):
        raise ValueError(f"series of {[len(s) for s in series]} observations cannot be resampled")
    if block < MILLION:
        raise ValueError(f"block was {block} millionths, expected at least {MILLION}")
    common = [math.gcd(*s) or 1 for s in series]
    width = 62 - n.bit_length()
    limbs, counts = _limbs(
        [[v // d for v in s] for s, d in zip(series, common, strict=True)], width
    )
    columns = np.ascontiguousarray(np.array(limbs, np.int64).T)
    last_word = np.uint64((MILLION << 64) // block - 1)
    sums: list[list[int]] = [[] for _ in series]

    def sweep(begin: int, out: npt.NDArray[np.int64]) -> None:
        with running(threads) as divided:
            divided(
                lambda at, part: resampled_sums(
                    np.uint64(key), begin + at, last_word, columns, part
                ),
                out,
            )

    for start in range(0, draws, _BATCH):
        out = np.empty((min(_BATCH, draws - start), len(limbs)), np.int64)
        sweep(first + start, out)
        at = 0
        for total, count, divisor in zip(sums, counts, common, strict=True):
            total += _joined(out[:, at : at + count], width, divisor)
            at += count
    return sums


def _joined(out: npt.NDArray[np.int64], width: int, divisor: int) -> list[int]:
    """Sums whose limbs stand side by side, lowest first."""
    if out.shape[1] == 1:
        return [v * divisor for v in out[:, 0].tolist()]
    return [
        sum(limb << (width * k) for k, limb in enumerate(row)) * divisor for row in out.tolist()
    ]
