"""Whole columns of prices and quantities against a step: divided by it exactly, or counted off it."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.signals cimport listen

cdef extern from *:
    """
    /* Below 2^52 the product with the reciprocal is within one of the quotient. */
    #define QL_STEP_EXACT (((int64_t)1) << 52)
    """
    const int64_t QL_STEP_EXACT


cdef inline int64_t _rest(int64_t value, int64_t by, double inverse, int64_t* whole) noexcept nogil:
    """Quotient to `whole`; the remainder, 0 exactly where `by` divides the value."""
    cdef int64_t q, rest
    if value > QL_STEP_EXACT or value < -QL_STEP_EXACT:
        whole[0] = value / by
        return value % by
    q = <int64_t>(<double>value * inverse)
    rest = value - q * by
    if rest >= by:
        q += 1
        rest -= by
    elif rest <= -by:
        q -= 1
        rest += by
    whole[0] = q
    return rest


def divided(column, instrument, by):
    """A column of which each instrument's rows are divided by a number of their own.

    Parameters
    ----------
    column : ndarray of int64, shape (n,)
    instrument : ndarray of int16, shape (n,)
        Index of each row's instrument; rows of others stay as they are.
    by : ndarray of int64, shape (n_instruments,)
        At least 1.

    Returns
    -------
    ndarray of int64 or None
        None where a row of an instrument does not divide.
    int
        Index of that instrument; -1 for none.
    """
    cdef const int64_t[::1] values = np.ascontiguousarray(column)
    cdef const short[::1] of = np.ascontiguousarray(instrument)
    cdef const int64_t[::1] steps = by
    cdef double[::1] inverse = 1.0 / np.asarray(by, dtype=np.float64)
    found = np.empty(values.shape[0], dtype=np.int64)
    cdef int64_t[::1] out = found
    cdef Py_ssize_t i, k, n = steps.shape[0], bad = -1
    if of.shape[0] != values.shape[0]:
        raise ValueError("column and instrument differ in length")
    with nogil:
        for i in range(values.shape[0]):
            k = of[i]
            if k < 0 or k >= n or steps[k] == 1:
                out[i] = values[i]
            elif _rest(values[i], steps[k], inverse[k], &out[i]) != 0:
                bad = k
                break
    return (found, -1) if bad < 0 else (None, bad)


def count_off(columns, instrument, steps):
    """Rows of each instrument, and those of them that have a value off its step.

    Parameters
    ----------
    columns : sequence of ndarray of int64, shape (n,)
    instrument : ndarray of int16, shape (n,)
        Index of each row's instrument; rows of others are not counted.
    steps : sequence of ndarray of int64, shape (n_instruments,)
        Of each column; 0 where every value is on it.

    Returns
    -------
    off, rows : ndarray of int64, shape (n_instruments,)
    """
    cdef const short[::1] of = np.ascontiguousarray(instrument)
    cdef const int64_t[::1] values, by
    cdef double[::1] inverse
    cdef Py_ssize_t i, k, n_rows = of.shape[0], n = len(steps[0])
    cdef int64_t whole = 0
    marks = np.zeros(n_rows, dtype=np.int8)
    cdef signed char[::1] mark = marks
    off, rows = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    cdef int64_t[::1] n_off = off, n_all = rows
    for column, step in zip(columns, steps, strict=True):
        values, by = np.ascontiguousarray(column), step
        if values.shape[0] != n_rows or by.shape[0] != n:
            raise ValueError("columns and steps differ in length")
        inverse = 1.0 / np.where(np.asarray(step) == 0, 1, step)
        listen()  # a column of 100 million rows takes half a second
        with nogil:
            for i in range(n_rows):
                k = of[i]
                if 0 <= k < n and by[k] != 0 and _rest(values[i], by[k], inverse[k], &whole) != 0:
                    mark[i] = 1
    with nogil:
        for i in range(n_rows):
            k = of[i]
            if 0 <= k < n:
                n_all[k] += 1
                n_off[k] += mark[i]
    return off, rows
