"""Round trips of a ledger in one pass: the parts that every fill has in them."""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.signals cimport hear_far

from quantlaxmi.schema import FillFlag

# Of a fill inside the bar that ended.
cdef int64_t _IN_BAR = FillFlag.IN_BAR


cdef inline int64_t _sign(int64_t x) noexcept nogil:
    return (x > 0) - (x < 0)


cdef inline int64_t _kept_side(int64_t side, int64_t position) noexcept nogil:
    """The position where it is on a side, else 0."""
    return position if side != 0 and _sign(position) == side else 0


cdef struct walk_t:
    Py_ssize_t n_open  # instruments with a position
    Py_ssize_t trip
    Py_ssize_t n_parts


cdef Py_ssize_t _change_end(
    const fill_t* fills, Py_ssize_t first, Py_ssize_t n, Py_ssize_t held
) except -1 nogil:
    """Where the change that begins at a fill ends: with its decision, or where what a bar met left
    nothing held, because what the same decision opens is opened at the next bar."""
    cdef Py_ssize_t k
    cdef int64_t before
    for k in range(first, n):
        hear_far(k)
        if k > first and fills[k].decision != fills[first].decision:
            return k
        before = fills[k].position - fills[k].side * fills[k].qty
        held += (fills[k].position != 0) - (before != 0)
        if held == 0 and fills[k].flags & _IN_BAR:
            return k + 1
    return n


cdef int _turns(
    const fill_t* fills, Py_ssize_t first, Py_ssize_t after, walk_t* w, int64_t[:, ::1] state
) except -1 nogil:
    """Follow one change; whether it closes all that was held and holds something else."""
    cdef Py_ssize_t k, held = w.n_open, ended = 0
    cdef int64_t i, before
    # Rows of the state: the change that saw the instrument last, its side before it, and after it.
    for k in range(first, after):
        hear_far(k)
        i = fills[k].instrument
        before = fills[k].position - fills[k].side * fills[k].qty
        w.n_open += (fills[k].position != 0) - (before != 0)
        if state[0, i] != first:
            state[0, i], state[1, i] = first, _sign(before)
        state[2, i] = _sign(fills[k].position)
    for k in range(first, after):
        i = fills[k].instrument
        if state[0, i] == first:
            ended += state[1, i] != 0 and state[1, i] * state[2, i] <= 0
            state[0, i] = -2 - first  # counted
    return held > 0 and w.n_open > 0 and ended == held


cdef void _write(
    const fill_t* fills, Py_ssize_t first, Py_ssize_t after, bint old, bint turned, walk_t* w,
    int64_t[:, ::1] state, int64_t[:, ::1] parts,
) noexcept nogil:
    """Parts of the trip that a change ends (old), or of the one that it is in."""
    cdef Py_ssize_t k
    cdef int64_t before, position, kept, kept_after, quantity
    for k in range(first, after):
        position = fills[k].position
        before = position - fills[k].side * fills[k].qty
        kept = kept_after = 0
        if turned:
            kept = _kept_side(state[1, fills[k].instrument], before)
            kept_after = _kept_side(state[1, fills[k].instrument], position)
        quantity = kept_after - kept
        if not old:
            quantity = position - before - quantity
            kept = before - kept
        if quantity:
            parts[0, w.n_parts], parts[1, w.n_parts] = k, w.trip
            parts[2, w.n_parts], parts[3, w.n_parts] = quantity, kept
            w.n_parts += 1


def trip_parts(const fill_t[::1] fills, Py_ssize_t n_instruments):
    """Divide the fills of a ledger into round trips; see `quantlaxmi.run.round_trips`.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        In the order of the ledger.
    n_instruments : int

    Returns
    -------
    parts : ndarray of int64, shape (4, n_parts)
        Row of the fill, trip, signed quantity, and the trip's own position before; by trip, then by
        fill.
    n_trips : int
    is_open : bool
        Whether the last one is still open.

    Raises
    ------
    ValueError
        When a fill is of none of the instruments.
    """
    cdef Py_ssize_t n = fills.shape[0], first = 0, after, held
    cdef bint turned, outside = False
    cdef walk_t w
    made = np.empty((4, 2 * n), dtype=np.int64)
    cdef int64_t[:, ::1] parts = made
    cdef int64_t[:, ::1] state = np.full((3, n_instruments), -1, dtype=np.int64)
    w.n_open, w.trip, w.n_parts = 0, -1, 0
    with nogil:
        for after in range(n):
            outside |= fills[after].instrument < 0 or fills[after].instrument >= n_instruments
        while first < n and not outside:
            held = w.n_open
            after = _change_end(&fills[0], first, n, held)
            turned = _turns(&fills[0], first, after, &w, state)
            if turned:
                _write(&fills[0], first, after, True, turned, &w, state, parts)
            if turned or held == 0:
                w.trip += 1
            _write(&fills[0], first, after, False, turned, &w, state, parts)
            first = after
    if outside:
        raise ValueError(f"a fill is of none of the {n_instruments} instruments")
    return made[:, : w.n_parts].copy(), w.trip + 1, w.n_open > 0


def counted_order(const int64_t[:] keys, Py_ssize_t n):
    """Order rows by a key, equal ones as they stand.

    Parameters
    ----------
    keys : ndarray of int64, shape (n_rows,)
        From 0 to ``n - 1``.
    n : int

    Returns
    -------
    ndarray of int64, shape (n_rows,)

    Raises
    ------
    ValueError
        When a key is not one of the n.
    """
    cdef Py_ssize_t rows = keys.shape[0], k
    cdef bint outside = n < 0
    cdef int64_t place, here
    starts = np.zeros(max(n, 0) + 1, dtype=np.int64)
    order = np.empty(rows, dtype=np.int64)
    cdef int64_t[::1] start = starts
    cdef int64_t[::1] out = order
    with nogil:
        for k in range(rows):
            hear_far(k)
            if keys[k] < 0 or keys[k] >= n:
                outside = True
                break
            start[keys[k]] += 1
        if not outside:
            place = 0
            for k in range(n):
                here, start[k] = start[k], place
                place += here
            for k in range(rows):
                hear_far(k)
                out[start[keys[k]]] = k
                start[keys[k]] += 1
    if outside:
        raise ValueError(f"a key is not from 0 to {n - 1}")
    return order
