"""The venue's rules and the desk's limits, held against a decision before its orders are sent.

A leg that breaks one leaves a row for each it breaks. A refused leg refuses its whole bundle. An
order closes when it is opposite to the position and, with all that is in flight or rests on its
side, no larger; limits on positions and losses let it pass. A change of an order is checked at its
new total and price, against limits with what it adds; a cancel is never refused and counts for
nothing. What the engine itself sends (trims, flattening) is not checked.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t, notional
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.wide cimport *

cdef enum:
    # schema.RiskRule
    RULE_LOT = 1
    RULE_TICK = 2
    RULE_MIN_NOTIONAL = 3
    RULE_MAX_POSITION = 4
    RULE_MAX_NOTIONAL = 5
    RULE_PER_SECOND = 6
    RULE_STALE_BOOK = 8
    RULE_MAX_LOSS = 9
    RULE_TRIM_REST = 10
    RULE_NO_BOOK = 11

cdef extern from "<stdint.h>" nogil:
    const int64_t LOWEST "INT64_MIN"


cdef inline ql_i128 _i128(int64_t value) noexcept nogil:
    return ql_mul64(value, 1)


cdef inline int64_t _shown(ql_i128 value) noexcept nogil:
    """A value as a row holds it: the nearest one there is."""
    if ql_fits64(value):
        return ql_to_i64(value)
    return NEVER if ql_cmp(value, ql_mul64(0, 0)) > 0 else LOWEST


cdef int _row(
    engine_t* e, int64_t decision, int64_t instrument, int rule, int64_t value, int64_t limit,
    int64_t ts,
) noexcept nogil:
    cdef risk_t* row = <risk_t*>push(&e.guard.rows)
    if row == NULL:
        return NO_MEMORY
    row.decision = decision
    row.instrument = instrument
    row.rule = rule
    row.value = value
    row.limit = limit
    row.ts_ns = ts
    row.seq = e.seq
    return OK


cdef int _money_row(
    engine_t* e, int64_t decision, int64_t instrument, int rule, ql_i128 value, ql_i128 limit
) noexcept nogil:
    cdef ql_i128 unit = e.guard.money_unit
    return _row(
        e, decision, instrument, rule, _shown(ql_divided(value, unit)),
        _shown(ql_divided(limit, unit)), e.ts_ns,
    )


cdef int64_t leg_adds(const engine_t* e, const leg_out_t* leg) noexcept nogil:
    cdef int64_t before
    if leg.action == ACT_NEW:
        return leg.qty
    before = (<order_state_t*>e.states.data)[leg.target].qty
    return leg.qty - before if leg.qty > before else 0


cdef int _exposure(
    const engine_t* e, int64_t k, const char* refused, ql_i128* after, int* closes
) noexcept nogil:
    """Position if all on leg k's side fills and nothing on the other; whether the leg closes."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const pending_t* q = <pending_t*>e.pending.data
    cdef int64_t held = e.accounts[leg.instrument].qty
    # Seen from the leg's side: what is held against it is negative.
    cdef ql_i128 held_so = _i128(held * leg.side), same = _i128(leg_adds(e, leg)), total
    cdef const buffer_t* lane = &e.lanes[2 * leg.instrument + (0 if leg.side > 0 else 1)]
    cdef Py_ssize_t i
    for i in range(lane.n):
        if ql_add(same, _i128((<resting_t*>lane.data)[i].left), &same):
            return OVERFLOW
    for i in range(e.pending_head, e.pending.n):
        if q[i].instrument == leg.instrument and q[i].side == leg.side:
            if ql_add(same, _i128(q[i].more), &same):
                return OVERFLOW
    for i in range(k):
        if not refused[i] and e.legs_out[i].instrument == leg.instrument:
            if e.legs_out[i].side == leg.side:
                if ql_add(same, _i128(leg_adds(e, &e.legs_out[i])), &same):
                    return OVERFLOW
    if ql_add(held_so, same, &total):
        return OVERFLOW
    closes[0] = held * leg.side < 0 and ql_cmp(total, _i128(0)) <= 0
    after[0] = ql_abs(total)
    return OK


cdef int lost(const engine_t* e, int64_t currency, ql_i128* total) noexcept nogil:
    """Result of a currency so far, open positions at the mid; at ledger exponent - 1."""
    cdef const account_t* a
    cdef ql_i128 part, ten = _i128(10)
    cdef Py_ssize_t i
    total[0] = _i128(0)
    for i in range(e.n_instruments):
        a = &e.accounts[i]
        if a.currency != currency:
            continue
        if ql_sub(a.realized, a.fees, &part) or ql_add(part, a.funding, &part):
            return OVERFLOW
        if a.qty != 0 and (
            ql_sub(part, a.cost, &part) if a.qty > 0 else ql_add(part, a.cost, &part)
        ):
            return OVERFLOW
        if ql_mul(part, ten, &part) or ql_add(total[0], part, total):
            return OVERFLOW
        # A price is at most a tenth of int64, so ten mids fit.
        if ql_mul(ql_mul64(a.qty, 5 * e.books[i].mid2), a.scale, &part):
            return OVERFLOW
        if ql_add(total[0], part, total):
            return OVERFLOW
    return OK


cdef int loss_row(
    engine_t* e, int64_t decision, int64_t instrument, ql_i128 result
) noexcept nogil:
    return _money_row(
        e, decision, instrument, RULE_MAX_LOSS, ql_divided(result, _i128(10)),
        ql_divided(e.guard.least_result, _i128(10)),
    )


cdef int _check_rules(
    engine_t* e, int64_t decision, int64_t k, const char* refused
) noexcept nogil:
    """The venue's rules on leg k."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const rule_t* rule = &e.guard.rules[leg.instrument]
    cdef const book_t* book = &e.books[leg.instrument]
    cdef int64_t price = book.ask if leg.side > 0 else book.bid
    cdef ql_i128 worth, after
    cdef int closes = 0, status = OK
    if leg.action == ACT_NEW and book.mid2 == 0:
        status = _row(e, decision, leg.instrument, RULE_NO_BOOK, 0, 0, e.ts_ns)
    if status == OK and rule.lot and leg.qty % rule.lot:
        status = _row(e, decision, leg.instrument, RULE_LOT, leg.qty, rule.lot, e.ts_ns)
    if leg.order_type == LIMIT_ORDER:
        price = leg.limit_price
        if status == OK and rule.tick and price % rule.tick:
            status = _row(e, decision, leg.instrument, RULE_TICK, price, rule.tick, e.ts_ns)
    # Without any price nothing can be said; such an order finds no book either.
    if status != OK or ql_cmp(rule.min_notional, _i128(0)) <= 0 or price <= 0:
        return status
    if notional(&e.accounts[leg.instrument], price, leg.qty, &worth):
        return OVERFLOW
    if ql_cmp(worth, rule.min_notional) >= 0:
        return OK
    if rule.closing_exempt:
        status = _exposure(e, k, refused, &after, &closes)
    if status != OK or closes:
        return status
    return _money_row(
        e, decision, leg.instrument, RULE_MIN_NOTIONAL, worth, rule.min_notional
    )


cdef int _check_limits(
    engine_t* e, int64_t decision, int64_t k, const char* refused
) noexcept nogil:
    """The desk's limits on leg k, but for the rate of orders."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const guard_t* g = &e.guard
    cdef const rule_t* rule = &g.rules[leg.instrument]
    cdef const book_t* book = &e.books[leg.instrument]
    cdef const account_t* a = &e.accounts[leg.instrument]
    cdef int64_t price, age
    cdef ql_i128 after, worth
    cdef int closes = 0, status = OK
    if g.max_book_age_ns:
        age = e.ts_ns - book.ts_ns if book.valid else -1
        if age < 0 or age > g.max_book_age_ns:
            status = _row(
                e, decision, leg.instrument, RULE_STALE_BOOK, age, g.max_book_age_ns, e.ts_ns
            )
    if status == OK and g.closes and g.stopped[a.currency]:
        status = lost(e, a.currency, &worth)
        return status if status != OK else loss_row(e, decision, leg.instrument, worth)
    if status != OK or leg_adds(e, leg) == 0 or not (rule.max_position or rule.has_max_notional or g.has_max_loss):
        return status
    status = _exposure(e, k, refused, &after, &closes)
    if status != OK or closes:
        return status
    if rule.max_position and ql_cmp(after, _i128(rule.max_position)) > 0:
        status = _row(
            e, decision, leg.instrument, RULE_MAX_POSITION, _shown(after), rule.max_position,
            e.ts_ns,
        )
    price = book.ask if leg.side > 0 else book.bid
    if leg.order_type == LIMIT_ORDER:
        price = leg.limit_price
    if status == OK and rule.has_max_notional and price > 0:
        if ql_mul(after, _i128(price), &worth) or ql_mul(worth, a.scale, &worth):
            return OVERFLOW
        if ql_cmp(worth, rule.max_notional) > 0:
            status = _money_row(
                e, decision, leg.instrument, RULE_MAX_NOTIONAL, worth, rule.max_notional
            )
    if status == OK and g.has_max_loss:
        status = lost(e, a.currency, &worth)
        if status == OK:
            if ql_cmp(worth, g.least_result) < 0:
                status = loss_row(e, decision, leg.instrument, worth)
    return status


cdef void _expire(rate_t* r, int64_t now) noexcept nogil:
    """Forget the orders that the window has left behind."""
    while r.n and now - r.times[r.head] >= r.window_ns:
        r.head += 1
        if r.head == r.limit:
            r.head = 0
        r.n -= 1


cdef int check_orders(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil:
    """Mark the legs that must not be sent (``refused``, n_legs bytes) and note why.

    Reads the legs from ``e.legs_out``; they were checked to be orders at all.
    """
    cdef guard_t* g = &e.guard
    cdef rate_t* r
    cdef Py_ssize_t rows
    cdef int64_t k, i, sent = 0
    cdef int status
    for k in range(n_legs):
        refused[k] = 0
    if g.rules == NULL:
        return OK
    for i in range(2):
        _expire(&g.rates[i], e.ts_ns)
    for k in range(n_legs):
        if e.legs_out[k].action == ACT_CANCEL:
            continue
        rows = g.rows.n
        status = _check_rules(e, decision, k, refused)
        if status == OK:
            status = _check_limits(e, decision, k, refused)
        for i in range(2):
            r = &g.rates[i]
            if status == OK and r.limit and r.n + sent >= r.limit:
                status = _row(
                    e, decision, e.legs_out[k].instrument, RULE_PER_SECOND + i, r.n + sent + 1,
                    r.limit, e.ts_ns,
                )
        if status != OK:
            return status
        refused[k] = g.rows.n != rows
        sent += not refused[k]
    if sent < n_legs and e.legs_out[0].bundle:
        sent = 0
        for k in range(n_legs):
            refused[k] = 1
    for i in range(2):
        r = &g.rates[i]
        if r.limit:
            for k in range(sent):
                r.times[(r.head + r.n) % r.limit] = e.ts_ns
                r.n += 1
    return OK


cdef int trim_rest(
    engine_t* e, int64_t decision, int64_t instrument, int64_t* excess, int64_t ts
) noexcept nogil:
    """Cut a trim down to whole lots; what stays is noted."""
    cdef int64_t lot, rest
    if e.guard.rules == NULL or e.guard.rules[instrument].lot == 0:
        return OK
    lot = e.guard.rules[instrument].lot
    rest = excess[0] % lot
    excess[0] -= rest
    if rest == 0:
        return OK
    return _row(e, decision, instrument, RULE_TRIM_REST, rest, lot, ts)
