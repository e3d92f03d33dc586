"""Orders that rest in the queue at their price."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport buffer_t, engine_t, pending_t


cdef inline buffer_t* lane_of(engine_t* e, int64_t instrument, int64_t side) noexcept nogil:
    return &e.queues[2 * instrument + (0 if side > 0 else 1)]


# Index of an order in its lane, -1 where it does not rest.
cdef Py_ssize_t find(const buffer_t* lane, int64_t order) noexcept nogil
# Join the queue at receive time ``ts`` with ``left``, behind what is displayed at the price.
cdef int join(engine_t* e, const pending_t* p, int64_t left, int64_t ts) noexcept nogil
cdef void leave(engine_t* e, buffer_t* lane, Py_ssize_t i) noexcept nogil
# A trade of the market was seen; ``aggressor`` 1, -1 or 0 where it is not known.
cdef int resting_trade(
    engine_t* e, Py_ssize_t k, int64_t price, int64_t qty, int64_t aggressor
) noexcept nogil
# The book of an instrument, or its depth, is another one.
cdef int resting_book(engine_t* e, Py_ssize_t k) noexcept nogil
# Cancel all: the data has ended.
cdef int end_resting(engine_t* e) noexcept nogil
# Cancel all orders of an instrument that rest, and tell of it.
cdef int cancel_resting(engine_t* e, Py_ssize_t k, int64_t ts, int reason) noexcept nogil
