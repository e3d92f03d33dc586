"""Order rows, fills with their money, and what a strategy is told of them."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t, report_t
from quantlaxmi._ext.wide cimport ql_i128

# Remember ``qty`` more that was taken from a side of a book; 0, or -1 when memory ran out.
cdef int note_take(engine_t* e, Py_ssize_t k, int side, int64_t price, int64_t qty) noexcept nogil
# Give the order or request the run's next number and remember it.
cdef int new_number(engine_t* e, pending_t* p) noexcept nogil
cdef int order_row(
    engine_t* e, const pending_t* p, int kind, int status, int reason, int64_t filled, int64_t ts
) noexcept nogil
# The row of a request to modify or cancel, under the number of the order it names.
cdef int request_row(
    engine_t* e, const pending_t* p, int status, int reason, int64_t ts
) noexcept nogil
# Tell the strategy what became of an order that did not fill.
cdef int notify(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t left, int reason
) noexcept nogil
# Tell the strategy at once, however late news are, that the order was refused.
cdef int tell_refusal(engine_t* e, const pending_t* p) noexcept nogil
# Book a fill: money, position, row; then tell the strategy.
cdef int book_fill(
    engine_t* e, const pending_t* p, const report_t* r, int fee_kind
) noexcept nogil
# Book the fill that closes a position where its contract settles, with the fee given.
cdef int book_settled(
    engine_t* e, const pending_t* p, const report_t* r, ql_i128 fee
) noexcept nogil
