"""Signed 128-bit integers as pairs of int64 halves, the form they have in records."""

from __future__ import annotations

import operator
from typing import Final

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.int128_sums import total
from quantlaxmi.errors import FixedPointError

_MASK: Final = (1 << 64) - 1


def int128_to_int(hi: int, lo: int) -> int:
    """Join the halves of a signed 128-bit integer.

    Parameters
    ----------
    hi : int
        Upper 64 bits, signed.
    lo : int
        Lower 64 bits: the pattern as a signed or unsigned integer.

    Returns
    -------
    int
        ``hi * 2**64 + lo``, ``lo`` read as unsigned.

    Examples
    --------
    >>> int128_to_int(-1, -1), int128_to_int(1, 0) == 1 << 64
    (-1, True)
    """
    return (int(hi) << 64) | (int(lo) & _MASK)


def int_to_int128(value: int) -> tuple[int, int]:
    """Split an integer into the halves of a signed 128-bit one.

    Parameters
    ----------
    value : int
        From -2**127 to 2**127 - 1.

    Returns
    -------
    hi, lo : int
        Both as signed 64-bit integers, ready for int64 columns.

    Raises
    ------
    FixedPointError
        ``value`` does not fit 128 bits.

    Examples
    --------
    >>> int_to_int128(-1), int_to_int128(1 << 64)
    ((-1, -1), (1, 0))
    """
    value = operator.index(value)
    if not -(1 << 127) <= value < 1 << 127:
        raise FixedPointError(f"int_to_int128({value}) does not fit 128 bits")
    lo = value & _MASK
    return value >> 64, lo - (1 << 64) if lo >> 63 else lo


def int128_array(hi: npt.NDArray[np.int64], lo: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Join arrays of halves into Python integers.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)
        Upper halves, and bit patterns of the lower halves.

    Returns
    -------
    ndarray of object (int), shape (n_rows,)
        ``hi * 2**64 + lo`` of each row, ``lo`` read as unsigned.

    Examples
    --------
    >>> int128_array(np.array([0, -1]), np.array([5, -1])).tolist()
    [5, -1]
    """
    low = np.ascontiguousarray(lo, dtype=np.int64).view(np.uint64)
    joined: npt.NDArray[np.object_] = np.asarray(hi, dtype=np.int64).astype(object)
    joined *= 1 << 64
    joined += low.astype(object)
    return joined


def int128_sum(hi: npt.NDArray[np.int64], lo: npt.NDArray[np.int64]) -> int:
    """Sum arrays of 128-bit halves exactly, without one Python integer for each row.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)
        Upper halves, and bit patterns of the lower halves.

    Returns
    -------
    int
        The exact sum, which may exceed 128 bits.

    Examples
    --------
    >>> int128_sum(np.array([0, -1]), np.array([5, -1]))
    4
    """
    return total(hi, lo)


def int128_halves(
    values: npt.ArrayLike,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split Python integers into columns of 128-bit halves; the inverse of `int128_array`.

    Parameters
    ----------
    values : sequence of int, length n_rows
        Each from -2**127 to 2**127 - 1.

    Returns
    -------
    hi, lo : ndarray of int64, shape (n_rows,)
        Upper halves, and bit patterns of the lower halves.

    Raises
    ------
    FixedPointError
        A value does not fit 128 bits; the message names its row.

    Examples
    --------
    >>> [half.tolist() for half in int128_halves([5, -1, 1 << 64])]
    [[0, -1, 1], [5, -1, 0]]
    """
    rows = np.asarray(values, dtype=object)
    hi, lo = np.empty(rows.shape, np.int64), np.empty(rows.shape, np.int64)
    for row, value in enumerate(rows.tolist()):
        try:
            hi[row], lo[row] = int_to_int128(value)
        except FixedPointError as error:
            raise FixedPointError(f"{error} (row {row})") from None
    return hi, lo
