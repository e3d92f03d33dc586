"""Orders are refused whose margin is not there.

Looked at is the portfolio as it is once all that is on its way, rests or is decided has filled. There
is the stated capital, the cash, what is on its way at the touch, and the gain of futures at the mid:
an option that is bought is paid for with cash. A decision is refused whole, where a margin is
missing after it, and more than without it; and, where it opens something, also where a price or a
forward is missing, so that the margin is not known.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.risk_checks cimport risk_row
from quantlaxmi._ext.scan_margin cimport *
from quantlaxmi._ext.wide cimport *

cdef int RULE_MARGIN = 15  # schema.RiskRule


cdef inline double _real(ql_i128 value) noexcept nogil:
    cdef int64_t low = ql_lo(value)
    return <double>ql_hi(value) * 18446744073709551616.0 + (
        <double>low if low >= 0 else <double>low + 18446744073709551616.0
    )


cdef inline int64_t _units(const engine_t* e, double money) noexcept nogil:
    """Money as a risk row holds it, up to the next unit."""
    cdef double found = money / _real(e.guard.money_unit)
    if found >= 9.2e18:
        return NEVER
    if found <= -9.2e18:
        return -NEVER
    return <int64_t>found + (found > <double><int64_t>found)


cdef void _send(engine_t* e, Py_ssize_t i, int64_t signed_qty, double* there) noexcept nogil:
    """Count an order as filled at its touch."""
    cdef const book_t* book = &e.books[i]
    cdef const scan_contract_t* c = &e.scan.contracts[i]
    cdef double price = 0.5 * book.mid2
    if signed_qty == 0:
        return
    if book.valid:
        price = <double>(book.ask if signed_qty > 0 else book.bid)
    e.scan.qty[i] += signed_qty
    # A future is marked to the market: its price is not paid.
    there[0] -= <double>signed_qty * c.scale * (
        0.5 * book.mid2 if c.kind == SCAN_FUTURE else price
    )


cdef bint _opens(const engine_t* e, int64_t n_legs, const char* refused) noexcept nogil:
    """Whether a leg makes a position larger."""
    cdef int64_t k, i, held, then
    for k in range(n_legs):
        if not refused[k] and e.legs_out[k].action != ACT_CANCEL:
            i = e.legs_out[k].instrument
            held, then = e.accounts[i].qty + e.positions[i].pending_qty, e.scan.qty[i]
            if (then if then > 0 else -then) > (held if held > 0 else -held):
                return True
    return False


cdef int check_scan(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil:
    cdef scan_out_t before, after
    cdef const leg_out_t* leg
    cdef double there = _real(e.guard.margin.capital) / 10.0 + _real(e.cash[0]), had
    cdef int64_t k, qty, n = 0
    cdef Py_ssize_t i
    cdef int status
    for i in range(e.n_instruments):
        e.scan.qty[i] = e.accounts[i].qty
        _send(e, i, e.positions[i].pending_qty, &there)
    scan_margin(e.scan, e.books, e.scan.qty, e.ts_ns, &before)
    had = there
    for k in range(n_legs):
        leg = &e.legs_out[k]
        if refused[k] or leg.action == ACT_CANCEL:
            continue
        qty = leg.qty
        if leg.action == ACT_MODIFY:  # it counts with what it adds
            qty -= (<order_state_t*>e.states.data)[leg.target].qty
            qty = qty if qty > 0 else 0
        _send(e, leg.instrument, leg.side * qty, &there)
    scan_margin(e.scan, e.books, e.scan.qty, e.ts_ns, &after)
    had += before.futures
    there += after.futures
    if after.known and (
        after.required <= there
        or (before.known and after.required - there <= before.required - had)
    ):
        return OK
    if not after.known and not _opens(e, n_legs, refused):
        return OK
    for k in range(n_legs):
        leg = &e.legs_out[k]
        if refused[k] or leg.action == ACT_CANCEL:
            continue
        status = risk_row(
            e, decision, leg.instrument, RULE_MARGIN,
            _units(e, after.required) if after.known else NEVER, _units(e, there), e.ts_ns,
        )
        if status != OK:
            return status
        refused[k] = 1
        n += 1
    for i in range(2):  # they were counted as sent
        if e.guard.rates[i].limit:
            e.guard.rates[i].n -= n
    return OK
