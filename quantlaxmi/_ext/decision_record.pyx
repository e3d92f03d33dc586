"""A decision is written down, with the books it saw, and its orders are sent."""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.latency_news cimport drawn_ns, see_all
from quantlaxmi._ext.leg_checks cimport check_legs
from quantlaxmi._ext.open_bundles cimport bundle_row, open_bundle
from quantlaxmi._ext.order_arrival cimport fill_in_bar
from quantlaxmi._ext.order_events cimport new_number, order_row, request_row, tell_refusal
from quantlaxmi._ext.order_queue cimport enqueue
from quantlaxmi._ext.risk_checks cimport check_orders
from quantlaxmi._ext.scan_checks cimport check_scan
from quantlaxmi._ext.wide cimport *


cdef int _sent(engine_t* e, const pending_t* p) noexcept nogil:
    if p.action != ACT_NEW:
        return request_row(e, p, PENDING, WHY_DECISION, e.ts_ns)
    return order_row(e, p, ORDER_NEW, PENDING, WHY_DECISION, 0, e.ts_ns)


cdef int _refused(engine_t* e, pending_t* p) noexcept nogil:
    """Note that it was not sent; news of a request bear the number of its order."""
    cdef int status
    if p.action == ACT_NEW:
        return order_row(e, p, ORDER_UPDATE, CANCELLED, WHY_REFUSED, 0, e.ts_ns)
    status = request_row(e, p, REJECTED, WHY_REFUSED, e.ts_ns)
    p.order = p.target
    return status


cdef int _refuse_all(engine_t* e, int64_t n_legs) noexcept nogil:
    """In the warm-up nothing is sent or recorded; the strategy is told that all was refused."""
    cdef leg_out_t* out = e.legs_out
    cdef pending_t refused[MAX_LEGS]
    cdef pending_t* p
    cdef int64_t i
    cdef int status
    for i in range(n_legs):
        p = &refused[i]
        memset(p, 0, sizeof(pending_t))
        p.decision = -1
        p.instrument = out[i].instrument
        p.side = out[i].side
        p.qty = out[i].qty
        p.action = out[i].action
        status = new_number(e, p)
        if status != OK:
            return status
        (<order_state_t*>e.states.data)[p.order].live = 0
        if p.action != ACT_NEW:
            p.order = out[i].target
    for i in range(n_legs):
        p = &refused[i]
        status = tell_refusal(e, p)
        if status != OK:
            return status
    memset(out, 0, n_legs * sizeof(leg_out_t))
    return OK


cdef int _decision_row(engine_t* e, int64_t n_legs) noexcept nogil:
    """The decision itself; its fields stand in its first leg."""
    cdef const leg_out_t* out = e.legs_out
    cdef decision_t* d = <decision_t*>push(&e.decisions)
    if d == NULL:
        return NO_MEMORY
    d.sequence = e.decisions.n - 1
    d.seq = e.seq
    d.ts_ns = e.ts_ns
    d.decision_type = out.decision_type
    d.direction = out.direction
    d.confidence = out.confidence
    d.rationale = out.rationale
    d.bundle = out.bundle
    d.first_leg = e.legs.n
    d.n_legs = n_legs
    d.units = out.units
    return OK


cdef int _leg_row(engine_t* e, const leg_out_t* out, pending_t* p) noexcept nogil:
    """One leg with the book it saw, and its order."""
    cdef leg_t* leg = <leg_t*>push(&e.legs)
    cdef const book_t* book = &e.books[out.instrument]
    if leg == NULL:
        return NO_MEMORY
    leg.decision = p.decision
    leg.instrument = out.instrument
    leg.side = out.side
    leg.action = out.action
    leg.order_type = out.order_type
    leg.time_in_force = out.time_in_force
    leg.target = out.target
    leg.qty = out.qty
    leg.limit_price = out.limit_price
    leg.reference_price = 5 * book.mid2
    leg.bid = book.bid
    leg.bid_qty = book.bid_qty
    leg.ask = book.ask
    leg.ask_qty = book.ask_qty
    leg.quote_ts_ns = book.ts_ns
    p.leg = e.legs.n - 1
    p.instrument = leg.instrument
    p.side = leg.side
    p.order_type = leg.order_type
    p.time_in_force = leg.time_in_force
    p.qty = leg.qty
    p.limit_price = leg.limit_price
    p.action = leg.action
    p.target = leg.target
    return OK


cdef int _send(engine_t* e, const pending_t* p) noexcept nogil:
    """Put an order, or a change of one, on its way."""
    cdef int64_t in_flight
    if p.action == ACT_NEW:
        e.ctx.in_flight += 1
        if ql_add_i64(e.positions[p.instrument].pending_qty, p.side * p.qty, &in_flight):
            return OVERFLOW
        e.positions[p.instrument].pending_qty = in_flight
    return enqueue(e, p)


cdef int _tell_refused(
    engine_t* e, pending_t* kept, const char* refused, int64_t n_legs
) noexcept nogil:
    """Tell of the legs that were refused, once all is sent, as of any order that ends short."""
    cdef int64_t i
    cdef int status = OK
    for i in range(n_legs):
        if status == OK and refused[i]:
            status = tell_refusal(e, &kept[i])
    if status == OK and e.legs_out[0].bundle:
        status = bundle_row(e, e.decisions.n - 1, 0, n_legs, e.ts_ns)
    return status


cdef int _begin_bundle(engine_t* e, pending_t* p, int64_t n_legs, int64_t* step) noexcept nogil:
    """Its legs arrive together, or in steps, each as a group of its own."""
    if e.leg_latency_ns:
        step[0] = e.leg_latency_ns
        p.n_legs = 1
    return open_bundle(e, p, n_legs)


cdef int _first_arrival(engine_t* e, int64_t* at) noexcept nogil:
    """When the next decision's orders arrive; a bundle's others may arrive in steps after it.

    The draw is the decision's. 1 on overflow.
    """
    cdef int64_t latency = e.latency_ns
    if e.delays != NULL:
        latency = drawn_ns(&e.delays.entry, e.decisions.n)
    return ql_add_i64(e.ctx.now_ns, latency, at)


cdef int record_decision(engine_t* e, int64_t n_legs) noexcept nogil:
    cdef leg_out_t* out = e.legs_out
    cdef pending_t p
    cdef pending_t kept[MAX_LEGS]
    cdef char refused[MAX_LEGS]
    cdef int64_t i, step = 0, n_refused = 0, n_met = 0
    cdef int status
    status = check_legs(e, n_legs)
    if status != OK:
        return status
    if e.seq < e.first_seq:
        return _refuse_all(e, n_legs)
    memset(&p, 0, sizeof(p))
    if _first_arrival(e, &p.arrival):
        return OVERFLOW
    status = _decision_row(e, n_legs)
    if status != OK:
        return status
    p.decision = e.decisions.n - 1
    p.bundle = out[0].bundle
    status = check_orders(e, p.decision, n_legs, refused)
    if status == OK and e.scan != NULL:
        status = check_scan(e, p.decision, n_legs, refused)
    if status != OK:
        return status
    for i in range(n_legs):
        n_refused += refused[i]
        n_met += out[i].time_in_force >= IN_BAR_STOP and not refused[i]
    p.n_legs = n_legs - n_refused - n_met
    if p.bundle and not n_refused:
        status = _begin_bundle(e, &p, n_legs, &step)
        if status != OK:
            return status
    for i in range(n_legs):
        status = _leg_row(e, &out[i], &p)
        if status == OK:
            status = new_number(e, &p)
        if status == OK:
            status = _sent(e, &p)
        if status == OK and refused[i]:
            kept[i] = p
            status = _refused(e, &kept[i])
        elif status == OK:
            status = fill_in_bar(e, &p) if p.time_in_force >= IN_BAR_STOP else _send(e, &p)
            if step and ql_add_i64(p.arrival, step, &p.arrival):
                status = OVERFLOW
        if status != OK:
            return status
    if e.lagging:
        see_all(e)  # it knows what it has sent
    if n_refused:
        status = _tell_refused(e, kept, refused, n_legs)
        if status != OK:
            return status
    # Kernels may leave out what is 0 for a plain order.
    memset(out, 0, n_legs * sizeof(leg_out_t))
    return OK
