"""An instrument's levels now: the live book's, or looked up in an index of the whole segment.

The live book changes with every row. The index (depth_index.pyx) knows for each price at which
messages its size changed, so that a market only has to remember at which message it is. Both give
the same answers.
"""
from libc.stdint cimport int32_t, int64_t
from quantlaxmi._ext.depth_book cimport depth_t

# One side of one instrument, over all messages.
cdef struct level_history_t:
    const int64_t* prices  # (n,) the worst first, as the levels of the live book stand
    Py_ssize_t n
    const int32_t* first  # (n + 1,) where the changes of each price begin in the arrays below
    const int32_t* message  # ascending within a price
    const int64_t* qty  # from that message on

# What an instrument's depth is after one of its messages.
cdef struct depth_state_t:
    int64_t best[2]
    int64_t worst[2]
    int64_t known[2]  # as in depth_t
    int32_t loaded  # message of the last snapshot: what was set before it is gone
    int32_t gaps
    char valid
    char has[2]  # the side has a level

cdef struct depth_now_t:
    depth_t book  # where no index is used
    const level_history_t* sides  # of bids and asks; NULL: the book tells
    const depth_state_t* state  # after the instrument's last message
    int32_t message


cdef inline bint depth_stands(const depth_now_t* d) noexcept nogil:
    """Whether the depth is continuous since its last snapshot."""
    return d.book.valid if d.sides == NULL else d.state.valid


cdef inline int64_t depth_gaps(const depth_now_t* d) noexcept nogil:
    """How often its sequence broke."""
    return d.book.gaps if d.sides == NULL else d.state.gaps


cdef inline bint depth_ends(
    const depth_now_t* d, int k, int64_t* best, int64_t* worst
) noexcept nogil:
    """The best and the worst price of a side (0 bids, 1 asks); 0 where it has no level."""
    if d.sides == NULL:
        if d.book.n[k] == 0:
            return 0
        best[0] = d.book.levels[k][d.book.n[k] - 1].price
        worst[0] = d.book.levels[k][0].price
        return 1
    best[0] = d.state.best[k]
    worst[0] = d.state.worst[k]
    return d.state.has[k]


cdef inline int64_t depth_known(const depth_now_t* d, int k) noexcept nogil:
    """The worst price of the last snapshot: beyond it, a level that is not there is unknown."""
    return d.book.known[k] if d.sides == NULL else d.state.known[k]


cdef inline bint worse(int k, int64_t a, int64_t b) noexcept nogil:
    """Whether price ``a`` is further from the other side than ``b``."""
    return a > b if k else a < b


cdef inline Py_ssize_t _n_worse(const level_history_t* h, int k, int64_t price) noexcept nogil:
    """How many prices of a history are worse: the place of this one, where it is there."""
    cdef Py_ssize_t low = 0, n = h.n, half
    while n > 0:
        half = n >> 1
        if worse(k, h.prices[low + half], price):
            low += half + 1
            n -= half + 1
        else:
            n = half
    return low


cdef inline int64_t size_then(
    const level_history_t* h, Py_ssize_t place, int32_t message, int32_t loaded
) noexcept nogil:
    """Size of a history's price after a message, by its last change since the snapshot."""
    cdef int32_t begin = h.first[place], low = begin, n = h.first[place + 1] - begin, half
    while n > 0:
        half = n >> 1
        if h.message[low + half] <= message:
            low += half + 1
            n -= half + 1
        else:
            n = half
    return h.qty[low - 1] if low > begin and h.message[low - 1] >= loaded else 0


cdef inline int64_t depth_size(const depth_now_t* d, int k, int64_t price) noexcept nogil:
    """Size at a price; 0 where there is no level."""
    cdef const level_history_t* h
    cdef Py_ssize_t low = 0, n = d.book.n[k], half
    if d.sides == NULL:
        while n > 0:
            half = n >> 1
            if worse(k, d.book.levels[k][low + half].price, price):
                low += half + 1
                n -= half + 1
            else:
                n = half
        if low < d.book.n[k] and d.book.levels[k][low].price == price:
            return d.book.levels[k][low].qty
        return 0
    h = d.sides + k
    low = _n_worse(h, k, price)
    if low == h.n or h.prices[low] != price:
        return 0
    return size_then(h, low, d.message, d.state.loaded)


cdef inline Py_ssize_t depth_open(
    const depth_now_t* d, int k, int64_t touch, int64_t shift
) noexcept nogil:
    """Where a walk over a side's levels begins, best first, for `depth_further`.

    Levels that are not worse than the touch may be left out: the walk is for what is behind it.
    ``shift`` is added to all prices; where it carries the best level below 1 there is none.
    """
    if not depth_stands(d):
        return 0
    if d.sides == NULL:
        return d.book.n[k]
    if not d.state.has[k] or (shift and d.state.best[k] + shift <= 0):
        return 0
    touch -= shift
    if worse(k, touch, d.state.best[k]) or touch == d.state.best[k]:
        return _n_worse(d.sides + k, k, touch)
    return _n_worse(d.sides + k, k, d.state.best[k]) + 1


cdef inline bint depth_further(
    const depth_now_t* d, int k, Py_ssize_t* at, int64_t* price, int64_t* qty
) noexcept nogil:
    """The next level of a walk; 0 at its end."""
    cdef const level_history_t* h
    if d.sides == NULL:
        if at[0] == 0:
            return 0
        at[0] -= 1
        price[0] = d.book.levels[k][at[0]].price
        qty[0] = d.book.levels[k][at[0]].qty
        return 1
    h = d.sides + k
    while at[0] > 0:
        at[0] -= 1
        price[0] = h.prices[at[0]]
        if worse(k, price[0], d.state.worst[k]):
            break
        qty[0] = size_then(h, at[0], d.message, d.state.loaded)
        if qty[0]:
            return 1
    at[0] = 0
    return 0
