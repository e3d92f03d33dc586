"""Orders of a lane meet the book, and money follows: execution, bundles, funding, the end of a run.

Only due times move anything here: an order at its arrival, funding at its settlement (tape.pyx).
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport *
from quantlaxmi._ext.borrow cimport accrue_all
from quantlaxmi._ext.bundles cimport end_owed, end_trim, trim_arrives
from quantlaxmi._ext.closing cimport closing_qty
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.latency_news cimport deliver, news_due
from quantlaxmi._ext.margin cimport look_at_margin
from quantlaxmi._ext.matching cimport *
from quantlaxmi._ext.open_bundles cimport end_bundles, leg_ended
from quantlaxmi._ext.order_arrival cimport arrive, finish_order, take
from quantlaxmi._ext.order_events cimport new_number, order_row, request_row
from quantlaxmi._ext.order_queue cimport dequeue
from quantlaxmi._ext.probe cimport probe_arrive, probe_due, probe_settle
from quantlaxmi._ext.resting cimport cancel_resting, end_resting
from quantlaxmi._ext.settlement cimport end_contracts
from quantlaxmi._ext.signals cimport MOST_STEPS, stopped
from quantlaxmi._ext.wide cimport *


cdef void refresh_due(engine_t* e) noexcept nogil:
    cdef int64_t due = NEVER
    if e.pending_head < e.pending.n:
        due = (<pending_t*>e.pending.data)[e.pending_head].arrival
    if e.probe != NULL and probe_due(e) < due:
        due = probe_due(e)
    if e.lagging and news_due(e) < due:
        due = news_due(e)
    e.due_ns = due


cdef int _own_order(
    engine_t* e, const pending_t* like, int64_t instrument, int64_t signed_qty, int64_t ts,
    int reason, int64_t flags,
) noexcept nogil:
    """Send and execute at once an order the engine itself makes: it closes, or flattens."""
    cdef pending_t p = like[0]
    cdef int64_t filled, in_flight
    cdef int status
    p.leg = -1
    p.instrument = instrument
    p.side = 1 if signed_qty > 0 else -1
    p.qty = p.side * signed_qty
    p.action = ACT_NEW
    p.order_type = MARKET_ORDER
    p.time_in_force = GTC
    p.limit_price = 0
    if new_number(e, &p) != OK:
        return NO_MEMORY
    e.ctx.in_flight += 1
    if ql_add_i64(e.positions[instrument].pending_qty, signed_qty, &in_flight):
        return OVERFLOW
    e.positions[instrument].pending_qty = in_flight
    status = order_row(e, &p, ORDER_NEW, PENDING, reason, 0, ts)
    if status == OK:
        filled = 0
        status = take(e, &p, ts, flags, &filled)
    if status == OK:
        status = finish_order(e, &p, ts, flags, filled)
    return status


cdef int _close_out(engine_t* e, const pending_t* p) noexcept nogil:
    """Cancel what rests in the currency of ``p`` and close the positions as they now are."""
    cdef int64_t currency = e.accounts[p.instrument].currency, i, qty
    cdef close_order_t* noted
    cdef int status, why = WHY_MAX_LOSS
    if e.guard.stopped[currency] == BY_MARGIN:
        why = WHY_MARGIN_CALL
    e.guard.closing[currency] = 0
    for i in range(e.n_instruments):
        if e.accounts[i].currency == currency:
            status = cancel_resting(e, i, p.arrival, why)
            if status != OK:
                return status
    for i in range(e.n_instruments):
        if e.accounts[i].currency != currency:
            continue
        status = closing_qty(e, i, &qty)
        if status != OK:
            return status
        if qty == 0:
            continue
        noted = <close_order_t*>push(&e.guard.close_orders)
        if noted == NULL:
            return NO_MEMORY
        noted.order = e.ctx.next_order
        noted.mid = e.guard.close_mid[i]
        status = _own_order(e, p, i, qty, p.arrival, why, FLAG_CLOSE)
        if status != OK:
            return status
    return OK


cdef int _execute_group(engine_t* e) noexcept nogil:
    """Execute the orders of a decision at the head of the queue that arrived together."""
    cdef pending_t orders[MAX_LEGS]
    cdef int64_t before, filled
    cdef Py_ssize_t i, n = dequeue(e, orders)
    cdef int status
    if orders[0].action == ACT_CLOSE:
        return _close_out(e, &orders[0])
    if orders[0].action == ACT_TRIM:
        return trim_arrives(e, &orders[0])
    for i in range(n):
        before = e.accounts[orders[i].instrument].qty
        status = arrive(e, &orders[i], orders[i].arrival, &filled)
        if status == OK and orders[i].bundle:
            # Positions are within 63 bits either way, and one order moves one less than twice that.
            before = (e.accounts[orders[i].instrument].qty - before) * orders[i].side
            status = leg_ended(e, &orders[i], filled, before, orders[i].arrival)
        if status != OK:
            return status
    return OK


cdef int64_t _held_at(const engine_t* e, Py_ssize_t instrument, int64_t ts) noexcept nogil:
    """The position at a receive time that may be past.

    It includes what messages of that time filled, but no order that arrived then.
    """
    cdef const fill_t* f
    cdef int64_t held = e.accounts[instrument].qty
    cdef Py_ssize_t i
    cdef bint later = False
    for i in range(e.fills.n - 1, -1, -1):
        f = <const fill_t*>e.fills.data + i
        if f.instrument == instrument:
            if f.ts_ns < ts or (f.ts_ns == ts and f.flags & (FLAG_MAKER | FLAG_IN_BAR)):
                return f.position if later else held
            later = True
        elif f.ts_ns < ts and not later:
            return held
    return 0 if later else held


cdef int lane_settle(
    engine_t* e, Py_ssize_t i, int64_t at, int64_t before, int64_t mark, int64_t rate
) noexcept nogil:
    cdef account_t* a = &e.accounts[i]
    cdef ql_i128 amount
    cdef funding_paid_t* row
    cdef int64_t held
    if e.probe != NULL:
        return probe_settle(e, i, before, mark, rate)
    held = _held_at(e, i, before)
    if held == 0:
        return OK
    if account_funding(a, &e.cash[a.currency], held, mark, rate, e.rate_den, &amount):
        return OVERFLOW
    row = <funding_paid_t*>push(&e.funding)
    if row == NULL:
        return NO_MEMORY
    row.instrument = i
    row.ts_ns = at
    row.seq = e.seq
    row.position = held
    row.mark = mark
    row.rate = rate
    row.amount_hi = ql_hi(amount)
    row.amount_lo = ql_lo(amount)
    row.fills_before = e.fills.n
    return OK


cdef int lane_advance(engine_t* e, int64_t until) noexcept nogil:
    cdef int64_t arrival
    cdef int status
    while e.due_ns < until:
        # What waits is looked through for some of what happens.
        e.tape.steps += 1 + e.n_resting + e.pending.n - e.pending_head
        if e.tape.steps >= MOST_STEPS:
            e.tape.steps = 0
            if stopped():
                return STOPPED
        arrival = NEVER
        if e.pending_head < e.pending.n:
            arrival = (<pending_t*>e.pending.data)[e.pending_head].arrival
        if e.probe != NULL and probe_due(e) == e.due_ns:
            status = probe_arrive(e)
        elif e.lagging and e.due_ns < arrival:
            status = deliver(e)
        else:
            status = _execute_group(e)
        if status != OK:
            return status
        refresh_due(e)
    return OK


cdef int lane_finish(engine_t* e, bint flatten) noexcept nogil:
    cdef pending_t* p
    cdef pending_t own
    cdef int status = OK
    cdef Py_ssize_t i
    cdef int64_t qty
    cdef bint called
    while status == OK and e.pending_head < e.pending.n:
        p = <pending_t*>e.pending.data + e.pending_head
        e.pending_head += 1
        if p.action == ACT_CLOSE:
            continue
        if p.action == ACT_TRIM:
            status = end_trim(e, p)
            continue
        if p.action != ACT_NEW:
            status = request_row(e, p, REJECTED, WHY_END, e.ts_ns)
            continue
        e.ctx.in_flight -= 1
        e.positions[p.instrument].pending_qty -= p.side * p.qty
        status = order_row(e, p, ORDER_UPDATE, CANCELLED, WHY_END, 0, e.ts_ns)
    end_owed(e)
    if status == OK and e.open_bundles.n:
        status = end_bundles(e)
    if status == OK and e.n_resting:
        status = end_resting(e)
    if status == OK:
        status = end_contracts(e)
    if flatten:
        for i in range(e.n_instruments):
            if status == OK:
                status = closing_qty(e, i, &qty)
            if status != OK or qty == 0:
                continue
            memset(&own, 0, sizeof(own))
            own.decision = -1
            status = _own_order(e, &own, i, qty, e.ts_ns, WHY_FLATTEN, FLAG_FLATTEN)
    if status == OK:
        status = accrue_all(e, e.ts_ns)
    if status == OK and e.guard.margin.on:
        status = look_at_margin(e, &called)
    return status
