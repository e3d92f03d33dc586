"""Closing at a loss or a margin call: after every message of an instrument its currency is looked at.

The first time its result is below the limit, or equity below margin used, the currency is stopped:
a risk row is left, what rests is cancelled and positions are closed at the market, after the latency
of any order. What a thin or invalid book leaves open is tried again at later messages. Nothing else
is sent in it.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.closing cimport closing_qty
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.latency_news cimport drawn_ns
from quantlaxmi._ext.margin cimport look_at_margin
from quantlaxmi._ext.order_queue cimport enqueue
from quantlaxmi._ext.risk_checks cimport loss_row, lost, margin_row
from quantlaxmi._ext.wide cimport *


cdef int _look(engine_t* e, int64_t k, int64_t currency) noexcept nogil:
    """Stop the currency of instrument k where its result or its equity asks for it."""
    cdef guard_t* g = &e.guard
    cdef ql_i128 result
    cdef bint called = False
    cdef int status
    if g.margin.on:
        status = look_at_margin(e, &called)
        if status != OK:
            return status
    if g.stopped[currency]:
        return OK
    if g.closes:
        status = lost(e, currency, &result)
        if status != OK:
            return status
        if ql_cmp(result, g.least_result) < 0:
            g.stopped[currency] = BY_LOSS
            return loss_row(e, -1, k, result)
    if called:
        g.stopped[currency] = BY_MARGIN
        return margin_row(e, -1, k)
    return OK


cdef int watch_losses(engine_t* e) noexcept nogil:
    cdef guard_t* g = &e.guard
    cdef int64_t k = e.event.instrument, currency = e.accounts[k].currency, i, qty
    cdef pending_t p
    cdef bint wanted = False
    cdef int status = _look(e, k, currency)
    if status != OK or not g.stopped[currency] or g.closing[currency]:
        return status
    for i in range(e.n_instruments):
        if e.accounts[i].currency == currency:
            status = closing_qty(e, i, &qty)
            if status != OK:
                return status
            if qty != 0 and e.books[i].valid:
                wanted = True
            if e.queues[2 * i].n or e.queues[2 * i + 1].n:
                wanted = True
    if not wanted:
        return OK
    for i in range(e.n_instruments):
        if e.accounts[i].currency == currency:
            g.close_mid[i] = 5 * e.books[i].mid2
    memset(&p, 0, sizeof(p))
    p.arrival = e.latency_ns
    if e.delays != NULL:
        # Numbers below 0 are no decision's.
        p.arrival = drawn_ns(&e.delays.entry, -1 - g.n_closes)
    g.n_closes += 1
    if ql_add_i64(e.ts_ns, p.arrival, &p.arrival):
        return OVERFLOW
    p.order = -1
    p.decision = -1
    p.leg = -1
    p.instrument = k
    p.action = ACT_CLOSE
    p.n_legs = 1
    g.closing[currency] = 1
    return enqueue(e, &p)
