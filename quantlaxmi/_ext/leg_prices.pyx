"""Average entry and exit prices of legs of round trips, exact until they are rounded once."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.signals cimport hear_far
from quantlaxmi._ext.wide cimport *


cdef struct side_t:
    ql_i128 worth
    ql_i128 size


cdef int _average(const side_t* s, ql_i128 step, int64_t* hi, int64_t* lo, char* known) noexcept nogil:
    """``worth * step / size``, half to even; 1 where it does not fit."""
    cdef ql_i128 price
    known[0] = ql_cmp(s.size, ql_wide(0)) > 0
    hi[0] = lo[0] = 0
    if known[0]:
        if ql_mul_div(s.worth, step, s.size, QL_HALF_EVEN, &price):
            return 1
        hi[0], lo[0] = ql_hi(price), ql_lo(price)
    return 0


def leg_prices(
    const int64_t[:] leg, const int64_t[:] price, const int64_t[:] quantity,
    const int64_t[:] before, const int64_t[:] instrument, const int64_t[:, ::1] steps,
):
    """Average the prices of each leg's parts that are on the side of its first, and of the others.

    Parameters
    ----------
    leg : ndarray of int64, shape (n_parts,)
        Ascending from 0, every leg has parts.
    price, quantity, before : ndarray of int64, shape (n_parts,)
        Price mantissa, signed quantity, position before.
    instrument : ndarray of int64, shape (n_legs,)
    steps : ndarray of int64, shape (2, n_instruments)
        What an instrument's price mantissas are multiplied by, in halves.

    Returns
    -------
    sides, sizes : ndarray of int64, shape (n_legs,)
        Sign of the first part, and the largest position held.
    prices : ndarray of int64, shape (2, 2, n_legs)
        Entry and exit, upper and lower halves.
    known : ndarray of int8, shape (2, n_legs)
        Whether there is such a price.
    wrong : int
        -1, or the first leg of which a sum or a price does not fit 128 bits.

    Raises
    ------
    ValueError
        When lengths differ, or a number is not one of its range.
    """
    cdef Py_ssize_t n = leg.shape[0], n_legs = instrument.shape[0], k = 0, m, wrong = -1
    cdef int64_t held, size, which
    cdef bint outside = False
    cdef side_t both[2]
    cdef ql_i128 part, step
    if price.shape[0] != n or quantity.shape[0] != n or before.shape[0] != n or steps.shape[0] != 2:
        raise ValueError("prices and quantities are one a part")
    first, largest = np.zeros(n_legs, dtype=np.int64), np.zeros(n_legs, dtype=np.int64)
    prices, known = np.zeros((2, 2, n_legs), np.int64), np.zeros((2, n_legs), np.int8)
    cdef int64_t[::1] sides = first, sizes = largest
    cdef int64_t[:, :, ::1] out = prices
    cdef char[:, ::1] has = known
    with nogil:
        for m in range(n_legs):
            if (
                k == n or leg[k] != m
                or instrument[m] < 0 or instrument[m] >= steps.shape[1]
            ):
                outside = True
                break
            both[0].worth = both[0].size = both[1].worth = both[1].size = ql_wide(0)
            sides[m] = 1 if quantity[k] > 0 else -1
            while k < n and leg[k] == m:
                hear_far(k)
                held = before[k] + quantity[k]
                held = held if held >= 0 else -held
                sizes[m] = held if held > sizes[m] else sizes[m]
                size = quantity[k] if quantity[k] >= 0 else -quantity[k]
                which = (quantity[k] > 0) != (sides[m] > 0)
                part = ql_mul64(price[k], size)
                if (
                    ql_add(both[which].worth, part, &both[which].worth)
                    or ql_add(both[which].size, ql_wide(size), &both[which].size)
                ):
                    wrong = m
                    break
                k += 1
            step = ql_join(steps[0, instrument[m]], steps[1, instrument[m]])
            for which in range(2):
                if wrong < 0 and _average(
                    &both[which], step, &out[which, 0, m], &out[which, 1, m], &has[which, m]
                ):
                    wrong = m
            if wrong >= 0:
                break
        outside |= wrong < 0 and k < n
    if outside:
        raise ValueError("legs ascend from 0, each with parts of one of the instruments")
    return first, largest, prices, known, wrong
