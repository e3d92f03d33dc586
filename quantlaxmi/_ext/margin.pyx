"""Margin used and equity of a run whose capital is stated.

Margin used is the sum of |position| * mid over all instruments, divided by the leverage. Equity is
the capital, and realized and unrealized PnL, less fees, with funding. Equity below margin used is a
margin call. Both are exact: equity is a whole number of units, so margin is rounded up to one.
"""
from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.risk_checks cimport lost
from quantlaxmi._ext.wide cimport *


cdef int _used(const engine_t* e, ql_i128* used) noexcept nogil:
    cdef const margin_t* m = &e.guard.margin
    cdef const account_t* a
    cdef ql_i128 part
    cdef Py_ssize_t i
    used[0] = ql_mul64(0, 0)
    for i in range(e.n_instruments):
        a = &e.accounts[i]
        if a.qty == 0:
            continue
        # A price is at most a tenth of int64, so ten mids fit.
        if ql_mul(ql_mul64(a.qty, 5 * e.books[i].mid2), a.scale, &part):
            return OVERFLOW
        if ql_add(used[0], ql_abs(part), used):
            return OVERFLOW
    if ql_mul_div(used[0], m.leverage_den, m.leverage_num, QL_CEILING, used):
        return OVERFLOW
    return OK


cdef int look_at_margin(engine_t* e, bint* called) noexcept nogil:
    cdef margin_t* m = &e.guard.margin
    cdef ql_i128 equity, used, fall
    cdef int status = lost(e, 0, &equity)
    if status == OK:
        status = _used(e, &used)
    if status != OK:
        return status
    if ql_add(equity, m.capital, &equity) or ql_sub(m.peak, equity, &fall):
        return OVERFLOW
    if ql_cmp(fall, ql_mul64(0, 0)) < 0:
        m.peak = equity
    elif ql_cmp(fall, m.drawdown) > 0:
        m.drawdown = fall
    if ql_cmp(used, m.most_used) > 0:
        m.most_used = used
    called[0] = ql_cmp(equity, used) < 0
    if called[0] and not e.guard.stopped[0]:
        m.called_equity = equity
        m.called_used = used
    return OK
