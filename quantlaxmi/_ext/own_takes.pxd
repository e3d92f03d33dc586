"""What we took from a side of a book, at prices whose levels still stand."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.depth_levels cimport depth_now_t

cdef struct take_t:
    int64_t price
    int64_t qty

cdef struct takes_t:
    take_t* rows  # best price first
    Py_ssize_t n
    Py_ssize_t room

# Remember ``qty`` more at ``price``; side 0 bids, 1 asks. 0, or -1 when memory ran out.
cdef int takes_add(takes_t* t, int side, int64_t price, int64_t qty) noexcept nogil
# A valid book has changed: forget what is not seen to stand. Depth is looked up where it changed;
# ``shift`` is added to its prices.
cdef void takes_seen(
    takes_t* t, const book_t* b, const depth_now_t* d, int64_t shift, bint depth_changed
) noexcept nogil
