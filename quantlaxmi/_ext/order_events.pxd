"""Order rows, fills with their money, and what a strategy is told of them."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

# Give the order or request the run's next number and remember it.
cdef int new_number(engine_t* e, pending_t* p) noexcept nogil
cdef int order_row(
    engine_t* e, const pending_t* p, int kind, int status, int reason, int64_t filled, int64_t ts
) noexcept nogil
# The row of a request to modify or cancel, under the number of the order it names.
cdef int request_row(
    engine_t* e, const pending_t* p, int status, int reason, int64_t ts
) noexcept nogil
# Tell the strategy of a fill, or with ``qty`` 0 of what else became of an order.
cdef int notify(
    engine_t* e, const pending_t* p, int64_t qty, int64_t price, int64_t ts, int64_t flags,
    int64_t left, int reason,
) noexcept nogil
# The same at once, however late news are.
cdef int tell(
    engine_t* e, const pending_t* p, int64_t qty, int64_t price, int64_t ts, int64_t flags,
    int64_t left, int reason,
) noexcept nogil
# Book a fill: money, position, row; then tell the strategy. ``left`` is what may still fill.
cdef int book_fill(
    engine_t* e, const pending_t* p, int64_t price, int64_t qty, int64_t ts, int64_t flags,
    int fee_kind, int64_t left,
) noexcept nogil
