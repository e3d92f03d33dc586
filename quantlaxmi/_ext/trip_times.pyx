"""When the round trips of a run were decided and when they closed, straight from its fills.

The trips are those that gates/path/round_trips.py counts: from flat to flat of all instruments; fills of one
decision that follow one another are one change of the position, and a change that turns every side
over ends one trip and begins another.
"""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.signals cimport hear_after
from quantlaxmi._ext.wide cimport *

cdef enum Outcome:
    FOUND = 0
    TOO_LARGE = 1  # a position does not fit 64 bits
    UNKNOWN = 2  # a fill names an instrument that is not there


cdef inline bint _flat(const int64_t* held, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if held[i]:
            return False
    return True


cdef inline bint _turned(const int64_t* before, const int64_t* after, Py_ssize_t n) noexcept nogil:
    """Whether a position that is still held has no side of the one before."""
    cdef Py_ssize_t i
    for i in range(n):
        if before[i] and after[i] and (before[i] > 0) == (after[i] > 0):
            return False
    return True


cdef int _find(
    const fill_t[::1] fills, const int64_t[::1] decided_ns, int64_t[:, ::1] held,
    int64_t[:, ::1] out, Py_ssize_t* closed, bint* is_open,
) except -1 nogil:
    cdef Py_ssize_t n = held.shape[1], k = 0, i, steps = 0
    cdef int64_t decision, since = 0
    cdef bint was_flat, is_flat = True
    while k < fills.shape[0]:
        decision = fills[k].decision
        was_flat = is_flat
        hear_after(&steps, n)
        for i in range(n):
            held[0, i] = held[1, i]
        while k < fills.shape[0] and fills[k].decision == decision:
            hear_after(&steps, 1)
            i = fills[k].instrument
            if i < 0 or i >= n:
                return UNKNOWN
            if ql_add_i64(held[1, i], fills[k].side * fills[k].qty, &held[1, i]):
                return TOO_LARGE
            k += 1
        is_flat = _flat(&held[1, 0], n)
        if not was_flat and (is_flat or _turned(&held[0, 0], &held[1, 0], n)):
            out[0, closed[0]] = since
            out[1, closed[0]] = decided_ns[k - 1]
            out[2, closed[0]] = fills[k - 1].ts_ns
            closed[0] += 1
            was_flat = True
        if was_flat:
            since = decided_ns[k - 1]
    is_open[0] = not is_flat
    return FOUND


def trip_times(
    const fill_t[::1] fills,  # IN
    const int64_t[::1] decided_ns,  # IN (n_fills,)
    Py_ssize_t n_instruments,
):
    """Times of a run's closed round trips.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    decided_ns : ndarray of int64, shape (n_fills,)
        When each fill was decided.
    n_instruments : int

    Returns
    -------
    times : ndarray of int64, shape (3, n_closed)
        When the opening and the closing of each trip were decided, and when the closing was filled.
    is_open : bool
        Whether a position is open at the end.

    Raises
    ------
    OverflowError
        A position does not fit 64 bits.
    ValueError
        Shapes differ, or a fill names an instrument that is not there.
    """
    cdef Py_ssize_t closed = 0
    cdef bint is_open = False
    cdef int status
    cdef int64_t[:, ::1] held = np.zeros((2, max(n_instruments, 1)), dtype=np.int64)
    if decided_ns.shape[0] != fills.shape[0]:
        raise ValueError("every fill has the time of its decision")
    # A change of the position closes one trip at most.
    times = np.zeros((3, fills.shape[0]), dtype=np.int64)
    cdef int64_t[:, ::1] out = times
    with nogil:
        status = _find(fills, decided_ns, held, out, &closed, &is_open)
    if status == TOO_LARGE:
        raise OverflowError("a position does not fit 64 bits")
    if status == UNKNOWN:
        raise ValueError("a fill names an instrument that is not there")
    return np.ascontiguousarray(times[:, :closed]), bool(is_open)
