"""Exact sums of 128-bit integers in halves, and their nearest doubles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.int128_sums import add_times, group_sums, product_sum, running_sums
from quantlaxmi.errors import FixedPointOverflow

__all__ = [
    "int128_combined",
    "int128_floats",
    "int128_group_sums",
    "int128_product_sum",
    "int128_running",
]

_I64 = NDArray[np.int64]


def int128_group_sums(hi: _I64, lo: _I64, group: NDArray[np.intp], n: int) -> tuple[_I64, _I64]:
    """Sum 128-bit integers by group, exactly.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)
        Upper halves, and bit patterns of the lower halves.
    group : ndarray of int, shape (n_rows,)
        Each from 0 to ``n - 1``, in any order.
    n : int
        Number of groups; one without rows sums to 0.

    Returns
    -------
    hi, lo : ndarray of int64, shape (n,)

    Raises
    ------
    FixedPointOverflow
        A sum does not fit 128 bits at some row.

    Examples
    --------
    >>> hi, lo = np.array([0, -1, 0]), np.array([5, -2, 7])
    >>> [half.tolist() for half in int128_group_sums(hi, lo, np.array([0, 0, 2]), 3)]
    [[0, 0, 0], [3, 0, 7]]
    """
    sums, wrong = group_sums(hi, lo, group.astype(np.int64, copy=False), n)
    return _checked(sums, wrong, hi, lo)


def int128_running(hi: _I64, lo: _I64) -> tuple[_I64, _I64]:
    """Sum 128-bit integers from the first row to each, exactly.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)

    Returns
    -------
    hi, lo : ndarray of int64, shape (n_rows + 1,)
        The first is 0.

    Raises
    ------
    FixedPointOverflow
        A sum does not fit 128 bits.

    Examples
    --------
    >>> int128_running(np.array([0, -1]), np.array([5, -2]))[1].tolist()
    [0, 5, 3]
    """
    sums, wrong = running_sums(hi, lo)
    return _checked(sums, wrong, hi, lo)


def int128_combined(*terms: tuple[int, tuple[_I64, _I64]]) -> tuple[_I64, _I64]:
    """Add columns of 128-bit integers, each times a factor, row by row.

    Parameters
    ----------
    *terms : tuple of (int, (hi, lo))
        A factor and a column in halves; one or more, of one length.

    Returns
    -------
    hi, lo : ndarray of int64, shape (n_rows,)

    Raises
    ------
    FixedPointOverflow
        A product or a sum, the terms taken in order, does not fit 128 bits.

    Examples
    --------
    >>> column = (np.array([0, -1]), np.array([5, -2]))
    >>> int128_combined((10, column), (-1, column))[1].tolist()
    [45, -18]
    """
    sums = np.zeros((2, len(terms[0][1][0])), np.int64)
    for factor, (hi, lo) in terms:
        _checked(sums, add_times(sums, hi, lo, factor), hi, lo)
    return sums[0], sums[1]


def int128_product_sum(a: _I64, b: _I64) -> int:
    """Sum the products of two columns, exactly.

    Parameters
    ----------
    a, b : ndarray of int64, shape (n_rows,)

    Returns
    -------
    int
        Of any size.

    Examples
    --------
    >>> int128_product_sum(np.array([2, -3]), np.array([5, 7]))
    -11
    """
    return product_sum(a, b)


def int128_floats(hi: _I64, lo: _I64) -> NDArray[np.float64]:
    """The nearest doubles of 128-bit integers, to within one unit in the last place.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)

    Returns
    -------
    ndarray of float64, shape (n_rows,)

    Examples
    --------
    >>> int128_floats(np.array([0, -1]), np.array([5, -1])).tolist()
    [5.0, -1.0]
    """
    # Of small integers the upper half is the lower one's sign: no digit is lost to 2**64.
    small = hi == lo >> 63
    low = np.ascontiguousarray(lo).view(np.uint64).astype(np.float64)
    wide: NDArray[np.float64] = hi.astype(np.float64) * 2.0**64 + low
    return np.where(small, lo.astype(np.float64), wide)


def _checked(sums: _I64, wrong: int, hi: _I64, lo: _I64) -> tuple[_I64, _I64]:
    if wrong >= 0:
        raise FixedPointOverflow("sum", (int(hi[wrong]), int(lo[wrong])), wrong)
    return sums[0], sums[1]
