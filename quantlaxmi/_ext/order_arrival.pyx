"""Orders and requests arrive: they take, rest, change a resting order, or come too late.

A market order takes from the displayed book and the rest is cancelled. A limit order takes what is
at its price or better; its rest is cancelled (immediate or cancel) or joins the queue. A post-only
order that would take is cancelled whole. Only resting orders can be modified or cancelled.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t, order_owing
from quantlaxmi._ext.closing cimport lot_of, whole_lots
from quantlaxmi._ext.contract_end cimport has_ended
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.impact cimport impact_rate, ql_impact_price
from quantlaxmi._ext.matching cimport *
from quantlaxmi._ext.order_events cimport book_fill, note_take, notify, order_row, request_row
from quantlaxmi._ext.resting cimport find, join, lane_of, leave
from quantlaxmi._ext.wide cimport *


cdef inline int _within(const pending_t* p, int64_t price) noexcept nogil:
    """Whether the order would trade at ``price``."""
    if p.order_type == MARKET_ORDER:
        return 1
    return price <= p.limit_price if p.side > 0 else price >= p.limit_price


cdef int take(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t* filled
) noexcept nogil:
    cdef ladder_t ladder
    cdef level_t level
    cdef report_t report
    cdef int64_t left = p.qty - filled[0], qty, price
    cdef int status
    cdef ql_i128 rate = ql_wide(0)
    if has_ended(e.tape, p.instrument, ts):
        return OK
    if e.impact != NULL and e.books[p.instrument].valid:
        if impact_rate(&e.impact[p.instrument], &e.books[p.instrument], p.side, left, &rate):
            return OVERFLOW
    ladder_open(
        &ladder, &e.markets[p.instrument], &e.takes[2 * p.instrument], &e.books[p.instrument], p.side
    )
    while left > 0 and ladder_next(&ladder, &level) and _within(p, level.price):
        qty = whole_lots(e, p.instrument, level.qty, left)
        if qty == 0:
            continue
        left -= qty
        filled[0] += qty
        if note_take(e, p.instrument, ladder.side, level.price, qty) != 0:
            return NO_MEMORY
        price = level.price
        if e.impact != NULL:
            if ql_impact_price(price, p.side, rate, &price):
                return OVERFLOW
            if not _within(p, price):
                price = p.limit_price
        report = report_t(
            qty, price, ts,
            flags | (FLAG_DEPTH if level.beyond_touch else 0)
            | (FLAG_AFTER_OWN if ladder.after_own else 0),
            left, WHY_FILLED,
        )
        status = book_fill(e, p, &report, TAKER_FEE)
        if status != OK:
            return status
    e.tape.steps += ladder.steps
    return OK


cdef int _end_short(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t filled, int reason
) noexcept nogil:
    """End an order of which something is left."""
    cdef int64_t left = p.qty - filled
    cdef int status
    e.ctx.in_flight -= 1
    e.positions[p.instrument].pending_qty -= p.side * left
    status = order_row(e, p, ORDER_UPDATE, PARTIAL if filled else CANCELLED, reason, filled, ts)
    if status != OK:
        return status
    return notify(e, p, ts, flags, left, reason)


cdef int finish_order(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t filled
) noexcept nogil:
    cdef int reason
    if filled == p.qty:
        e.ctx.in_flight -= 1
        return order_row(e, p, ORDER_UPDATE, FILLED, WHY_FILLED, filled, ts)
    if has_ended(e.tape, p.instrument, ts):
        reason = WHY_SETTLED
    elif not e.books[p.instrument].valid:
        reason = WHY_BOOK
    else:
        reason = WHY_SIZE if p.order_type == MARKET_ORDER else WHY_IMMEDIATE
    return _end_short(e, p, ts, flags, filled, reason)


cdef int _arrive_limit(engine_t* e, const pending_t* p, int64_t ts, int64_t* filled) noexcept nogil:
    """A limit order, or the rest of one that a change sent to the back."""
    cdef ladder_t ladder
    cdef level_t level
    cdef int status
    if p.time_in_force == POST_ONLY:
        ladder_open(
            &ladder, &e.markets[p.instrument], &e.takes[2 * p.instrument],
            &e.books[p.instrument], p.side,
        )
        if ladder_next(&ladder, &level) and _within(p, level.price):
            return _end_short(e, p, ts, 0, filled[0], WHY_WOULD_TAKE)
    else:
        status = take(e, p, ts, 0, filled)
        if status != OK or p.time_in_force == IOC or filled[0] == p.qty:
            return status if status != OK else finish_order(e, p, ts, 0, filled[0])
    status = join(e, p, p.qty - filled[0], ts)
    if status == OK:
        status = order_row(e, p, ORDER_UPDATE, RESTING, WHY_RESTS, filled[0], ts)
    if status == OK:
        status = notify(e, p, ts, 0, p.qty - filled[0], WHY_RESTS)
    return status


cdef int _change_row(
    engine_t* e, const pending_t* order, const pending_t* p, int status, int reason,
    int64_t filled, int64_t ts
) noexcept nogil:
    """The row of a request that was carried out, with the order as it now is."""
    cdef pending_t row = order[0]
    row.decision = p.decision
    row.leg = p.leg
    return order_row(
        e, &row, ORDER_MODIFY if p.action == ACT_MODIFY else ORDER_CANCEL, status, reason,
        filled, ts,
    )


cdef int _modify(
    engine_t* e, buffer_t* lane, Py_ssize_t i, const pending_t* p, int64_t ts
) noexcept nogil:
    cdef resting_t* r = <resting_t*>lane.data + i
    cdef order_state_t* state
    cdef pending_t order
    cdef int64_t filled = r.order.qty - r.left, left = p.qty - filled, in_flight
    cdef bint keeps = p.limit_price == r.order.limit_price and p.qty <= r.order.qty
    cdef int status
    if left < 0:
        left = 0
    if ql_add_i64(
        e.positions[p.instrument].pending_qty, p.side * (left - r.left), &in_flight
    ):
        return OVERFLOW
    e.positions[p.instrument].pending_qty = in_flight
    r.order.qty = filled + left
    r.order.limit_price = p.limit_price
    r.left = left
    order = r.order
    state = <order_state_t*>e.states.data + order.order
    state.qty = order.qty
    state.limit_price = order.limit_price
    if left == 0 or not keeps:
        leave(e, lane, i)
    if left and not keeps:
        # It arrives as a new order would: what fills from here on is this decision's.
        order.decision = p.decision
        order.leg = p.leg
    if left == 0:
        e.ctx.in_flight -= 1
        status = _change_row(e, &order, p, FILLED, WHY_MODIFIED, filled, ts)
    else:
        status = _change_row(e, &order, p, RESTING if keeps else PENDING, WHY_MODIFIED, filled, ts)
    if status == OK:
        status = notify(e, &order, ts, 0, left, WHY_MODIFIED)
    if status != OK or left == 0 or keeps:
        return status
    return _arrive_limit(e, &order, ts, &filled)


cdef int _request(engine_t* e, const pending_t* p, int64_t ts) noexcept nogil:
    cdef buffer_t* lane = lane_of(e, p.instrument, p.side)
    cdef Py_ssize_t i = find(lane, p.target)
    cdef pending_t order
    cdef int64_t left
    cdef int status
    if i < 0:
        order = p[0]
        order.order = p.target
        status = request_row(e, p, REJECTED, WHY_NOT_RESTING, ts)
        if status == OK:
            status = notify(e, &order, ts, 0, 0, WHY_NOT_RESTING)
        return status
    if p.action == ACT_MODIFY:
        return _modify(e, lane, i, p, ts)
    order = (<resting_t*>lane.data)[i].order
    left = (<resting_t*>lane.data)[i].left
    leave(e, lane, i)
    e.ctx.in_flight -= 1
    e.positions[p.instrument].pending_qty -= p.side * left
    status = _change_row(
        e, &order, p, PARTIAL if left < order.qty else CANCELLED, WHY_CANCELLED, order.qty - left,
        ts,
    )
    if status != OK:
        return status
    return notify(e, &order, ts, 0, left, WHY_CANCELLED)


cdef int arrive(engine_t* e, const pending_t* p, int64_t ts, int64_t* filled) noexcept nogil:
    cdef int status
    filled[0] = 0
    if p.action != ACT_NEW:
        return _request(e, p, ts)
    if p.order_type == LIMIT_ORDER and not has_ended(e.tape, p.instrument, ts):
        return _arrive_limit(e, p, ts, filled)
    status = take(e, p, ts, 0, filled)
    if status != OK:
        return status
    return finish_order(e, p, ts, 0, filled[0])


cdef int64_t _left_in_bar(const engine_t* e, const pending_t* p) noexcept nogil:
    """What the close displays, whole lots, less what legs before this one took of it."""
    cdef const order_t* o
    cdef const book_t* book = &e.books[p.instrument]
    cdef int64_t left = book.ask_qty if p.side > 0 else book.bid_qty
    cdef Py_ssize_t i = e.orders.n
    while i > 0:
        i -= 1
        o = <const order_t*>e.orders.data + i
        if o.decision != p.decision or o.seq != e.seq:
            break
        if o.instrument == p.instrument and o.side == p.side and o.time_in_force >= IN_BAR_STOP:
            left -= o.filled_qty
    return left - left % lot_of(e, p.instrument) if left > 0 else 0


cdef int64_t _limit_left(const engine_t* e, const pending_t* p, int64_t qty) noexcept nogil:
    """Of ``qty``, what the limit that the bar met just before left, after its fee in base."""
    cdef const order_t* o
    cdef const fill_t* f
    if p.leg == 0 or e.orders.n < 2:
        return qty
    # The last row is of this order's sending; before it is the end of the leg before.
    o = <const order_t*>e.orders.data + (e.orders.n - 2)
    if o.decision != p.decision or o.instrument != p.instrument or o.side != -p.side or (
        o.time_in_force != IN_BAR_LIMIT or o.leg != p.leg - 1
    ):
        return qty
    if o.filled_qty == 0:
        return 0
    f = <const fill_t*>e.fills.data + (e.fills.n - 1)
    return f.qty if f.qty < qty else qty


cdef int fill_in_bar(engine_t* e, const pending_t* p) noexcept nogil:
    cdef const account_t* a = &e.accounts[p.instrument]
    cdef int64_t held = -p.side * a.qty, qty = p.qty, price = p.limit_price
    cdef int64_t flags = FLAG_IN_BAR, in_flight, displayed
    cdef bint maker = p.time_in_force == IN_BAR_LIMIT or p.time_in_force == IN_BAR_TARGET
    cdef int kind = MAKER_FEE if maker else TAKER_FEE
    cdef ql_i128 rate = ql_wide(0)
    cdef report_t report
    cdef int status
    if p.time_in_force == IN_BAR_STOP_FIRST:
        flags |= FLAG_STOP_FIRST
    if maker:
        flags |= FLAG_MAKER
    if p.time_in_force != IN_BAR_LIMIT:
        # A buy that pays its fee in base takes that much more than is held, and ends flat.
        if p.side > 0 and held > 0 and a.in_base and (
            order_owing(a, held, a.base_lot, kind, &a.base_owed, &held)
        ):
            return OVERFLOW
        if qty > held:
            qty = held if held > 0 else 0
        qty = _limit_left(e, p, qty)
    if e.books[p.instrument].valid:
        displayed = _left_in_bar(e, p)
        if qty > displayed:
            qty = displayed
    e.ctx.in_flight += 1
    if ql_add_i64(e.positions[p.instrument].pending_qty, p.side * p.qty, &in_flight):
        return OVERFLOW
    e.positions[p.instrument].pending_qty = in_flight
    if qty and e.impact != NULL and not maker and e.books[p.instrument].valid:
        if impact_rate(&e.impact[p.instrument], &e.books[p.instrument], p.side, qty, &rate):
            return OVERFLOW
        if ql_impact_price(price, p.side, rate, &price):
            return OVERFLOW
    if qty:
        report = report_t(qty, price, e.ts_ns, flags, p.qty - qty, WHY_FILLED)
        status = book_fill(e, p, &report, kind)
        if status != OK:
            return status
    return finish_order(e, p, e.ts_ns, flags, qty)
