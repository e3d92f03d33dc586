"""Bundles on their way: what each leg filled, and what the bundle's policy lets it keep.

Legs arrive together, or one after another, each at the book as it then stands. When the last one has
ended, the policy says how much of each leg is kept. What is above that is taken back (bundles.pyx).

    matched       every leg keeps the smallest share that one filled
    all or none   every leg keeps all if all filled whole, nothing otherwise
    whole units   every leg keeps as many units as every leg filled
    legs          every leg keeps what it filled

A bundle with one of the last three leaves a row that says how many of its units it keeps, and how
many of its legs did not fill whole.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.bundles cimport excess_of, note_excess, take_back
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.wide cimport *


cdef open_bundle_t* _room_for(buffer_t* bundles, Py_ssize_t n_legs) noexcept nogil:
    """Room for one more bundle, whose legs are zeroed: it has room for many more than it has."""
    cdef open_bundle_t* b
    cdef void* grown
    if bundles.n == bundles.cap:
        grown = realloc(bundles.data, (2 * bundles.cap + 4) * sizeof(open_bundle_t))
        if grown == NULL:
            return NULL
        bundles.data = <char*>grown
        bundles.cap = 2 * bundles.cap + 4
    b = <open_bundle_t*>bundles.data + bundles.n
    bundles.n += 1
    memset(b.filled, 0, n_legs * sizeof(int64_t))
    memset(b.moved, 0, n_legs * sizeof(int64_t))
    return b


cdef inline void _copy(open_bundle_t* to, const open_bundle_t* b) noexcept nogil:
    """A bundle with the legs that it has."""
    to.decision = b.decision
    to.policy = b.policy
    to.units = b.units
    to.first_leg = b.first_leg
    to.n_legs = b.n_legs
    to.n_open = b.n_open
    memcpy(to.filled, b.filled, b.n_legs * sizeof(int64_t))
    memcpy(to.moved, b.moved, b.n_legs * sizeof(int64_t))


cdef int open_bundle(engine_t* e, const pending_t* p, int64_t n_legs) noexcept nogil:
    cdef const decision_t* d = <decision_t*>e.decisions.data + p.decision
    cdef open_bundle_t* b = _room_for(&e.open_bundles, n_legs)
    if b == NULL:
        return NO_MEMORY
    b.decision = p.decision
    b.policy = d.bundle
    b.units = d.units
    b.first_leg = d.first_leg
    b.n_legs = b.n_open = n_legs
    return OK


cdef int bundle_row(
    engine_t* e, int64_t decision, int64_t units_filled, int64_t legs_short, int64_t ts
) noexcept nogil:
    cdef const decision_t* d = <decision_t*>e.decisions.data + decision
    cdef bundle_t* row
    if d.bundle <= MATCHED:
        return OK
    row = <bundle_t*>push(&e.bundles)
    if row == NULL:
        return NO_MEMORY
    row.decision = decision
    row.ts_ns = ts
    row.policy = d.bundle
    row.units_wanted = d.units
    row.units_filled = units_filled
    row.legs_short = legs_short
    return OK


cdef pending_t _order_of(const engine_t* e, const open_bundle_t* b, Py_ssize_t i, int64_t ts) noexcept nogil:
    """The leg's order as it was sent, for what takes its excess back."""
    cdef const leg_t* leg = <leg_t*>e.legs.data + b.first_leg + i
    cdef pending_t p
    memset(&p, 0, sizeof(p))
    p.arrival = ts
    p.decision = b.decision
    p.leg = b.first_leg + i
    p.instrument = leg.instrument
    p.side = leg.side
    p.qty = leg.qty
    p.target = leg.target
    p.bundle = b.policy
    return p


cdef int64_t _whole_units(const engine_t* e, const open_bundle_t* b, int64_t* legs_short) noexcept nogil:
    """Units that every leg filled, and how many legs did not fill whole."""
    cdef const leg_t* legs = <leg_t*>e.legs.data + b.first_leg
    cdef int64_t units = b.units, own
    cdef Py_ssize_t i
    legs_short[0] = 0
    for i in range(b.n_legs):
        own = b.filled[i] // (legs[i].qty // b.units)
        units = own if own < units else units
        legs_short[0] += b.filled[i] < legs[i].qty
    return units


cdef void _shares(const engine_t* e, const open_bundle_t* b, int64_t* kept) noexcept nogil:
    """The leg that filled the smallest share of its quantity sets the size of all."""
    cdef const leg_t* legs = <leg_t*>e.legs.data + b.first_leg
    cdef Py_ssize_t i, j = 0
    # Shares f_i/q_i are compared exactly.
    for i in range(1, b.n_legs):
        if ql_cmp_products(b.filled[i], legs[j].qty, b.filled[j], legs[i].qty) < 0:
            j = i
    for i in range(b.n_legs):
        # Quotient of non-negative numbers, so truncation is floor.
        kept[i] = ql_muldiv(legs[i].qty, b.filled[j], legs[j].qty)


cdef int _end_bundle(engine_t* e, const open_bundle_t* b, int64_t ts, bint at_end) noexcept nogil:
    """All legs have ended, or the data have: keep what the policy says."""
    cdef const leg_t* legs
    cdef int64_t kept[MAX_LEGS]
    cdef int64_t units, legs_short, excess
    cdef pending_t order
    cdef Py_ssize_t i
    cdef int status = OK
    if b.policy == MATCHED:
        _shares(e, b, kept)
    else:
        units = _whole_units(e, b, &legs_short)
        if b.policy == ALL_OR_NONE and legs_short:
            units = 0
        legs = <leg_t*>e.legs.data + b.first_leg
        for i in range(b.n_legs):
            kept[i] = b.filled[i] if b.policy == LEGS else units * (legs[i].qty // b.units)
        status = bundle_row(e, b.decision, units, legs_short, ts)
    for i in range(b.n_legs):
        if status != OK or b.filled[i] <= kept[i]:
            continue
        order = _order_of(e, b, i, ts)
        status = excess_of(e, &order, b.moved[i], kept[i], b.filled[i], &excess)
        if status != OK or excess == 0:
            continue
        status = note_excess(e, &order, excess, ts) if at_end else take_back(e, &order, excess)
    return status


cdef int leg_ended(
    engine_t* e, const pending_t* p, int64_t filled, int64_t moved, int64_t ts
) noexcept nogil:
    cdef open_bundle_t* b = <open_bundle_t*>e.open_bundles.data
    cdef open_bundle_t whole
    cdef Py_ssize_t k = e.open_bundles.n - 1
    # Decisions ascend; the oldest end first, as a rule.
    while k >= 0 and b[k].decision != p.decision:
        k -= 1
    if k < 0:
        return OK
    b[k].filled[p.leg - b[k].first_leg] = filled
    b[k].moved[p.leg - b[k].first_leg] = moved
    b[k].n_open -= 1
    if b[k].n_open:
        return OK
    _copy(&whole, &b[k])
    e.open_bundles.n -= 1
    while k < e.open_bundles.n:
        _copy(&b[k], &b[k + 1])
        k += 1
    return _end_bundle(e, &whole, ts, False)


cdef int end_bundles(engine_t* e) noexcept nogil:
    cdef const open_bundle_t* b = <open_bundle_t*>e.open_bundles.data
    cdef Py_ssize_t k
    cdef int status = OK
    for k in range(e.open_bundles.n):
        if status == OK:
            status = _end_bundle(e, &b[k], e.ts_ns, True)
    e.open_bundles.n = 0
    return status
