"""Checks that the legs of a decision can be orders, before the decision is recorded.

The quantities of a bundle with a policy of units are those of one unit, and become those of all.
A net order becomes the new order that leaves what it asks for: where buys pay their fee in base, so
many lots more as the fee takes.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t, base_fee, order_for, order_owing, pays_in_base
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.wide cimport *


cdef inline int _is_price(int64_t price) noexcept nogil:
    return 0 < price <= QL_MAX_PRICE


cdef int _check_new(const engine_t* e, leg_out_t* leg) noexcept nogil:
    leg.target = -1
    if (leg.side != 1 and leg.side != -1) or leg.qty <= 0:
        return BAD_LEG
    if leg.order_type == MARKET_ORDER:
        return OK if leg.time_in_force == GTC else BAD_LEG
    if leg.order_type != LIMIT_ORDER or not _is_price(leg.limit_price):
        return BAD_LEG
    return OK if GTC <= leg.time_in_force <= (IN_BAR_STOP_FIRST if e.in_bar else POST_ONLY) else BAD_LEG


cdef inline bint _closes_in_bar(const engine_t* e, const leg_out_t* leg) noexcept nogil:
    return e.in_bar and leg.order_type == LIMIT_ORDER and (
        leg.time_in_force == IN_BAR_STOP
        or leg.time_in_force == IN_BAR_TARGET
        or leg.time_in_force == IN_BAR_STOP_FIRST
    )


cdef inline int _fee_kind(const leg_out_t* leg) noexcept nogil:
    return TAKER_FEE if leg.time_in_force != IN_BAR_LIMIT and leg.time_in_force != IN_BAR_TARGET else MAKER_FEE


cdef int _size_in_bar(engine_t* e, int64_t i, int64_t* qty) noexcept nogil:
    """Size a leg that a bar met: those before it are filled before it, and leave less than a step owed."""
    cdef const account_t* a = &e.accounts[e.legs_out[i].instrument]
    cdef const leg_out_t* leg
    cdef ql_i128 owed = a.base_owed
    cdef int64_t j
    for j in range(i):
        leg = &e.legs_out[j]
        if leg.instrument == e.legs_out[i].instrument and leg.time_in_force >= IN_BAR_STOP and (
            pays_in_base(a, leg.side, leg.qty, _fee_kind(leg))
        ):
            base_fee(a, &owed, leg.qty, _fee_kind(leg))
    leg = &e.legs_out[i]
    return order_owing(a, leg.qty, a.base_lot, _fee_kind(leg), &owed, qty)


cdef int _size_net(engine_t* e, int64_t i) noexcept nogil:
    """Make a net order a new one; what is asked for is what the position gains."""
    cdef leg_out_t* leg = &e.legs_out[i]
    cdef const account_t* a = &e.accounts[leg.instrument]
    cdef int64_t wanted = leg.qty, qty
    cdef bint closes = _closes_in_bar(e, leg)
    cdef int failed
    leg.action = ACT_NEW
    if leg.order_type != MARKET_ORDER and not closes:
        return BAD_LEG
    if leg.side <= 0 or wanted <= 0 or not a.in_base:
        return OK
    if closes:
        failed = _size_in_bar(e, i, &qty)
    else:
        failed = order_for(a, wanted, a.base_lot, &qty)
    if failed:
        return OVERFLOW
    leg.qty = qty
    e.fee_part[i] = qty - wanted
    return OK


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


cdef int _take_units(engine_t* e, int64_t n_legs) noexcept nogil:
    """Make orders of what one unit of a bundle has: each leg's quantity times the units."""
    cdef leg_out_t* first = e.legs_out
    cdef leg_out_t* leg
    cdef int64_t i
    if first.units == 0:
        first.units = 1
    if first.bundle < NO_BUNDLE or first.bundle > LEGS or first.units < 1:
        return BAD_UNITS
    if first.bundle <= MATCHED:
        return OK if first.units == 1 else BAD_UNITS
    for i in range(n_legs):
        leg = &e.legs_out[i]
        e.detail = i
        if leg.instrument < 0 or leg.instrument >= e.n_instruments or leg.qty <= 0:
            return BAD_LEG
        if leg.action == ACT_NEW_NET:
            return BAD_UNITS
        # The bundle's cost is one amount.
        if e.accounts[leg.instrument].currency != e.accounts[first.instrument].currency:
            return BAD_UNITS
        if not ql_fits64(ql_mul64(leg.qty, first.units)):
            return OVERFLOW
        leg.qty *= first.units
    return OK


cdef int check_legs(engine_t* e, int64_t n_legs) noexcept nogil:
    cdef leg_out_t* leg
    cdef int64_t i
    cdef int status
    if n_legs > MAX_LEGS:
        e.detail = n_legs
        return BAD_LEG
    e.detail = 0
    status = _take_units(e, n_legs)
    if status != OK:
        return status
    for i in range(n_legs):
        leg = &e.legs_out[i]
        e.detail = i
        if leg.instrument < 0 or leg.instrument >= e.n_instruments:
            return BAD_LEG
        e.fee_part[i] = 0
        if leg.action == ACT_NEW_NET:
            status = _size_net(e, i)
            if status != OK:
                return status
        if leg.action == ACT_NEW:
            status = _check_new(e, leg)
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
