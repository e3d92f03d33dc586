"""What the message loop asks of execution."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

cdef void refresh_due(engine_t* e) noexcept nogil
cdef int order_row(
    engine_t* e, const pending_t* p, int kind, int status, int reason, int64_t filled, int64_t ts
) noexcept nogil
# Tell the strategy of a fill, or with ``qty`` 0 of what was cancelled.
cdef int notify(
    engine_t* e, const pending_t* p, int64_t qty, int64_t price, int64_t ts, int64_t flags,
    int64_t left,
) noexcept nogil
cdef int enqueue(engine_t* e, const pending_t* p) noexcept nogil
cdef int settle_funding(engine_t* e, Py_ssize_t i, int64_t at) noexcept nogil
# Let everything due before ``ts`` happen.
cdef int advance(engine_t* e, int64_t ts) noexcept nogil
cdef int engine_finish(engine_t* e, bint flatten) noexcept nogil
