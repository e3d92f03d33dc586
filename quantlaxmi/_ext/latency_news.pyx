"""Latency that is drawn, and news that reach the strategy late.

With a response latency there are two sets of positions. What is true (``e.positions``, ``e.ctx``)
changes when orders execute, and accounts, limits and trims go by it. What the strategy has heard
(``e.seen_positions``, ``e.seen_ctx``) changes when it sends an order, and when the news of an order
reach it. Between two calls here only one order has changed anything, so the change since the call
before is that order's.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.philox cimport philox_below, philox_word
from quantlaxmi._ext.wide cimport *


cdef int64_t drawn_ns(const draws_t* d, int64_t number) noexcept nogil:
    if d.n == 0:
        return d.constant
    return d.values[philox_below(philox_word(d.key, <uint64_t>number, 0), <uint64_t>d.n)]


cdef void see_all(engine_t* e) noexcept nogil:
    cdef delays_t* d = e.delays
    cdef position_t* seen
    cdef Py_ssize_t i
    for i in range(e.n_instruments):
        seen = &e.seen_positions[i]
        seen.qty += e.positions[i].qty - d.known[i].qty
        seen.pending_qty += e.positions[i].pending_qty - d.known[i].pending_qty
        seen.n_fills += e.positions[i].n_fills - d.known[i].n_fills
        d.known[i] = e.positions[i]
    d.seen_in_flight += e.ctx.in_flight - d.known_in_flight
    d.known_in_flight = e.ctx.in_flight


cdef int delay_news(
    engine_t* e, const pending_t* p, bint told, const report_t* r
) noexcept nogil:
    cdef delays_t* d = e.delays
    cdef position_t* now = &e.positions[p.instrument]
    cdef position_t* known = &d.known[p.instrument]
    cdef news_t* q
    cdef news_t one
    cdef Py_ssize_t i
    one.qty = now.qty - known.qty
    one.pending_qty = now.pending_qty - known.pending_qty
    one.n_fills = now.n_fills - known.n_fills
    one.in_flight = e.ctx.in_flight - d.known_in_flight
    known[0] = now[0]
    d.known_in_flight = e.ctx.in_flight
    if not told and not (one.qty or one.pending_qty or one.n_fills or one.in_flight):
        return OK
    if ql_add_i64(r.ts_ns, drawn_ns(&d.response, p.order), &one.due):
        one.due = NEVER  # beyond all data
    one.instrument = p.instrument
    one.fill = e.fills.n - 1
    one.told = told
    one.notice.decision = p.decision
    one.notice.instrument = p.instrument
    one.notice.side = p.side
    one.notice.qty = r.qty
    one.notice.price = r.price
    one.notice.ts_ns = r.ts_ns
    one.notice.flags = r.flags
    one.notice.order_left = r.left
    one.notice.order = p.order
    one.notice.reason = r.reason
    if push(&d.news) == NULL:
        return NO_MEMORY
    q = <news_t*>d.news.data
    i = d.news.n - 1
    while i > d.head and q[i - 1].due > one.due:
        q[i] = q[i - 1]
        i -= 1
    q[i] = one
    e.tape.steps += d.news.n - i
    due_at(e, one.due)
    return OK


cdef int64_t news_due(const engine_t* e) noexcept nogil:
    cdef const delays_t* d = e.delays
    return (<news_t*>d.news.data)[d.head].due if d.head < d.news.n else NEVER


cdef int deliver(engine_t* e) noexcept nogil:
    cdef delays_t* d = e.delays
    cdef news_t one = (<news_t*>d.news.data)[d.head]
    cdef position_t* seen = &e.seen_positions[one.instrument]
    cdef int64_t status
    d.head += 1
    if d.head == d.news.n:
        d.head = 0
        d.news.n = 0
    seen.qty += one.qty
    seen.pending_qty += one.pending_qty
    seen.n_fills += one.n_fills
    d.seen_in_flight += one.in_flight
    if not one.told or e.on_fill == NULL:
        return OK
    e.notice[0] = one.notice
    e.told_fill = one.fill
    show(e, one.due)
    status = e.on_fill(e.seen_ctx, e.notice, e.books, e.seen_positions, e.state, e.params)
    if status < 0:
        e.detail = status
        return STRATEGY_FAILED
    return OK


cdef void show(engine_t* e, int64_t now) noexcept nogil:
    memcpy(e.seen_ctx, e.ctx, sizeof(ctx_t))
    e.seen_ctx.in_flight = e.delays.seen_in_flight
    e.seen_ctx.now_ns = now
