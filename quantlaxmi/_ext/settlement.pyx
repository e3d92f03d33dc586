"""Contracts end: positions are paid what the underlying came to.

A call is worth max(0, price - strike) at the settlement price of its underlying, a put max(0, strike
- price), anything else the price itself. A lane is paid by a fill of the engine's own order at that
worth, against which it is measured too, and by a row of ``settled`` that tells how it came about.
What rests in the contract, or waits for its book, is cancelled; what is on its way is cancelled when
it arrives. The book is closed for good.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport exercise_fee, notional
from quantlaxmi._ext.bundles cimport forget_owed
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.order_events cimport book_settled, new_number, order_row
from quantlaxmi._ext.resting cimport cancel_resting
from quantlaxmi._ext.wide cimport *


cdef int _note(
    engine_t* e, Py_ssize_t k, int64_t held, int64_t price, int64_t intrinsic, ql_i128 fee
) noexcept nogil:
    cdef settled_t* row
    cdef ql_i128 amount
    if notional(&e.accounts[k], intrinsic, held, &amount):
        return OVERFLOW
    row = <settled_t*>push(&e.settled)
    if row == NULL:
        return NO_MEMORY
    row.instrument = k
    row.ts_ns = e.ts_ns
    row.seq = e.seq
    row.position = held
    row.price = price
    row.intrinsic = intrinsic
    row.amount_hi = ql_hi(amount)
    row.amount_lo = ql_lo(amount)
    row.fee_hi = ql_hi(fee)
    row.fee_lo = ql_lo(fee)
    row.fills_before = e.fills.n
    return OK


cdef int _pay(engine_t* e, Py_ssize_t k, int64_t price, int64_t intrinsic) noexcept nogil:
    """Close the position of a lane by the engine's own order, filled at ``intrinsic``."""
    cdef pending_t p
    cdef close_order_t* noted
    cdef ql_i128 fee
    cdef int64_t held = e.accounts[k].qty, in_flight
    cdef report_t report
    cdef int status
    if held == 0:
        return OK
    memset(&p, 0, sizeof(p))
    p.decision = p.leg = -1
    p.instrument = k
    p.side = -1 if held > 0 else 1
    p.qty = held if held > 0 else -held
    p.action = ACT_NEW
    noted = <close_order_t*>push(&e.guard.close_orders)
    if noted == NULL or new_number(e, &p) != OK:
        return NO_MEMORY
    noted.order = p.order
    noted.mid = 10 * intrinsic  # a price is at most a tenth of int64
    e.ctx.in_flight += 1
    if ql_add_i64(e.positions[k].pending_qty, -held, &in_flight):
        return OVERFLOW
    e.positions[k].pending_qty = in_flight
    if exercise_fee(&e.accounts[k], held, intrinsic, &fee):
        return OVERFLOW
    status = _note(e, k, held, price, intrinsic, fee)
    if status == OK:
        status = order_row(e, &p, ORDER_NEW, PENDING, WHY_SETTLED, 0, e.ts_ns)
    if status == OK:
        report = report_t(p.qty, intrinsic, e.ts_ns, FLAG_SETTLED, 0, WHY_SETTLED)
        status = book_settled(e, &p, &report, fee)
    if status == OK:
        e.ctx.in_flight -= 1
        status = order_row(e, &p, ORDER_UPDATE, FILLED, WHY_SETTLED, p.qty, e.ts_ns)
    return status


cdef int lane_closes(
    engine_t* e, Py_ssize_t k, int64_t price, int64_t intrinsic
) noexcept nogil:
    cdef int status = OK
    if e.probe != NULL:
        return OK
    if e.n_resting:
        status = cancel_resting(e, k, e.ts_ns, WHY_SETTLED)
    if e.owed.n:
        forget_owed(e, k)
    return status if status != OK else _pay(e, k, price, intrinsic)


cdef int end_contracts(engine_t* e) noexcept nogil:
    cdef const contract_t* c
    cdef int64_t mark
    cdef Py_ssize_t k
    cdef int status = OK
    for k in range(e.n_instruments):
        c = &e.tape.contracts[k]
        if e.accounts[k].qty == 0 or e.ts_ns < c.ends_ns or status != OK:
            continue
        if not e.settles_at_mark:
            e.detail = k
            return UNSETTLED
        # The mid, half to even; prices are at most a tenth of int64.
        mark = e.books[k].mid2
        status = _pay(e, k, 0, (mark >> 1) + (mark & (mark >> 1) & 1))
    return status
