"""What a bundle may not keep is taken back, or the run says that it was not.

What a leg filled beyond what it may keep (open_bundles.pyx) is taken back by a trim: an order at the
market, sent when the legs have arrived, with the latency of their decision. What a trim finds no size
for leaves a risk row, and the rest is sent again at the next message that leaves a valid book of its
instrument, one latency later, until it is done. Until then it counts as in flight. What is below a lot
stays, with a risk row. Trims of a policy of units are hedged out: they bear that reason and that flag.

Where a buy paid its fee in base, what it received is matched: of a buy filled too far that share of
it is sold again, and of a sale as much is bought back as leaves the excess after the fee.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport order_for
from quantlaxmi._ext.closing cimport lot_of
from quantlaxmi._ext.contract_end cimport has_ended
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.latency_news cimport drawn_ns
from quantlaxmi._ext.order_arrival cimport finish_order, take
from quantlaxmi._ext.order_events cimport new_number, order_row
from quantlaxmi._ext.order_queue cimport enqueue
from quantlaxmi._ext.risk_checks cimport risk_row
from quantlaxmi._ext.wide cimport *

cdef enum:
    # schema.RiskRule
    RULE_TRIM_REST = 10
    RULE_TRIM_SHORT = 13


cdef inline int _why(const pending_t* p) noexcept nogil:
    return WHY_HEDGE_OUT if p.bundle > MATCHED else WHY_TRIM


cdef inline int64_t _flag(const pending_t* p) noexcept nogil:
    return FLAG_HEDGE_OUT if p.bundle > MATCHED else FLAG_TRIM


cdef int _send(engine_t* e, pending_t* p, int64_t ts) noexcept nogil:
    """Number the trim, note it and put it on its way; it is counted as in flight already."""
    cdef int64_t arrival = e.latency_ns
    cdef int status
    if e.delays != NULL:
        arrival = drawn_ns(&e.delays.entry, p.decision)
    if ql_add_i64(ts, arrival, &p.arrival):
        return OVERFLOW
    p.action = ACT_NEW
    status = new_number(e, p)
    if status == OK:
        status = order_row(e, p, ORDER_NEW, PENDING, _why(p), 0, ts)
    p.action = ACT_TRIM
    return status if status != OK else enqueue(e, p)


cdef int excess_of(
    engine_t* e, const pending_t* leg, int64_t moved, int64_t kept, int64_t filled, int64_t* excess
) noexcept nogil:
    # The same share of what the position gained; all of it where no fee was in base.
    excess[0] = moved - ql_muldiv(moved, kept, filled)
    if leg.side < 0 and e.accounts[leg.instrument].in_base:
        if order_for(&e.accounts[leg.instrument], excess[0], 1, excess):
            return OVERFLOW
    return OK


cdef int note_excess(
    engine_t* e, const pending_t* leg, int64_t excess, int64_t ts
) noexcept nogil:
    return risk_row(
        e, leg.decision, leg.instrument, RULE_TRIM_SHORT, excess, excess, ts
    )


cdef int take_back(engine_t* e, const pending_t* leg, int64_t excess) noexcept nogil:
    cdef pending_t p = leg[0]
    cdef int64_t lot = lot_of(e, leg.instrument), in_flight
    cdef int status
    if excess % lot:
        status = risk_row(
            e, leg.decision, leg.instrument, RULE_TRIM_REST, excess % lot, lot, leg.arrival
        )
        if status != OK:
            return status
    p.leg = -1
    p.side = -leg.side
    p.qty = excess - excess % lot
    p.order_type = MARKET_ORDER
    p.time_in_force = GTC
    p.limit_price = 0
    p.n_legs = 1
    if p.qty == 0:
        return OK
    if ql_add_i64(e.positions[p.instrument].pending_qty, p.side * p.qty, &in_flight):
        return OVERFLOW
    e.positions[p.instrument].pending_qty = in_flight
    e.ctx.in_flight += 1
    return _send(e, &p, leg.arrival)


cdef inline bint _stopped(const engine_t* e, const pending_t* p) noexcept nogil:
    """Whether its currency was stopped, by loss or margin: all that is held is then closed."""
    return e.guard.watches and e.guard.stopped[e.accounts[p.instrument].currency]


cdef int trim_arrives(engine_t* e, const pending_t* p) noexcept nogil:
    cdef int64_t filled = 0, rest
    cdef pending_t order = p[0]
    cdef pending_t* owed
    cdef int status
    order.action = ACT_NEW
    status = take(e, &order, p.arrival, _flag(p), &filled)
    rest = p.qty - filled
    if status == OK and rest:
        status = risk_row(
            e, p.decision, p.instrument, RULE_TRIM_SHORT, rest, p.qty, p.arrival
        )
        if status == OK and not _stopped(e, p) and not has_ended(e.tape, p.instrument, p.arrival):
            owed = <pending_t*>push(&e.owed)
            if owed == NULL:
                return NO_MEMORY
            owed[0] = p[0]
            owed.qty = rest
            # Before the order ends, so that nobody sees it gone.
            e.ctx.in_flight += 1
            e.positions[p.instrument].pending_qty += p.side * rest
    if status == OK:
        status = finish_order(e, &order, p.arrival, _flag(p), filled)
    return status


cdef void _forget(engine_t* e, const pending_t* p) noexcept nogil:
    e.ctx.in_flight -= 1
    e.positions[p.instrument].pending_qty -= p.side * p.qty


cdef int send_owed(engine_t* e, Py_ssize_t k) noexcept nogil:
    cdef pending_t* owed = <pending_t*>e.owed.data
    cdef pending_t p
    cdef Py_ssize_t i, kept = 0, n = e.owed.n
    cdef int status = OK
    if not e.books[k].valid:
        return OK
    for i in range(n):
        p = owed[i]
        if p.instrument != k or status != OK:
            owed[kept] = p
            kept += 1
        elif _stopped(e, &p):
            _forget(e, &p)
        else:
            status = _send(e, &p, e.ts_ns)
    e.owed.n = kept
    return status


cdef void forget_owed(engine_t* e, Py_ssize_t k) noexcept nogil:
    cdef pending_t* owed = <pending_t*>e.owed.data
    cdef Py_ssize_t i, kept = 0
    for i in range(e.owed.n):
        if owed[i].instrument == k:
            _forget(e, &owed[i])
        else:
            owed[kept] = owed[i]
            kept += 1
    e.owed.n = kept


cdef int end_trim(engine_t* e, const pending_t* p) noexcept nogil:
    cdef int status = risk_row(
        e, p.decision, p.instrument, RULE_TRIM_SHORT, p.qty, p.qty, e.ts_ns
    )
    _forget(e, p)
    if status != OK:
        return status
    return order_row(e, p, ORDER_UPDATE, CANCELLED, WHY_END, 0, e.ts_ns)


cdef void end_owed(engine_t* e) noexcept nogil:
    cdef const pending_t* owed = <pending_t*>e.owed.data
    cdef Py_ssize_t i
    for i in range(e.owed.n):
        _forget(e, &owed[i])
    e.owed.n = 0
