"""Draws of the random-entry gate.

A *trip* is a template of actions; an action trades one *bundle* some rows after the trip began.
A bundle's value at a row is a sum of terms, coefficient times column. The caller proves that all
products and the PnL of one trip fit int64 (`quantlaxmi.gates.path.columns.BoundError`); sums over
trips are 128-bit. Draw ``t`` writes row ``t`` alone, and its numbers follow from key and ``t``.

Placing k trips uniformly without overlap on the rows 0..n-1: with ``free`` rows in no trip there
are C(free + k, k) ways to choose where the trips stand among them, each a k-subset of
0..free+k-1 (stars and bars), and k! orders. Floyd's algorithm draws the subset from k words, and
a table that keeps its values ordered as they come sorts them in O(k).

References
----------
Bentley, Floyd (1987), A sample of brilliance, Communications of the ACM 30(9).
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from quantlaxmi._ext.draw_sums cimport *
from quantlaxmi._ext.philox cimport philox_below
from quantlaxmi._ext.trip_results cimport *
from quantlaxmi._ext.wide cimport *

cdef enum:
    _EMPTY = -1


cdef struct room_t:
    # Scratch of one draw.
    uint64_t* random
    int64_t* table
    int64_t* order
    int64_t* starts
    int64_t n_table
    int shift


cdef void _shape_table(int64_t n, int64_t k, int64_t* slots, int* shift) noexcept nogil:
    """Slots and shift of an ordered table for k values below n: at least 2k slots."""
    slots[0] = 2
    while slots[0] < 2 * k:
        slots[0] *= 2
    shift[0] = 0
    while ((n - 1) >> shift[0]) >= slots[0]:
        shift[0] += 1


cdef int _make_room(const terms_t* t, Py_ssize_t n_random, room_t* room) except -1:
    cdef Py_ssize_t k = t.n_trips
    _shape_table(t.free_rows + k, k, &room.n_table, &room.shift)
    room.n_table += k + 1
    room.random = <uint64_t*>malloc((n_random + 1) * sizeof(uint64_t))
    room.table = <int64_t*>malloc(room.n_table * sizeof(int64_t))
    room.order = <int64_t*>malloc((k + 1) * sizeof(int64_t))
    room.starts = <int64_t*>malloc((k + 1) * sizeof(int64_t))
    if not (room.random and room.table and room.order and room.starts):
        _leave_room(room)
        raise MemoryError("random entry")
    return 0


cdef void _leave_room(room_t* room) noexcept:
    free(room.random)
    free(room.table)
    free(room.order)
    free(room.starts)


cdef inline int _insert(int64_t* table, int shift, int64_t value) noexcept nogil:
    """Insert a value, keeping the table ordered; 0 where it is in there already."""
    cdef int64_t slot = value >> shift, moving, displaced
    while table[slot] != _EMPTY and table[slot] < value:
        slot += 1
    if table[slot] == value:
        return 0
    moving = value
    while table[slot] != _EMPTY:
        displaced = table[slot]
        table[slot] = moving
        moving = displaced
        slot += 1
    table[slot] = moving
    return 1


cdef void _place(const terms_t* t, room_t* room) noexcept nogil:
    """Put the trips in random order at uniform places, by the first 2k words."""
    cdef Py_ssize_t k = t.n_trips, i, j
    cdef int64_t top, kept, slot = 0, taken = 0
    for i in range(room.n_table):
        room.table[i] = _EMPTY
    for i in range(k):
        top = t.free_rows + i
        if not _insert(room.table, room.shift, philox_below(room.random[i], top + 1)):
            _insert(room.table, room.shift, top)
    for i in range(k):
        room.order[i] = i
    for i in range(k - 1, 0, -1):
        j = philox_below(room.random[k + i], i + 1)
        kept = room.order[i]
        room.order[i] = room.order[j]
        room.order[j] = kept
    for i in range(k):
        while room.table[slot] == _EMPTY:
            slot += 1
        room.starts[i] = room.table[slot] - i + taken
        taken += t.occupied[room.order[i]]
        slot += 1


cdef void _matched_draw(const terms_t* t, room_t* room, uint64_t* out) noexcept nogil:
    cdef ql_i128 sums[4]
    cdef Py_ssize_t j
    cdef result_t r
    cdef int64_t gain
    for j in range(4):
        sums[j] = ql_mul64(0, 0)
    for j in range(t.n_trips):
        r = trip_result(t, room.order[j], room.starts[j], 0)
        add_value(&sums[0], r.gross)
        add_square(&sums[1], r.gross)
        if t.known:
            gain = t.scale * r.gross - r.cost + r.funding
            add_value(&sums[2], gain)
            add_square(&sums[3], gain)
    write_sums(out, sums, 4)


cdef void _neutral_pair(const terms_t* t, room_t* room, uint64_t* out) noexcept nogil:
    """Both members are summed from the market, neither from the other."""
    cdef ql_i128 sums[3]
    cdef Py_ssize_t j, k = t.n_trips
    cdef uint64_t member
    cdef int turned
    cdef result_t r
    for member in range(2):
        for j in range(3):
            sums[j] = ql_mul64(0, 0)
        for j in range(k):
            turned = (room.random[2 * k + j] >> 63) != member
            r = trip_result(t, room.order[j], room.starts[j], turned)
            add_value(&sums[0], r.gross)
            if t.known:
                add_value(&sums[1], r.cost)
                add_value(&sums[2], t.scale * r.gross - r.cost + r.funding)
        write_sums(out + 6 * member, sums, 3)


cdef int _draws(
    uint64_t key, int64_t first, bundles, trips, net, interest, uint64_t[:, ::1] out, int pairs
) except -1:
    cdef terms_t t
    cdef room_t room
    cdef Py_ssize_t i, n = out.shape[0], n_random
    if out.shape[1] != (12 if pairs else 8):
        raise ValueError(f"out has {out.shape[1]} columns")
    set_trips(&t, bundles, trips)
    set_net(&t, net)
    set_interest(&t, interest)
    n_random = (3 if pairs else 2) * t.n_trips
    _make_room(&t, n_random, &room)
    with nogil:
        for i in range(n):
            fill_words(key, first + i, n_random, room.random)
            _place(&t, &room)
            if pairs:
                _neutral_pair(&t, &room, &out[i, 0])
            else:
                _matched_draw(&t, &room, &out[i, 0])
    _leave_room(&room)
    return 0


def matched(uint64_t key, int64_t first, bundles, trips, net, interest, uint64_t[:, ::1] out):
    """Sum and sum of squares of the trips' PnL under random placement, draw by draw.

    Parameters
    ----------
    key : int
    first : int
        Number of the first draw.
    bundles, trips, net, interest
        See `quantlaxmi.gates.path.draw_terms`.
    out : ndarray of uint64, shape (n_draws, 8)
        OUT. Gross S, Q and net S, Q as (high, low).
    """
    _draws(key, first, bundles, trips, net, interest, out, 0)


def neutral(uint64_t key, int64_t first, bundles, trips, net, interest, uint64_t[:, ::1] out):
    """Gross, cost and net of random sides at random places, and of the same with sides turned.

    The two members of a pair are summed one after the other from the market, neither from the
    other, so that their sum can show a fault.

    Parameters
    ----------
    key : int
    first : int
        Number of the first pair.
    bundles, trips, net, interest
        See `quantlaxmi.gates.path.draw_terms`.
    out : ndarray of uint64, shape (n_pairs, 12)
        OUT. (gross, cost, net) of the draw, then of its mirror, each (high, low).
    """
    _draws(key, first, bundles, trips, net, interest, out, 1)


def identity(
    bundles, trips, net, const int64_t[::1] own_cost, const int64_t[::1] own_settled,
    uint64_t[::1] out,
):
    """The draw that moves nothing: the strategy's own rows through the same sums.

    Parameters
    ----------
    bundles, trips, net
        See `quantlaxmi.gates.path.draw_terms`; the bundles at the actions' own rows, one an action.
    own_cost : ndarray of int64, shape (n_actions,)
        The strategy's own costs with interest, units of net.
    own_settled : ndarray of int64, shape (n_actions,)
        Settlements that came before the action.
    out : ndarray of uint64, shape (8,)
        OUT. As a row of `matched`.
    """
    cdef terms_t t
    cdef ql_i128 sums[4]
    cdef Py_ssize_t trip
    cdef int64_t a, gross, cost, gain, position, since, now
    set_trips(&t, bundles, trips)
    set_net(&t, net)
    for trip in range(4):
        sums[trip] = ql_mul64(0, 0)
    with nogil:
        for trip in range(t.n_trips):
            gross = cost = since = 0
            position = -1
            for a in range(t.first[trip], t.first[trip + 1]):
                gross += bundle_value(&t.bundles, t.bundle[a], a)
                cost += own_cost[a]
                now = own_settled[a]
                if position >= 0:
                    cost -= t.paid[position * t.n_paid + now] - t.paid[position * t.n_paid + since]
                position = t.position[a]
                since = now
            add_value(&sums[0], gross)
            add_square(&sums[1], gross)
            gain = t.scale * gross - cost
            add_value(&sums[2], gain)
            add_square(&sums[3], gain)
        write_sums(&out[0], sums, 4)


def place(
    uint64_t key, int64_t draw, int64_t free_rows, const int64_t[::1] occupied
):
    """Where a draw puts trips.

    Parameters
    ----------
    key, draw : int
    free_rows : int
        Rows in no trip.
    occupied : ndarray of int64, shape (k,)
        Rows that each trip takes up.

    Returns
    -------
    order, starts : ndarray of int64, shape (k,)
        Which trip stands j-th, and the row at which it begins.
    """
    cdef terms_t t
    cdef room_t room
    cdef Py_ssize_t j, k = occupied.shape[0]
    t.occupied, t.n_trips, t.free_rows = line_of(occupied), k, free_rows
    _make_room(&t, 2 * k, &room)
    fill_words(key, draw, 2 * k, room.random)
    _place(&t, &room)
    order, starts = np.empty(k, np.int64), np.empty(k, np.int64)
    for j in range(k):
        order[j], starts[j] = room.order[j], room.starts[j]
    _leave_room(&room)
    return order, starts
