"""What each part of a fill has of the fill's money."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.signals cimport hear_far
from quantlaxmi._ext.wide cimport *


def fill_shares(
    const int64_t[:] hi, const int64_t[:] lo, const int64_t[:] qty, const int64_t[:] fill,
    const int64_t[:] quantity,
):
    """Share amounts of fills among their parts; at most two parts have one fill.

    Of a fill in two parts the earlier one has half-even(amount * quantity / qty), the later one
    what it leaves.

    Parameters
    ----------
    hi, lo : ndarray of int64, shape (n_fills,)
        Amounts, in halves.
    qty : ndarray of int64, shape (n_fills,)
        Above 0.
    fill, quantity : ndarray of int64, shape (n_parts,)
        Row of each part's fill, and what it has of the quantity, signed.

    Returns
    -------
    ndarray of int64, shape (2, n_parts)
        Upper and lower halves.

    Raises
    ------
    ValueError
        When lengths differ, or a part is of no fill, or has none or more than all of it.
    """
    cdef Py_ssize_t n = fill.shape[0], rows = qty.shape[0], k
    cdef int64_t row, size
    cdef bint outside = False
    cdef ql_i128 whole, share
    if hi.shape[0] != rows or lo.shape[0] != rows or quantity.shape[0] != n:
        raise ValueError("halves are one a fill, quantities one a part")
    shares = np.empty((2, n), dtype=np.int64)
    cdef int64_t[:, ::1] out = shares
    cdef int64_t[::1] earlier = np.full(rows, -1, dtype=np.int64)
    with nogil:
        for k in range(n):
            hear_far(k)
            row, size = fill[k], quantity[k] if quantity[k] > 0 else -quantity[k]
            if row < 0 or row >= rows or size < 1 or size > qty[row]:
                outside = True
                break
            whole = ql_join(hi[row], lo[row])
            if earlier[row] >= 0:
                share = ql_join(out[0, earlier[row]], out[1, earlier[row]])
                ql_sub(whole, share, &share)
            elif size == qty[row]:
                share = whole
            else:
                # A part is no more than the whole, so it fits.
                ql_mul_div(
                    whole, ql_mul64(size, 1), ql_mul64(qty[row], 1), QL_HALF_EVEN, &share
                )
            earlier[row] = k
            out[0, k], out[1, k] = ql_hi(share), ql_lo(share)
    if outside:
        raise ValueError(f"part {k} is not a part of one of the {rows} fills")
    return shares
