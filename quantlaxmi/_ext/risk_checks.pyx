"""The venue's rules and the desk's limits, checked on a decision before its orders are sent.

A leg that breaks one leaves a row for each it breaks. A refused leg refuses its whole bundle. An
order closes when it is opposite to the position and, with all that is in flight or rests on its
side, no larger; limits on positions and losses let it pass. A change of an order is checked at its
new total and price; one that only takes quantity away passes those limits. Until it has arrived an
order counts as the largest it may become. A cancel is never refused and counts for nothing. What
the engine itself sends (trims, flattening) is not checked.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t, notional
from quantlaxmi._ext.borrow cimport accrued, is_borrowed
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.matching cimport book_age
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
    RULE_NO_BOOK = 11
    RULE_SHORT_SPOT = 12
    RULE_MARGIN_CALL = 14
    RULE_NOT_TRADABLE = 16


cdef inline ql_i128 _i128(int64_t value) noexcept nogil:
    return ql_mul64(value, 1)


cdef inline int64_t _shown(ql_i128 value) noexcept nogil:
    """A value as a row holds it: the nearest one there is."""
    if ql_fits64(value):
        return ql_to_i64(value)
    return NEVER if ql_cmp(value, ql_mul64(0, 0)) > 0 else LOWEST


cdef int risk_row(
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
    return risk_row(
        e, decision, instrument, rule, _shown(ql_divided(value, unit)),
        _shown(ql_divided(limit, unit)), e.ts_ns,
    )


# Seen from a leg's side: a position against it is negative.
cdef struct exposure_t:
    ql_i128 most  # position if all on its side filled and nothing on the other
    ql_i128 after  # the same once the leg has arrived: its order is then no more than it asks for
    int closes


cdef inline int _change(
    const engine_t* e, int64_t target, int64_t qty, bint again, ql_i128* same
) noexcept nogil:
    """Count a change of an order: first all are named, then each raises its order's total."""
    cdef order_state_t* order = <order_state_t*>e.states.data + target
    cdef int64_t before = order.most
    if not again:
        order.most = order.qty
    elif order.live and qty > before:
        order.most = qty
        return ql_add(same[0], _i128(qty - before), same)
    return 0


cdef int _exposure(
    const engine_t* e, int64_t k, const char* refused, exposure_t* x
) noexcept nogil:
    """Positions if all on leg k's side fills and nothing on the other; whether the leg closes.

    Of an order counts what is left of it, or of the largest total that a change in flight, or in a
    leg up to k, asks for: which of them arrive first, and after which fills, is not known.
    """
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const leg_out_t* other
    cdef const pending_t* q = <pending_t*>e.pending.data
    cdef const buffer_t* lane = &e.queues[2 * leg.instrument + (0 if leg.side > 0 else 1)]
    cdef const resting_t* r = <resting_t*>lane.data
    cdef const pending_t* owed = <pending_t*>e.owed.data
    cdef const order_state_t* own
    cdef int64_t held = e.accounts[leg.instrument].qty, filled = 0, asked
    cdef ql_i128 same = _i128(0)
    cdef Py_ssize_t i
    cdef int again
    for i in range(lane.n):
        if ql_add(same, _i128(r[i].left), &same):
            return OVERFLOW
        if leg.action == ACT_MODIFY and r[i].order.order == leg.target:
            filled = r[i].order.qty - r[i].left
    for i in range(e.owed.n):
        if owed[i].instrument == leg.instrument and owed[i].side == leg.side:
            if ql_add(same, _i128(owed[i].qty), &same):
                return OVERFLOW
    for again in range(2):
        for i in range(e.pending_head, e.pending.n):
            if q[i].instrument != leg.instrument or q[i].side != leg.side:
                continue
            if (
                (q[i].action == ACT_NEW or q[i].action == ACT_TRIM) and not again
                and ql_add(same, _i128(q[i].qty), &same)
            ):
                return OVERFLOW
            if q[i].action == ACT_MODIFY and _change(e, q[i].target, q[i].qty, again, &same):
                return OVERFLOW
        for i in range(k + 1):
            other = &e.legs_out[i]
            if other.instrument != leg.instrument or other.side != leg.side:
                continue
            if i < k and refused[i]:
                continue
            asked = other.qty - e.fee_part[i]  # of a net order what will be held
            if other.action == ACT_NEW and not again and ql_add(same, _i128(asked), &same):
                return OVERFLOW
            if other.action == ACT_MODIFY and _change(e, other.target, other.qty, again, &same):
                return OVERFLOW
    if ql_add(_i128(held * leg.side), same, &x.most):
        return OVERFLOW
    x.closes = held * leg.side < 0 and ql_cmp(x.most, _i128(0)) <= 0
    x.after = x.most
    if leg.action == ACT_MODIFY:
        own = <order_state_t*>e.states.data + leg.target
        asked = leg.qty if leg.qty > filled else filled
        if own.live and ql_sub(x.most, _i128(own.most - asked), &x.after):
            return OVERFLOW
    return OK


cdef int _takes_away(const engine_t* e, int64_t k, const char* refused) noexcept nogil:
    """Whether leg k is a change that raises no total and moves no price, whatever it finds."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const leg_out_t* other
    cdef const pending_t* q = <pending_t*>e.pending.data
    cdef const order_state_t* order
    cdef Py_ssize_t i
    if leg.action != ACT_MODIFY:
        return 0
    order = <order_state_t*>e.states.data + leg.target
    if not order.live:
        return 1  # the order has ended: nothing is changed
    if leg.limit_price != order.limit_price or leg.qty > order.qty:
        return 0
    for i in range(e.pending_head, e.pending.n):
        if q[i].action == ACT_MODIFY and q[i].target == leg.target:
            if leg.limit_price != q[i].limit_price or leg.qty > q[i].qty:
                return 0
    for i in range(k):
        other = &e.legs_out[i]
        if not refused[i] and other.action == ACT_MODIFY and other.target == leg.target:
            if leg.limit_price != other.limit_price or leg.qty > other.qty:
                return 0
    return 1


cdef int lost(const engine_t* e, int64_t currency, ql_i128* total) noexcept nogil:
    """Result so far, open positions at the mid, interest till now; at ledger exponent - 1."""
    cdef const account_t* a
    cdef ql_i128 part, interest, ten = _i128(10)
    cdef Py_ssize_t i
    total[0] = _i128(0)
    for i in range(e.n_instruments):
        a = &e.accounts[i]
        if a.currency != currency or e.positions[i].n_fills == 0:  # never traded: no result
            continue
        if accrued(e, i, e.ts_ns, &interest) != OK or ql_add(interest, a.borrow, &interest):
            return OVERFLOW
        if ql_sub(a.realized, a.fees, &part) or ql_add(part, a.funding, &part):
            return OVERFLOW
        if ql_sub(part, interest, &part):
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


cdef int margin_row(engine_t* e, int64_t decision, int64_t instrument) noexcept nogil:
    cdef const margin_t* m = &e.guard.margin
    return _money_row(
        e, decision, instrument, RULE_MARGIN_CALL, ql_divided(m.called_equity, _i128(10)),
        ql_divided(m.called_used, _i128(10)),
    )


cdef int _check_rules(
    engine_t* e, int64_t decision, int64_t k, const char* refused
) noexcept nogil:
    """The venue's rules on leg k."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const rule_t* rule = &e.guard.rules[leg.instrument]
    cdef const book_t* book = &e.books[leg.instrument]
    cdef int64_t price = book.ask if leg.side > 0 else book.bid
    cdef int64_t qty = leg.qty // e.legs_out[0].units  # every unit is of whole lots
    cdef ql_i128 worth
    cdef exposure_t x
    cdef int status = OK
    if rule.not_tradable:
        status = risk_row(e, decision, leg.instrument, RULE_NOT_TRADABLE, 0, 0, e.ts_ns)
    if status == OK and leg.action == ACT_NEW and book.mid2 == 0:
        status = risk_row(e, decision, leg.instrument, RULE_NO_BOOK, 0, 0, e.ts_ns)
    if status == OK and rule.lot and qty % rule.lot:
        status = risk_row(e, decision, leg.instrument, RULE_LOT, qty, rule.lot, e.ts_ns)
    if leg.order_type == LIMIT_ORDER:
        price = leg.limit_price
        if status == OK and rule.tick and price % rule.tick:
            status = risk_row(e, decision, leg.instrument, RULE_TICK, price, rule.tick, e.ts_ns)
    # Without any price nothing can be said; such an order finds no book either.
    if status != OK or ql_cmp(rule.min_notional, _i128(0)) <= 0 or price <= 0:
        return status
    worth = e.accounts[leg.instrument].scale
    if ql_cmp_wide(ql_mul64(price, leg.qty), worth, rule.min_notional, _i128(1)) >= 0:
        return OK
    if notional(&e.accounts[leg.instrument], price, leg.qty, &worth):
        return OVERFLOW
    if rule.closing_exempt:
        status = _exposure(e, k, refused, &x)
        if status != OK or x.closes:
            return status
    return _money_row(e, decision, leg.instrument, RULE_MIN_NOTIONAL, worth, rule.min_notional)


cdef inline bint _borrows(const engine_t* e, const leg_out_t* leg) noexcept nogil:
    """Whether it sells what would have to be borrowed, and may not be."""
    return e.guard.no_short and leg.side < 0 and is_borrowed(e, leg.instrument)


cdef int _check_exposed(
    engine_t* e, int64_t decision, const leg_out_t* leg, const exposure_t* x
) noexcept nogil:
    """The desk's limits on what would be held once a leg that does not close had arrived."""
    cdef const guard_t* g = &e.guard
    cdef const rule_t* rule = &g.rules[leg.instrument]
    cdef const book_t* book = &e.books[leg.instrument]
    cdef const account_t* a = &e.accounts[leg.instrument]
    cdef int64_t price
    cdef ql_i128 worth
    cdef int status = OK
    if _borrows(e, leg) and ql_cmp(x.most, _i128(0)) > 0:
        if ql_sub(_i128(0), x.most, &worth):
            return OVERFLOW
        status = risk_row(e, decision, leg.instrument, RULE_SHORT_SPOT, _shown(worth), 0, e.ts_ns)
    if status == OK and rule.max_position and ql_cmp(x.most, _i128(rule.max_position)) > 0:
        status = risk_row(
            e, decision, leg.instrument, RULE_MAX_POSITION, _shown(x.most), rule.max_position,
            e.ts_ns,
        )
    price = book.ask if leg.side > 0 else book.bid
    if leg.order_type == LIMIT_ORDER:
        price = leg.limit_price
    if status == OK and rule.has_max_notional and price > 0:
        if ql_mul(a.scale, _i128(price), &worth):
            return OVERFLOW
        if ql_cmp_wide(x.after, worth, rule.max_notional, _i128(1)) > 0:
            # No amount is too large to be refused.
            if ql_mul_div(x.after, worth, g.money_unit, QL_DOWN, &worth):
                worth = _i128(NEVER)
            status = risk_row(
                e, decision, leg.instrument, RULE_MAX_NOTIONAL, _shown(worth),
                _shown(ql_divided(rule.max_notional, g.money_unit)), e.ts_ns,
            )
    if status == OK and g.has_max_loss:
        status = lost(e, a.currency, &worth)
        if status == OK:
            if ql_cmp(worth, g.least_result) < 0:
                status = loss_row(e, decision, leg.instrument, worth)
    return status


cdef int _check_limits(
    engine_t* e, int64_t decision, int64_t k, const char* refused
) noexcept nogil:
    """The desk's limits on leg k, but for the rate of orders."""
    cdef const leg_out_t* leg = &e.legs_out[k]
    cdef const guard_t* g = &e.guard
    cdef const rule_t* rule = &g.rules[leg.instrument]
    cdef const account_t* a = &e.accounts[leg.instrument]
    cdef int64_t age
    cdef ql_i128 worth
    cdef exposure_t x
    cdef int status = OK
    if g.max_book_age_ns:
        age = book_age(&e.markets[leg.instrument], &e.books[leg.instrument], e.ts_ns)
        if age < 0 or age > g.max_book_age_ns:
            status = risk_row(
                e, decision, leg.instrument, RULE_STALE_BOOK, age, g.max_book_age_ns, e.ts_ns
            )
    if status == OK and g.watches and g.stopped[a.currency] == BY_MARGIN:
        return margin_row(e, decision, leg.instrument)
    if status == OK and g.watches and g.stopped[a.currency]:
        status = lost(e, a.currency, &worth)
        return status if status != OK else loss_row(e, decision, leg.instrument, worth)
    if status != OK or not (
        _borrows(e, leg) or rule.max_position or rule.has_max_notional or g.has_max_loss
    ):
        return status
    if _takes_away(e, k, refused):
        return OK
    status = _exposure(e, k, refused, &x)
    if status != OK or x.closes:
        return status
    return _check_exposed(e, decision, leg, &x)


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
    cdef int64_t rows, k, i, sent = 0
    cdef int status
    memset(refused, 0, n_legs)
    if g.rules == NULL:
        return OK
    e.tape.steps += n_legs * (e.n_resting + e.pending.n - e.pending_head)
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
                status = risk_row(
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
        for k in range(sent if r.limit else 0):
            r.times[(r.head + r.n) % r.limit] = e.ts_ns
            r.n += 1
    return OK
