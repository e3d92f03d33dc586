"""Sums of 128-bit integers in halves: by group, running, of columns, and of products."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.wide cimport *


cdef inline ql_i128 _low(int64_t lo) noexcept nogil:
    """A lower half, read as unsigned."""
    return ql_join(0, lo)


def group_sums(
    const int64_t[:] hi, const int64_t[:] lo, const int64_t[:] group, Py_ssize_t n
):
    """Sum rows by group.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)
        Upper halves, and bit patterns of the lower halves.
    group : ndarray of int64, shape (n_rows,)
        From 0 to ``n - 1``, in any order.
    n : int

    Returns
    -------
    sums : ndarray of int64, shape (2, n)
        Upper and lower halves.
    wrong : int
        -1, or the first row at which a sum does not fit 128 bits.

    Raises
    ------
    ValueError
        When lengths differ, or a group is not one of the n.
    """
    cdef Py_ssize_t rows = hi.shape[0], k, wrong = -1
    cdef int64_t g
    cdef bint outside = False
    cdef ql_i128 total
    if lo.shape[0] != rows or group.shape[0] != rows or n < 0:
        raise ValueError("halves and groups are one a row")
    sums = np.zeros((2, n), dtype=np.int64)
    cdef int64_t[:, ::1] out = sums
    with nogil:
        for k in range(rows):
            g = group[k]
            if g < 0 or g >= n:
                outside = True
                break
            if ql_add(ql_join(out[0, g], out[1, g]), ql_join(hi[k], lo[k]), &total):
                wrong = k
                break
            out[0, g], out[1, g] = ql_hi(total), ql_lo(total)
    if outside:
        raise ValueError(f"a group is {g}, there are {n}")
    return sums, wrong


def running_sums(const int64_t[:] hi, const int64_t[:] lo):
    """Sum from the first row to each.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)

    Returns
    -------
    sums : ndarray of int64, shape (2, n_rows + 1)
        Upper and lower halves; the first is 0.
    wrong : int
        -1, or the first row at which the sum does not fit 128 bits.

    Raises
    ------
    ValueError
        When lengths differ.
    """
    cdef Py_ssize_t rows = hi.shape[0], k, wrong = -1
    cdef ql_i128 total = ql_mul64(0, 0)
    if lo.shape[0] != rows:
        raise ValueError("halves are one a row")
    sums = np.zeros((2, rows + 1), dtype=np.int64)
    cdef int64_t[:, ::1] out = sums
    with nogil:
        for k in range(rows):
            if ql_add(total, ql_join(hi[k], lo[k]), &total):
                wrong = k
                break
            out[0, k + 1], out[1, k + 1] = ql_hi(total), ql_lo(total)
    return sums, wrong


def add_times(int64_t[:, ::1] sums, const int64_t[:] hi, const int64_t[:] lo, int64_t factor):
    """Add a column times a factor to sums, row by row.

    Parameters
    ----------
    sums : ndarray of int64, shape (2, n_rows)
        Upper and lower halves; changed.
    hi, lo : ndarray of int64, shape (n_rows,)
    factor : int

    Returns
    -------
    int
        -1, or the first row that does not fit 128 bits.

    Raises
    ------
    ValueError
        When lengths differ.
    """
    cdef Py_ssize_t rows = hi.shape[0], k
    cdef ql_i128 value, total, times = ql_mul64(factor, 1)
    if lo.shape[0] != rows or sums.shape[0] != 2 or sums.shape[1] != rows:
        raise ValueError("halves and sums are one a row")
    with nogil:
        for k in range(rows):
            if (
                ql_mul(ql_join(hi[k], lo[k]), times, &value)
                or ql_add(ql_join(sums[0, k], sums[1, k]), value, &total)
            ):
                break
            sums[0, k], sums[1, k] = ql_hi(total), ql_lo(total)
        else:
            k = -1
    return k


def product_sum(const int64_t[:] a, const int64_t[:] b):
    """Sum of the products of two columns, of any size.

    Parameters
    ----------
    a, b : ndarray of int64, shape (n_rows,)

    Returns
    -------
    int

    Raises
    ------
    ValueError
        When lengths differ.
    """
    cdef Py_ssize_t rows = a.shape[0], k
    cdef ql_i128 product, upper = ql_mul64(0, 0), lower = ql_mul64(0, 0)
    if b.shape[0] != rows:
        raise ValueError("factors are one a row")
    with nogil:
        for k in range(rows):
            # Sums of halves: neither can overflow in fewer than 2**63 rows.
            product = ql_mul64(a[k], b[k])
            ql_add(upper, ql_mul64(ql_hi(product), 1), &upper)
            ql_add(lower, _low(ql_lo(product)), &lower)
    return (wide_int(upper) << 64) + wide_int(lower)


def total(const int64_t[:] hi, const int64_t[:] lo):
    """Sum of all rows, of any size.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_rows,)

    Returns
    -------
    int

    Raises
    ------
    ValueError
        When lengths differ.
    """
    cdef Py_ssize_t rows = hi.shape[0], k
    cdef ql_i128 upper = ql_mul64(0, 0), lower = ql_mul64(0, 0)
    if lo.shape[0] != rows:
        raise ValueError("halves are one a row")
    with nogil:
        for k in range(rows):
            ql_add(upper, ql_mul64(hi[k], 1), &upper)
            ql_add(lower, _low(lo[k]), &lower)
    return (wide_int(upper) << 64) + wide_int(lower)
