"""Observing a market: what could have been traded at each message, and what it would have cost."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport engine_t

cdef int64_t probe_due(const engine_t* e) noexcept nogil
cdef int probe_arrive(engine_t* e) noexcept nogil
# Note a settlement instead of paying it.
cdef int probe_settle(
    engine_t* e, Py_ssize_t instrument, int64_t before, int64_t mark, int64_t rate
) noexcept nogil
# Stands where a strategy's step would: notes the row, sends nothing.
cdef int64_t probe_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept nogil
