"""What a market order takes from the book as it stands: the touch, then recorded depth beyond it."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.depth_levels cimport depth_further, depth_now_t, depth_open
from quantlaxmi._ext.own_takes cimport takes_t

# What the recorded rows say of one instrument, whoever trades on it.
cdef struct market_t:
    depth_now_t depth
    int64_t shift  # added to all recorded prices; the levels of ``depth`` stand without it
    int has_quotes  # a quote was seen: quotes, not the rebuilt depth, give the top of the book
    int64_t said_ns  # when the top was said first, if message ``said_seq`` said it again; else 0
    int64_t said_seq


cdef inline int64_t book_age(const market_t* m, const book_t* book, int64_t now) noexcept nogil:
    """How long ago the top of a book was said first; -1 where it is not valid."""
    if not book.valid:
        return -1
    return now - (m.said_ns if m.said_ns and m.said_seq == book.seq else book.ts_ns)


cdef struct level_t:
    int64_t price
    int64_t qty
    int64_t beyond_touch

cdef struct ladder_t:
    const book_t* book
    const depth_now_t* depth
    int side  # of the book: 0 bids, 1 asks
    Py_ssize_t next  # -1: the touch is next, else how far the walk over the depth is
    const takes_t* own
    Py_ssize_t at  # first own take that is not before the level at hand
    int after_own  # own takes were passed over
    int64_t shift
    Py_ssize_t steps  # over levels, also those that have no size now


cdef inline void ladder_open(
    ladder_t* l, const market_t* m, const takes_t* takes, const book_t* book, int64_t order_side
) noexcept nogil:
    l.book = book
    l.depth = &m.depth
    l.side = 1 if order_side > 0 else 0
    l.next = -1
    l.own = &takes[l.side]
    l.at = 0
    l.after_own = 0
    l.shift = m.shift
    l.steps = 0


cdef inline int ladder_next(ladder_t* l, level_t* out) noexcept nogil:
    """The next level an order would take from; 0 when there is none."""
    cdef int k = l.side
    cdef int64_t touch = l.book.ask if k else l.book.bid, price
    cdef Py_ssize_t before
    while True:
        if l.next == -1:
            if not l.book.valid:
                return 0
            out.price = touch
            out.qty = l.book.ask_qty if k else l.book.bid_qty
            out.beyond_touch = 0
            l.next = depth_open(l.depth, k, touch, l.shift)
        else:
            before = l.next
            if not depth_further(l.depth, k, &l.next, &price, &out.qty):
                l.steps += before
                return 0
            l.steps += before - l.next
            price += l.shift
            # A shift may carry far bids to where no price is.
            if l.shift and price <= 0:
                return 0
            # The touch is the fresher source: recorded levels at or inside it are not there.
            if (price <= touch) if k else (price >= touch):
                continue
            out.price = price
            out.beyond_touch = 1
        while l.at < l.own.n and (
            l.own.rows[l.at].price < out.price if k else l.own.rows[l.at].price > out.price
        ):
            l.at += 1
        if l.at == l.own.n or l.own.rows[l.at].price != out.price:
            return 1
        l.after_own = 1
        if out.qty > l.own.rows[l.at].qty:
            out.qty -= l.own.rows[l.at].qty
            return 1
