"""Interest on what is sold and not held: it is borrowed, and the loan is paid for.

A short position of spot pays for the time it was held, from one change of the position to the next
and to the end of the run: the mid at that later time, times quantity, rate and nanoseconds, rounded
half to even to the ledger's unit. Interest takes cash, and is booked apart from fees and funding.
Whoever looks at equity between changes counts what would be paid then: nothing is booked. A row is
left where the rate is 0 too, because it tells what was short and how long.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.wide cimport *


cdef inline bint _is_short(const engine_t* e, Py_ssize_t i, int64_t ts) noexcept nogil:
    """Whether something was borrowed for some time."""
    # A position that is not 0 was made by a fill, which has set the time and met a valid book.
    return is_borrowed(e, i) and e.accounts[i].qty < 0 and ts != e.loans[i].since


cdef int accrued(const engine_t* e, Py_ssize_t i, int64_t ts, ql_i128* amount) noexcept nogil:
    cdef const borrow_t* loan
    cdef ql_i128 factor
    amount[0] = ql_mul64(0, 0)
    if not _is_short(e, i, ts):
        return OK
    loan = &e.loans[i]
    # The numerator is below 2**63, see account_terms.
    if ql_mul(loan.num, ql_mul64(ts - loan.since, 1), &factor) or ql_mul_div(
        ql_mul64(e.books[i].mid2, -e.accounts[i].qty), factor, loan.den, QL_HALF_EVEN, amount
    ):
        return OVERFLOW
    return OK


cdef int accrue(engine_t* e, Py_ssize_t i, int64_t ts) noexcept nogil:
    cdef account_t* a = &e.accounts[i]
    cdef borrow_paid_t* row
    cdef int64_t since
    cdef bint pays = _is_short(e, i, ts)
    cdef ql_i128 amount
    if e.loans == NULL:
        return OK
    since = e.loans[i].since
    if accrued(e, i, ts, &amount) != OK:
        return OVERFLOW
    e.loans[i].since = ts
    if not pays:
        return OK
    if ql_add(a.borrow, amount, &a.borrow) or ql_sub(
        e.cash[a.currency], amount, &e.cash[a.currency]
    ):
        return OVERFLOW
    row = <borrow_paid_t*>push(&e.borrow)
    if row == NULL:
        return NO_MEMORY
    row.instrument = i
    row.since_ns = since
    row.ts_ns = ts
    row.seq = e.seq
    row.position = a.qty
    row.mid2 = e.books[i].mid2
    row.amount_hi = ql_hi(amount)
    row.amount_lo = ql_lo(amount)
    row.fills_before = e.fills.n
    return OK


cdef int accrue_all(engine_t* e, int64_t ts) noexcept nogil:
    cdef Py_ssize_t i
    cdef int status = OK
    for i in range(e.n_instruments):
        if status == OK:
            status = accrue(e, i, ts)
    return status
