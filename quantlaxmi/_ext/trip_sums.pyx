"""Sum and sum of squares of a run's trips, straight from the engine's records.

The trips are those of gates/path/round_trips.py: a decision's fills are valued at the mids the decision saw; a
trip goes from flat to flat of all instruments; a decision that turns the position over ends one
trip and begins another; a trip open at the end is closed at given mids. Fills are taken in the order
of their decisions, also where an order that rested was filled late.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport FLAG_SETTLED, engine_t
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.signals cimport hear_after, hear_far
from quantlaxmi._ext.wide cimport *

cdef extern from "square_sum.h" nogil:
    int ql_add_square(uint64_t* total, ql_i128 x)

cdef enum Outcome:
    #: What `trip_sums` returns as its status.
    FOLLOWED = 0
    NO_MID = 1  # a decision that was filled had seen no valid book of what it traded
    TOO_WIDE = 2  # a sum does not fit 128 bits
    NO_DECISION = 3  # a fill belongs to no decision
    OUT_OF_MEMORY = 4
    SETTLED = 5  # a position was held to the end of its contract, which no decision closed

NO_MID_SEEN = NO_MID
HELD_TO_EXPIRY = SETTLED


cdef int _finish_trip(trip_sums_t* b) noexcept nogil:
    if ql_add(b.total, b.gain, &b.total) or ql_add_square(b.squares, b.gain):
        return TOO_WIDE
    b.trips += 1
    b.gain = ql_mul64(0, 0)
    return FOLLOWED


cdef int _trade(trip_sums_t* b, Py_ssize_t i, int64_t qty, const int64_t* weights) noexcept nogil:
    """Trade a signed quantity of one instrument at its mid."""
    cdef ql_i128 part
    if ql_mul(ql_mul64(qty, b.mid2[i]), ql_mul64(weights[i], 1), &part):
        return TOO_WIDE
    if ql_sub(b.gain, part, &b.gain) or ql_add_i64(b.held[i], qty, &b.held[i]):
        return TOO_WIDE
    return FOLLOWED


cdef int _act(trip_sums_t* b, Py_ssize_t n, const int64_t* weights) noexcept nogil:
    """Apply the changes of one decision."""
    cdef Py_ssize_t i
    cdef bint any_held = False, any_after = False, opposed = True, flat = True
    cdef int64_t after
    cdef int status
    for i in range(n):
        if ql_add_i64(b.held[i], b.delta[i], &after):
            return TOO_WIDE
        any_after |= after != 0
        if b.held[i]:
            any_held = True
            if after and (after > 0) == (b.held[i] > 0):
                opposed = False
    if any_held and any_after and opposed:
        # Close all, then open what is left of the change.
        for i in range(n):
            b.delta[i] += b.held[i]
            status = _trade(b, i, -b.held[i], weights)
            if status != FOLLOWED:
                return status
        status = _finish_trip(b)
        if status != FOLLOWED:
            return status
    for i in range(n):
        if b.delta[i]:
            status = _trade(b, i, b.delta[i], weights)
            if status != FOLLOWED:
                return status
    for i in range(n):
        flat &= b.held[i] == 0
    return _finish_trip(b) if flat else FOLLOWED


cdef int _sort_fills(
    const engine_t* e, Py_ssize_t* order, Py_ssize_t* start
) except -1 nogil:
    """Order fills by decision, then in the order of filling; ``start[d]`` is where those of d end.
    """
    cdef const fill_t* fills = <const fill_t*>e.fills.data
    cdef Py_ssize_t d, k
    for k in range(e.fills.n):
        hear_far(k)
        if fills[k].decision < 0:
            return SETTLED if fills[k].flags & FLAG_SETTLED else NO_DECISION
        start[fills[k].decision + 1] += 1
    for d in range(e.decisions.n):
        start[d + 1] += start[d]
    for k in range(e.fills.n):
        hear_far(k)
        order[start[fills[k].decision]] = k
        start[fills[k].decision] += 1
    return FOLLOWED


cdef int _sum(
    const engine_t* e, trip_sums_t* b, Py_ssize_t* order, Py_ssize_t* start,
    const int64_t* weights, const int64_t* last_mid2, int64_t end_ns,
) except -1 nogil:
    cdef const decision_t* decisions = <const decision_t*>e.decisions.data
    cdef const leg_t* legs = <const leg_t*>e.legs.data
    cdef const fill_t* fills = <const fill_t*>e.fills.data
    cdef Py_ssize_t n = e.n_instruments, d, i, j, k, steps = 0
    cdef bint moved, in_position = False
    cdef int64_t since = 0
    cdef int status
    status = _sort_fills(e, order, start)
    if status != FOLLOWED:
        return status
    k = 0
    for d in range(e.decisions.n):
        if k == start[d]:
            continue
        hear_after(&steps, 4 * n + start[d] - k)
        for i in range(n):
            b.delta[i] = 0
            b.mid2[i] = 0
        while k < start[d]:
            i = fills[order[k]].instrument
            if ql_add_i64(b.delta[i], fills[order[k]].side * fills[order[k]].qty, &b.delta[i]):
                return TOO_WIDE
            k += 1
        for j in range(decisions[d].first_leg, decisions[d].first_leg + decisions[d].n_legs):
            # reference_price is five times twice the mid, 0 where the book was not valid.
            b.mid2[legs[j].instrument] = legs[j].reference_price / 5
        moved = False
        for i in range(n):
            if b.delta[i]:
                moved = True
                if b.mid2[i] == 0:
                    return NO_MID
        if not moved:
            continue
        if in_position:
            b.held_ns += decisions[d].ts_ns - since
        status = _act(b, n, weights)
        if status != FOLLOWED:
            return status
        since = decisions[d].ts_ns
        in_position = False
        for i in range(n):
            in_position |= b.held[i] != 0
    if not in_position:
        return FOLLOWED
    b.held_ns += end_ns - since
    for i in range(n):
        b.mid2[i] = last_mid2[i]
        b.delta[i] = -b.held[i]
        status = _trade(b, i, b.delta[i], weights)
        if status != FOLLOWED:
            return status
    return _finish_trip(b)


cdef int sum_trips(
    const engine_t* e, trip_sums_t* b, int64_t* scratch, const int64_t* weights,
    const int64_t* last_mid2, int64_t end_ns,
) except -1 nogil:
    cdef Py_ssize_t n = e.n_instruments
    cdef Py_ssize_t* order = <Py_ssize_t*>calloc(e.fills.n + 1, sizeof(Py_ssize_t))
    cdef Py_ssize_t* start = <Py_ssize_t*>calloc(e.decisions.n + 2, sizeof(Py_ssize_t))
    cdef int status = OUT_OF_MEMORY
    memset(b, 0, sizeof(trip_sums_t))
    memset(scratch, 0, 3 * n * sizeof(int64_t))
    b.held, b.delta, b.mid2 = scratch, scratch + n, scratch + 2 * n
    try:
        if order != NULL and start != NULL:
            status = _sum(e, b, order, start, weights, last_mid2, end_ns)
    finally:
        free(order)
        free(start)
    return status


cdef int _raise_for(int status) except -1:
    if status == OUT_OF_MEMORY:
        raise MemoryError("trips")
    if status == TOO_WIDE:
        raise OverflowError("the money of a trip does not fit 128 bits")
    if status == NO_DECISION:
        raise ValueError("a fill belongs to no decision")
    return 0


def trip_sums(
    Engine engine, const int64_t[::1] weights, const int64_t[::1] last_mid2, int64_t end_ns
):
    """Cut a finished run into trips and sum them.

    Parameters
    ----------
    engine : Engine
        Finished, without flattening.
    weights : ndarray of int64, shape (n_instruments,)
        Money units of one ``quantity * mid2``.
    last_mid2 : ndarray of int64, shape (n_instruments,)
        Bid plus ask at which an open position is closed.
    end_ns : int
        Time of that closing.

    Returns
    -------
    status : int
        0; ``NO_MID_SEEN`` where a decision that was filled had seen no valid book,
        ``HELD_TO_EXPIRY`` where a position ended with its contract.
    total, squares : int
        Sum of the trips' mid-to-mid PnL, money units, and sum of their squares.
    trips : int
    held_ns : int
        Time not flat, from decision to decision.

    Raises
    ------
    OverflowError
        When a trip's money does not fit 128 bits.
    """
    cdef trip_sums_t b
    cdef Py_ssize_t n = engine.e.n_instruments, k
    cdef int status
    cdef int64_t[::1] scratch = np.zeros(3 * n, dtype=np.int64)
    if weights.shape[0] != n or last_mid2.shape[0] != n:
        raise ValueError("weights and mids are one an instrument")
    with nogil:
        status = sum_trips(&engine.e, &b, &scratch[0], &weights[0], &last_mid2[0], end_ns)
    _raise_for(status)
    squares = 0
    for k in range(3, -1, -1):
        squares = (squares << 64) | int(b.squares[k])
    return int(status), wide_int(b.total), squares, int(b.trips), int(b.held_ns)
