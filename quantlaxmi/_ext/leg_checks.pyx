"""Checks that the legs of a decision can be orders, before the decision is recorded."""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *


cdef inline int _is_price(int64_t price) noexcept nogil:
    return 0 < price <= QL_MAX_PRICE


cdef int _check_new(leg_out_t* leg) noexcept nogil:
    leg.target = -1
    if (leg.side != 1 and leg.side != -1) or leg.qty <= 0:
        return BAD_LEG
    if leg.order_type == MARKET_ORDER:
        return OK if leg.time_in_force == GTC else BAD_LEG
    if leg.order_type != LIMIT_ORDER or not _is_price(leg.limit_price):
        return BAD_LEG
    return OK if GTC <= leg.time_in_force <= POST_ONLY else BAD_LEG


cdef int _check_change(engine_t* e, leg_out_t* leg) noexcept nogil:
    cdef order_state_t* state
    if leg.target < 0 or leg.target >= e.ctx.next_order:
        return BAD_TARGET
    state = <order_state_t*>e.states.data + leg.target
    if state.side == 0 or state.instrument != leg.instrument:
        return BAD_TARGET
    leg.side = state.side
    leg.time_in_force = GTC
    if leg.action == ACT_CANCEL:
        leg.order_type = MARKET_ORDER
        leg.qty = 0
        leg.limit_price = 0
        return OK
    leg.order_type = LIMIT_ORDER
    return OK if leg.qty > 0 and _is_price(leg.limit_price) else BAD_LEG


cdef int check_legs(engine_t* e, int64_t n_legs) noexcept nogil:
    cdef leg_out_t* leg
    cdef int64_t i
    cdef int status
    if n_legs > MAX_LEGS:
        e.detail = n_legs
        return BAD_LEG
    for i in range(n_legs):
        leg = &e.legs_out[i]
        e.detail = i
        if leg.instrument < 0 or leg.instrument >= e.n_instruments:
            return BAD_LEG
        if leg.action == ACT_NEW:
            status = _check_new(leg)
        elif leg.action == ACT_MODIFY or leg.action == ACT_CANCEL:
            status = _check_change(e, leg)
        else:
            return BAD_LEG
        if status != OK:
            return status
        # The legs of a bundle are matched when they arrive: all must have ended then.
        if e.legs_out[0].bundle and (
            leg.action != ACT_NEW
            or (leg.order_type == LIMIT_ORDER and leg.time_in_force != IOC)
        ):
            return BAD_BUNDLE
    return OK
