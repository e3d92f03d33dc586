"""Sums of 128-bit integers by groups, in four lanes of 32 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import FixedPointOverflow

__all__ = ["int128_floats", "int128_group_sums", "int128_running"]

_I64 = NDArray[np.int64]
_MASK = 0xFFFFFFFF


def int128_group_sums(hi: _I64, lo: _I64, group: NDArray[np.intp], n: int) -> tuple[_I64, _I64]:
    """Sum 128-bit integers by group, exactly.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,), n_rows below 2**31
        Upper halves, and bit patterns of the lower halves.
    group : ndarray of int, shape (n_rows,)
        Ascending, each from 0 to ``n - 1``.
    n : int
        Number of groups; one without rows sums to 0.

    Returns
    -------
    hi, lo : ndarray of int64, shape (n,)

    Raises
    ------
    FixedPointOverflow
        A sum does not fit 128 bits.

    Examples
    --------
    >>> hi, lo = np.array([0, -1, 0]), np.array([5, -2, 7])
    >>> [half.tolist() for half in int128_group_sums(hi, lo, np.array([0, 0, 2]), 3)]
    [[0, 0, 0], [3, 0, 7]]
    """
    edges = np.searchsorted(group, np.arange(n + 1))
    return _joined(
        [_padded(lane)[edges[1:]] - _padded(lane)[edges[:-1]] for lane in _lanes(hi, lo)]
    )


def int128_running(hi: _I64, lo: _I64) -> tuple[_I64, _I64]:
    """Sum 128-bit integers from the first row to each, exactly.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,), n_rows below 2**31

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
    return _joined([_padded(lane) for lane in _lanes(hi, lo)])


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


def _lanes(hi: _I64, lo: _I64) -> tuple[_I64, ...]:
    """32 bits each from the lowest; the top one has the sign."""
    return (lo & _MASK, (lo >> 32) & _MASK, hi & _MASK, hi >> 32)


def _padded(lane: _I64) -> _I64:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lane)])


def _joined(lanes: list[_I64]) -> tuple[_I64, _I64]:
    """Halves of sums whose lanes are not reduced yet."""
    carry = np.zeros(len(lanes[0]), np.int64)
    words = []
    for lane in lanes[:3]:
        total = lane + carry
        words.append(total & _MASK)
        carry = total >> 32
    top = lanes[3] + carry
    if (wrong := np.flatnonzero((top >> 31) != (top >> 63))).size:
        raise FixedPointOverflow("sum", (int(top[wrong[0]]),), int(wrong[0]))
    return (top << 32) | words[2], (words[1] << 32) | words[0]
