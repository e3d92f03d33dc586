"""What refuses an order before it is sent."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.wide cimport ql_i128
from quantlaxmi._ext.engine_state cimport engine_t

cdef int check_orders(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil
# Note a rule with what was found and what is allowed.
cdef int risk_row(
    engine_t* e, int64_t decision, int64_t instrument, int rule, int64_t value, int64_t limit,
    int64_t ts,
) noexcept nogil
# Result of a currency so far, open positions at the mid; at ledger exponent - 1.
cdef int lost(const engine_t* e, int64_t currency, ql_i128* total) noexcept nogil
# Note that a result is below the limit.
cdef int loss_row(engine_t* e, int64_t decision, int64_t instrument, ql_i128 result) noexcept nogil
# Note the margin call, or an order that is refused after it.
cdef int margin_row(engine_t* e, int64_t decision, int64_t instrument) noexcept nogil
