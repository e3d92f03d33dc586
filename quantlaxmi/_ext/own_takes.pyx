"""Own takes: quantity that a run took at levels still displayed, so that it cannot take it twice.

Our fills do not change the recorded market, which goes on showing what we took. A level stands as
long as the data show it: while it is the touch, or behind the touch while the rebuilt depth has it.
Of what it shows at most as much is ours as it showed at any time since: when it shrinks below what
we took, all the rest counts as ours, and only what is added then can be had.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport realloc
from libc.string cimport memmove

from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.depth_levels cimport depth_ends, depth_now_t, depth_size, depth_stands


cdef inline bint _better(int side, int64_t a, int64_t b) noexcept nogil:
    return a < b if side else a > b


cdef int takes_add(takes_t* t, int side, int64_t price, int64_t qty) noexcept nogil:
    cdef Py_ssize_t i = 0, room
    cdef take_t* rows
    while i < t.n and _better(side, t.rows[i].price, price):
        i += 1
    if i < t.n and t.rows[i].price == price:
        t.rows[i].qty += qty  # at most what is displayed
        return 0
    if t.n == t.room:
        room = 2 * t.room if t.room else 8
        rows = <take_t*>realloc(t.rows, room * sizeof(take_t))
        if rows == NULL:
            return -1
        t.rows = rows
        t.room = room
    memmove(&t.rows[i + 1], &t.rows[i], (t.n - i) * sizeof(take_t))
    t.rows[i].price = price
    t.rows[i].qty = qty
    t.n += 1
    return 0


cdef inline int64_t _standing(
    int k, int64_t price, int64_t mine, const book_t* b, const depth_now_t* d, int64_t shift,
    bint depth_changed,
) noexcept nogil:
    """How much of a take is still there; 0 where its level is not seen to stand."""
    cdef int64_t touch = b.ask if k else b.bid
    cdef int64_t shown, recorded = price - shift, best, worst
    if price == touch:
        shown = b.ask_qty if k else b.bid_qty
        return shown if shown < mine else mine
    if _better(k, price, touch) or not depth_stands(d) or not depth_ends(d, k, &best, &worst):
        return 0
    if _better(k, recorded, best) or _better(k, worst, recorded):
        return 0
    if not depth_changed:
        return mine
    shown = depth_size(d, k, recorded)
    return shown if shown < mine else mine


cdef void takes_seen(
    takes_t* t, const book_t* b, const depth_now_t* d, int64_t shift, bint depth_changed
) noexcept nogil:
    cdef int k
    cdef int64_t left
    cdef Py_ssize_t i, kept
    cdef takes_t* own
    for k in range(2):
        own = &t[k]
        kept = 0
        for i in range(own.n):
            left = _standing(
                k, own.rows[i].price, own.rows[i].qty, b, d, shift, depth_changed
            )
            if left:
                own.rows[kept].price = own.rows[i].price
                own.rows[kept].qty = left
                kept += 1
        own.n = kept
