"""Worst and best running result of round trips, in one pass over the books."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.signals cimport hear_after
from quantlaxmi._ext.wide cimport *


cdef struct course_t:
    ql_i128 traded  # at the mids of decisions
    ql_i128 worst
    ql_i128 best
    Py_ssize_t row  # of the books: the first that has not been seen
    Py_ssize_t n_held  # instruments that the trip has traded
    Py_ssize_t steps  # since signals were looked at


cdef int _look(
    course_t* c, const int64_t[::1] held, const int64_t[::1] position, const int64_t[::1] mids,
    const int64_t[:, ::1] units,
) noexcept nogil:
    """Note the running result; 1 where it does not fit. A position without a mid has none."""
    cdef ql_i128 value = c.traded, part
    cdef Py_ssize_t i, k
    for k in range(c.n_held):
        i = held[k]
        if position[i] == 0:
            continue
        if mids[i] == 0:
            return 0
        if (
            ql_mul(ql_mul64(position[i], mids[i]), ql_join(units[0, i], units[1, i]), &part)
            or ql_add(value, part, &value)
        ):
            return 1
    if ql_cmp(value, c.worst) < 0:
        c.worst = value
    if ql_cmp(value, c.best) > 0:
        c.best = value
    return 0


cdef int _pass(
    course_t* c, int64_t until, const int64_t[:] seq, const int64_t[:] instrument,
    const int64_t[:] mid2, int64_t[::1] mids, const int64_t[::1] held,
    const int64_t[::1] position, bint looks, const int64_t[:, ::1] units,
) except -1 nogil:
    """See all books up to a message; 1 where a running result does not fit."""
    cdef Py_ssize_t n = seq.shape[0], row = c.row
    cdef bint news = False
    while row < n and seq[row] <= until:
        hear_after(&c.steps, 1)
        if mid2[row] != 0:
            mids[instrument[row]] = mid2[row]
            news |= position[instrument[row]] != 0
        row += 1
        if looks and news and (row == n or seq[row] != seq[row - 1]):
            news = False
            hear_after(&c.steps, c.n_held)
            if _look(c, held, position, mids, units):
                return 1
    c.row = row
    return 0


cdef void _trade(
    course_t* c, int64_t i, int64_t quantity, int64_t[::1] held, int64_t[::1] position
) noexcept nogil:
    """Change a position, and list its instrument."""
    cdef Py_ssize_t k
    for k in range(c.n_held):
        if held[k] == i:
            break
    else:
        held[c.n_held] = i
        c.n_held += 1
    position[i] += quantity


cdef int _back(
    course_t* c, int64_t to, const int64_t[:] seq, const int64_t[:] instrument,
    const int64_t[:] mid2, int64_t[::1] mids,
) except -1 nogil:
    """Go back to the books after a message; the mids are those before it again."""
    cdef Py_ssize_t i, row
    while c.row > 0 and seq[c.row - 1] > to:
        hear_after(&c.steps, 1)
        c.row -= 1
    for i in range(mids.shape[0]):
        row = c.row - 1
        while row >= 0 and (instrument[row] != i or mid2[row] == 0):
            hear_after(&c.steps, 1)
            row -= 1
        mids[i] = mid2[row] if row >= 0 else 0
    return 0


cdef void _begin(course_t* c, const int64_t[::1] held, int64_t[::1] position) noexcept nogil:
    """A new trip: flat, and nothing made."""
    cdef Py_ssize_t k
    c.traded = c.worst = c.best = ql_wide(0)
    for k in range(c.n_held):
        position[held[k]] = 0
    c.n_held = 0


cdef bint _leaves(const int64_t[:] numbers, int64_t below) noexcept nogil:
    """Whether a number is below 0, or is not below its bound."""
    cdef Py_ssize_t k
    cdef bint found = False
    for k in range(numbers.shape[0]):
        found |= numbers[k] < 0 or numbers[k] >= below
    return found


def trip_extremes(
    books, const int64_t[:] fill_seq, const int64_t[:] fill_instrument,
    const int64_t[:] quantity, const int64_t[:, ::1] gross, const int64_t[:] first_part,
    bint is_open, const int64_t[:, ::1] units,
):
    """Follow each round trip over the books; see `quantlaxmi.run.excursions`.

    Parameters
    ----------
    books : tuple of three ndarrays of int64, shape (n_rows,)
        Message, ascending; instrument; bid + ask, 0 where the book is not valid.
    fill_seq, fill_instrument, quantity : ndarray of int64, shape (n_parts,)
        Of parts of fills, by trip, then by fill.
    gross : ndarray of int64, shape (2, n_parts)
        What each part traded at the mid of its decision, in halves.
    first_part : ndarray of int64, shape (n_trips,)
    is_open : bool
        Whether the last trip lasts until the end of the books.
    units : ndarray of int64, shape (2, n_instruments)
        Worth of one (bid + ask) times quantity, in halves.

    Returns
    -------
    extremes : ndarray of int64, shape (2, 2, n_trips)
        Lowest and highest result, upper and lower halves.
    wrong : int
        -1, or the first trip of which a result does not fit 128 bits.

    Raises
    ------
    ValueError
        When lengths differ, or an instrument is none of those that have a unit.
    """
    cdef const int64_t[:] seq = books[0], instrument = books[1], mid2 = books[2]
    cdef Py_ssize_t n = fill_seq.shape[0], n_trips = first_part.shape[0], t, k, end, wrong = -1
    cdef Py_ssize_t n_instruments = units.shape[1]
    cdef bint outside = False
    cdef int64_t until
    cdef course_t c
    if (
        instrument.shape[0] != seq.shape[0] or mid2.shape[0] != seq.shape[0]
        or fill_instrument.shape[0] != n or quantity.shape[0] != n or gross.shape[1] != n
        or gross.shape[0] != 2 or units.shape[0] != 2
    ):
        raise ValueError("columns have one value a row")
    extremes = np.zeros((2, 2, n_trips), dtype=np.int64)
    cdef int64_t[:, :, ::1] out = extremes
    cdef int64_t[::1] mids = np.zeros(n_instruments, dtype=np.int64)
    cdef int64_t[::1] position = np.zeros(n_instruments, dtype=np.int64)
    cdef int64_t[::1] held = np.zeros(n_instruments, dtype=np.int64)
    c.row = c.n_held = c.steps = 0
    with nogil:
        outside = (
            _leaves(instrument, n_instruments) or _leaves(fill_instrument, n_instruments)
            or _leaves(first_part, n + 1)
        )
        for t in range(n_trips if not outside else 0):
            end = first_part[t + 1] if t + 1 < n_trips else n
            _begin(&c, held, position)
            for k in range(first_part[t], end):
                until = fill_seq[k]
                if c.row > 0 and seq[c.row - 1] > until:
                    _back(&c, until, seq, instrument, mid2, mids)
                if _pass(
                    &c, until, seq, instrument, mid2, mids, held, position, k > first_part[t],
                    units,
                ):
                    wrong = t
                    break
                hear_after(&c.steps, c.n_held)
                _trade(&c, fill_instrument[k], quantity[k], held, position)
                if ql_add(c.traded, ql_join(gross[0, k], gross[1, k]), &c.traded) or _look(
                    &c, held, position, mids, units
                ):
                    wrong = t
                    break
            if wrong < 0 and is_open and t + 1 == n_trips and _pass(
                &c, 0x7FFFFFFFFFFFFFFF, seq, instrument, mid2, mids, held, position, True, units
            ):
                wrong = t
            if wrong >= 0:
                break
            out[0, 0, t], out[0, 1, t] = ql_hi(c.worst), ql_lo(c.worst)
            out[1, 0, t], out[1, 1, t] = ql_hi(c.best), ql_lo(c.best)
    if outside:
        raise ValueError(f"a row is of none of the {n_instruments} instruments")
    return extremes, wrong
