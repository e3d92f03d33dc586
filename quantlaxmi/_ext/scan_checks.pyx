"""Decisions are refused, whole, whose margin is not there (see scan_orders.pyx)."""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.risk_checks cimport risk_row
from quantlaxmi._ext.scan_orders cimport *

cdef int RULE_MARGIN = 15  # schema.RiskRule


cdef inline int64_t _units(const engine_t* e, double money) noexcept nogil:
    """Money as a risk row holds it, up to the next unit."""
    cdef double found = money / money_of(e.guard.money_unit)
    if found >= 9.2e18:
        return NEVER
    if found <= -9.2e18:
        return -NEVER
    return <int64_t>found + (found > <double><int64_t>found)


cdef int check_scan(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil:
    cdef ask_t ask
    cdef const leg_out_t* leg
    cdef int64_t k, qty, n = 0
    cdef Py_ssize_t i
    cdef int status
    # Capital is kept at a tenth of the ledger's unit.
    ask.there = money_of(e.guard.margin.capital) / 10.0 + money_of(e.cash[0])
    for i in range(e.n_instruments):
        e.scan.qty[i] = e.accounts[i].qty
        count_order(e.scan, e.books, i, e.positions[i].pending_qty, &ask.there)
    begin_ask(e.scan, e.books, e.ts_ns, &ask)
    for k in range(n_legs):
        leg = &e.legs_out[k]
        if refused[k] or leg.action == ACT_CANCEL:
            continue
        qty = leg.qty
        if leg.action == ACT_MODIFY:  # it counts with what it adds
            qty -= (<order_state_t*>e.states.data)[leg.target].qty
            qty = qty if qty > 0 else 0
        count_order(e.scan, e.books, leg.instrument, leg.side * qty, &ask.there)
    if has_margin(e.scan, e.books, e.ts_ns, &ask):
        return OK
    for k in range(n_legs):
        leg = &e.legs_out[k]
        if refused[k] or leg.action == ACT_CANCEL:
            continue
        status = risk_row(
            e, decision, leg.instrument, RULE_MARGIN,
            _units(e, ask.after.required) if ask.after.known else NEVER, _units(e, ask.there),
            e.ts_ns,
        )
        if status != OK:
            return status
        refused[k] = 1
        n += 1
    for i in range(2):  # they were counted as sent
        if e.guard.rates[i].limit:
            e.guard.rates[i].n -= n
    return OK
