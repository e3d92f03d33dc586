"""Records of orders: their rows, their fills with the money, and the news for the strategy."""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport *
from quantlaxmi._ext.borrow cimport accrue
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.latency_news cimport delay_news, see_all, show
from quantlaxmi._ext.own_takes cimport takes_add, takes_t
from quantlaxmi._ext.wide cimport *


cdef int note_take(engine_t* e, Py_ssize_t k, int side, int64_t price, int64_t qty) noexcept nogil:
    cdef takes_t* takes = &e.takes[2 * k + side]
    cdef Py_ssize_t before = takes.n
    cdef int status = takes_add(takes, side, price, qty)
    e.n_takes += takes.n - before
    return status


cdef int new_number(engine_t* e, pending_t* p) noexcept nogil:
    cdef order_state_t* state = <order_state_t*>push(&e.states)
    if state == NULL:
        return NO_MEMORY
    state.instrument = p.instrument
    state.side = p.side if p.action == ACT_NEW else 0
    state.qty = p.qty
    state.limit_price = p.limit_price
    state.live = p.action == ACT_NEW
    p.order = e.ctx.next_order
    e.ctx.next_order += 1
    return OK


cdef int request_row(
    engine_t* e, const pending_t* p, int status, int reason, int64_t ts
) noexcept nogil:
    cdef pending_t row = p[0]
    row.order = p.target
    return order_row(
        e, &row, ORDER_MODIFY if p.action == ACT_MODIFY else ORDER_CANCEL, status, reason, 0, ts
    )


cdef int order_row(
    engine_t* e, const pending_t* p, int kind, int status, int reason, int64_t filled, int64_t ts
) noexcept nogil:
    cdef order_t* o = <order_t*>push(&e.orders)
    cdef report_t silent
    if o == NULL:
        return NO_MEMORY
    if status == FILLED or status == PARTIAL or status == CANCELLED:
        (<order_state_t*>e.states.data)[p.order].live = 0
    o.order = p.order
    o.decision = p.decision
    o.leg = p.leg
    o.kind = kind
    o.status = status
    o.reason = reason
    o.instrument = p.instrument
    o.side = p.side
    o.order_type = p.order_type
    o.time_in_force = p.time_in_force
    o.qty = p.qty
    o.filled_qty = filled
    o.limit_price = p.limit_price
    o.ts_ns = ts
    o.seq = e.seq
    if e.lagging:
        if reason != WHY_DECISION:
            silent = report_t(0, 0, ts, 0, 0, 0)
            return delay_news(e, p, False, &silent)
        see_all(e)  # the leg before, which was sent just now
    return OK


cdef int notify(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t left, int reason
) noexcept nogil:
    cdef report_t r = report_t(0, 0, ts, flags, left, reason)
    return delay_news(e, p, True, &r) if e.lagging else _tell(e, p, &r)


cdef int tell_refusal(engine_t* e, const pending_t* p) noexcept nogil:
    cdef report_t r = report_t(0, 0, e.ts_ns, 0, p.qty, WHY_REFUSED)
    return _tell(e, p, &r)


cdef int _tell(engine_t* e, const pending_t* p, const report_t* r) noexcept nogil:
    cdef int64_t status
    if e.on_fill == NULL:
        return OK
    e.notice.decision = p.decision
    e.notice.instrument = p.instrument
    e.notice.side = p.side
    e.notice.qty = r.qty
    e.notice.price = r.price
    e.notice.ts_ns = r.ts_ns
    e.notice.flags = r.flags
    e.notice.order_left = r.left
    e.notice.order = p.order
    e.notice.reason = r.reason
    e.ctx.now_ns = r.ts_ns
    e.told_fill = e.fills.n - 1
    if e.lagging:
        show(e, r.ts_ns)
    status = e.on_fill(e.seen_ctx, e.notice, e.books, e.seen_positions, e.state, e.params)
    if status < 0:
        e.detail = status
        return STRATEGY_FAILED
    return OK


cdef int book_fill(
    engine_t* e, const pending_t* p, const report_t* r, int fee_kind
) noexcept nogil:
    cdef account_t* a = &e.accounts[p.instrument]
    cdef ql_i128* cash = &e.cash[a.currency]
    cdef ql_i128 fee
    cdef order_state_t* state = <order_state_t*>e.states.data + p.order
    cdef int64_t kept = r.qty
    cdef report_t told = r[0]
    cdef int status = accrue(e, p.instrument, r.ts_ns)
    if status != OK:
        return status
    if pays_in_base(a, p.side, r.qty, fee_kind):
        # What the venue took was never received: the fill is booked of the rest. The strategy is
        # told how much of its order was filled.
        kept -= base_fee(a, &a.base_owed, r.qty, fee_kind)
        told.flags |= FLAG_BASE_FEE
        if notional(a, r.price, r.qty - kept, &fee):
            return OVERFLOW
    elif fee_of(a, p.side, r.price, r.qty, fee_kind, not state.executed, &fee):
        return OVERFLOW
    state.executed = 1
    if account_fill(a, cash, p.side, kept, r.price, fee):
        return OVERFLOW
    return _fill_row(e, p, &told, kept, fee)


cdef int book_settled(
    engine_t* e, const pending_t* p, const report_t* r, ql_i128 fee
) noexcept nogil:
    cdef account_t* a = &e.accounts[p.instrument]
    cdef int status = accrue(e, p.instrument, r.ts_ns)
    if status != OK:
        return status
    if account_fill(a, &e.cash[a.currency], p.side, r.qty, r.price, fee):
        return OVERFLOW
    return _fill_row(e, p, r, r.qty, fee)


cdef int _fill_row(
    engine_t* e, const pending_t* p, const report_t* told, int64_t kept, ql_i128 fee
) noexcept nogil:
    """The row of a fill that was booked, of which ``kept`` was received, and its news."""
    cdef account_t* a = &e.accounts[p.instrument]
    cdef const ql_i128* cash = &e.cash[a.currency]
    cdef fill_t* f = <fill_t*>push(&e.fills)
    if f == NULL:
        return NO_MEMORY
    f.order = p.order
    f.decision = p.decision
    f.leg = p.leg
    f.instrument = p.instrument
    f.side = p.side
    f.price = told.price
    f.qty = kept
    f.ts_ns = told.ts_ns
    f.seq = e.seq
    f.flags = told.flags
    f.fee_hi = ql_hi(fee)
    f.fee_lo = ql_lo(fee)
    f.cash_hi = ql_hi(cash[0])
    f.cash_lo = ql_lo(cash[0])
    f.position = a.qty
    f.realized_hi = ql_hi(a.realized)
    f.realized_lo = ql_lo(a.realized)
    e.positions[p.instrument].qty = a.qty
    e.positions[p.instrument].pending_qty -= p.side * told.qty
    e.positions[p.instrument].n_fills += 1
    return delay_news(e, p, True, told) if e.lagging else _tell(e, p, told)
