"""Block length of a bootstrap from the data, in exact integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np

__all__ = ["MILLION", "BlockLength", "block_length"]

#: Block lengths are whole millionths, so that no rounding of a machine is in them.
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BlockLength:
    """Block lengths of a series, in millionths of an observation, at least a whole one.

    Attributes
    ----------
    stationary : int
        Mean length of the stationary bootstrap's blocks.
    circular : int
        Length of the circular block bootstrap's.
    lags : int
        M, the autocovariances used.
    """

    stationary: int
    circular: int
    lags: int


def _cube_root(x: int) -> int:
    """Largest integer whose cube is at most `x`."""
    if x == 0:
        return 0
    root = 1 << -(-x.bit_length() // 3)
    while True:  # Newton from above falls until it has passed the root.
        smaller = (2 * root + x // (root * root)) // 3
        if smaller >= root:
            return root
        root = smaller


def _bandwidth(products: Sequence[int], n: int, run: int, most: int) -> int:
    """Twice the first lag of `run` insignificant ones in a row, at most `most`."""
    # |rho| < 2 sqrt(log10(n) / n); a decimal logarithm is correctly rounded everywhere.
    limit = 4 * Fraction(Context(prec=28).log10(Decimal(n))) / n * products[0] ** 2
    found = 0
    for lag in range(1, most + 1):
        found = found + 1 if products[lag] ** 2 < limit else 0
        # Over once every lag of the run was seen.
        if found == run and lag < most:
            return min(2 * (lag - run + 1), most)
    return most


def block_length(series: Sequence[int]) -> BlockLength:
    """Block lengths that minimise the mean squared error of the variance of the mean.

    Parameters
    ----------
    series : sequence of int
        At least two observations, of any size.

    Returns
    -------
    BlockLength
        ``(n G^2 / L^2)^(1/3)`` for the stationary and ``(3/2 n G^2 / L^2)^(1/3)`` for the circular
        bootstrap, rounded down to a millionth, with ``L = sum lambda(k/M) g_k`` and
        ``G = sum lambda(k/M) |k| g_k`` over lags from -M to M, ``lambda`` the flat-top window. Not
        above ``ceil(min(3 sqrt(n), n/3))``, not below 1; a constant series has 1.

    Raises
    ------
    ValueError
        When there are fewer than two observations.

    Notes
    -----
    M is twice the first lag of ``max(5, floor(log10 n))`` insignificant ones in a row, at most
    ``ceil(sqrt(n)) + max(5, floor(log10 n))``, as programs in use compute it. The paper's smallest
    lag *before* such a run is one less.

    ``arch.bootstrap.optimal_block_length`` takes for the correlation of a lag the product over the
    norms of the two parts of the series that overlap; here it is over the sum of squares of the
    whole series, which is the papers' ``R(k)/R(0)``. Short series with a few large values differ:
    a part without such a value has a small norm, and its lag looks significant there. On long
    series both give the same M. The whole series' norm is the same for all lags, so that the
    comparison needs no roots and stays exact.

    References
    ----------
    Politis, White (2004), Automatic block-length selection for the dependent bootstrap,
    Econometric Reviews 23; Patton, Politis, White (2009), correction, Econometric Reviews 28.
    """
    n = len(series)
    if n < 2:
        raise ValueError(f"{n} observations, expected at least 2")
    total = sum(series)
    centred = np.array([n * int(x) - total for x in series], dtype=object)
    run = max(5, len(str(n)) - 1)
    most = math.isqrt(n - 1) + 1 + run
    reach = min(most, n - 1)
    products = [int(centred[k:] @ centred[: n - k]) for k in range(reach + 1)]
    products += [0] * (most - reach)
    if products[0] == 0:
        return BlockLength(MILLION, MILLION, 0)
    lags = _bandwidth(products, n, run, most)
    # Everything times M / 2, which makes the window's weights integers.
    curve = level = 0
    for k in range(1, lags + 1):
        weighted = (lags if 2 * k <= lags else 2 * (lags - k)) * products[k]
        curve += 2 * k * weighted
        level += 2 * weighted
    level += lags * products[0]
    longest = min(-(-n // 3), math.isqrt(9 * n - 1) + 1) * MILLION
    lengths = []
    for num, den in ((1, 1), (3, 2)):
        if level == 0:
            lengths.append(longest)
            continue
        cubed = num * n * curve**2 * MILLION**3 // (den * level**2)
        lengths.append(max(MILLION, min(longest, _cube_root(cubed))))
    return BlockLength(lengths[0], lengths[1], lags)
