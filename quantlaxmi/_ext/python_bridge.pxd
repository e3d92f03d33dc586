"""Calling strategies written in Python from the C loop."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport *


cdef class Bridge:
    cdef object step_call
    cdef object fill_call
    cdef tuple step_args
    cdef tuple fill_args
    cdef public object error


cdef class EventBridge(Bridge):
    cdef object on_market
    cdef object write
    cdef object context
    cdef tuple symbols
    cdef tuple correlations
    cdef object quote_type
    cdef object depth_type
    cdef object trade_type
    cdef object funding_type
    cdef object chain_type
    cdef object settlement_type


cdef int64_t python_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept with gil
cdef int64_t event_step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* out,
) noexcept with gil
cdef int64_t python_fill(
    ctx_t* ctx, fill_notice_t* notice, book_t* books, position_t* positions, slot_t* state,
    param_t* params,
) noexcept with gil
