"""Resting orders: their place in the queue, and their fills by market messages.

The queue is told conservatively. An order joins behind all that is displayed at its price, and is
never behind more than is displayed there later; trades at the price, by the opposite aggressor,
take from what is ahead first and fill it with what they have left. A trade beyond the price would
not have happened before the order was filled: it fills it whole. An opposite touch at or beyond the
price fills up to the size seen. One trade's quantity and one displayed size are given out once, by
price, then by age. Fills are at the order's own price, as maker, in whole lots.

A trade that was over by the venue's clock when an order arrived does nothing for that order,
although it was received later (venue_clock.pxd).

Where the size at a price is not displayed the place is UNKNOWN: only a trade beyond it or the
opposite touch fills, until the size is displayed, behind which the order then stands.
"""
from libc.stdint cimport int64_t
from libc.string cimport memmove

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.closing cimport whole_lots
from quantlaxmi._ext.depth_levels cimport (
    depth_ends, depth_known, depth_now_t, depth_size, depth_stands, worse
)
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.matching cimport *
from quantlaxmi._ext.order_events cimport note_take
from quantlaxmi._ext.order_events cimport book_fill, notify, order_row
from quantlaxmi._ext.venue_clock cimport met_t, stamp_counts, venue_time
from quantlaxmi._ext.wide cimport *


cdef Py_ssize_t find(const buffer_t* lane, int64_t order) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(lane.n):
        if (<resting_t*>lane.data)[i].order.order == order:
            return i
    return -1


cdef int64_t _displayed(
    const engine_t* e, Py_ssize_t k, int64_t side, int64_t price
) noexcept nogil:
    """Size displayed on ``side`` at ``price``; UNKNOWN where the data does not show it."""
    cdef const book_t* b = &e.books[k]
    cdef const depth_now_t* d = &e.markets[k].depth
    cdef int own = 0 if side > 0 else 1
    cdef int64_t touch = b.bid if side > 0 else b.ask, best, worst, size
    if not b.valid:
        return UNKNOWN
    if price == touch:
        return b.bid_qty if side > 0 else b.ask_qty
    if (price > touch) if side > 0 else (price < touch):
        return 0
    if not depth_stands(d) or not depth_ends(d, own, &best, &worst):
        return UNKNOWN
    price -= e.markets[k].shift
    # Nothing is known between a touch that is fresher than the depth and the depth's own best.
    if worse(own, best, price):
        return UNKNOWN
    size = depth_size(d, own, price)
    # Beyond the snapshot's levels only those are known that changed since.
    return UNKNOWN if size == 0 and worse(own, price, depth_known(d, own)) else size


cdef int join(engine_t* e, const pending_t* p, int64_t left, int64_t ts) noexcept nogil:
    cdef buffer_t* lane = &e.queues[2 * p.instrument + (0 if p.side > 0 else 1)]
    cdef resting_t* r
    cdef Py_ssize_t i
    if push(lane) == NULL:
        return NO_MEMORY
    r = <resting_t*>lane.data
    i = lane.n - 1
    while i > 0 and (
        r[i - 1].order.limit_price < p.limit_price if p.side > 0
        else r[i - 1].order.limit_price > p.limit_price
    ):
        r[i] = r[i - 1]
        i -= 1
    r[i].order = p[0]
    e.tape.steps += lane.n - i
    r[i].left = left
    r[i].shown = _displayed(e, p.instrument, p.side, p.limit_price)
    r[i].ahead = r[i].shown
    r[i].traded = 0
    r[i].since = -NEVER if e.trades_by_receipt else venue_time(&e.clocks[p.instrument], ts)
    # Never before an older order of ours at the same price.
    if i > 0 and r[i - 1].order.limit_price == p.limit_price and r[i].ahead != UNKNOWN:
        if r[i - 1].ahead == UNKNOWN or r[i - 1].ahead > r[i].ahead:
            r[i].ahead = r[i - 1].ahead
    if i > 0 and r[i - 1].order.limit_price == p.limit_price and r[i - 1].since > r[i].since:
        r[i].since = r[i - 1].since
    e.n_resting += 1
    return OK


cdef void leave(engine_t* e, buffer_t* lane, Py_ssize_t i) noexcept nogil:
    cdef resting_t* r = <resting_t*>lane.data
    lane.n -= 1
    memmove(&r[i], &r[i + 1], (lane.n - i) * sizeof(resting_t))
    e.n_resting -= 1


cdef int _fill(engine_t* e, buffer_t* lane, Py_ssize_t i, int64_t qty) noexcept nogil:
    """Fill ``qty`` of the order at its price; it leaves the lane when it is filled whole."""
    cdef resting_t* r = <resting_t*>lane.data + i
    cdef pending_t order = r.order
    cdef report_t report
    cdef int64_t left = r.left - qty
    cdef int status
    r.left = left
    if left == 0:
        leave(e, lane, i)
    report = report_t(qty, order.limit_price, e.ts_ns, FLAG_MAKER, left, WHY_FILLED)
    status = book_fill(e, &order, &report, MAKER_FEE)
    if status != OK:
        return status
    if left == 0:
        e.ctx.in_flight -= 1
    return order_row(
        e, &order, ORDER_UPDATE, RESTING if left else FILLED, WHY_FILLED, order.qty - left, e.ts_ns
    )


cdef inline bint _was_over(engine_t* e, Py_ssize_t k, const resting_t* r) noexcept nogil:
    """Whether the trade at hand was made before the order arrived; counts both."""
    cdef met_t* c = &e.met[k]
    cdef int64_t apart = 0
    c.n_met += 1
    if e.event.exch_ts_ns > r.since or not stamp_counts(e.ts_ns, e.event.exch_ts_ns, &apart):
        return False
    c.n_over += 1
    return True


cdef int _trade_side(
    engine_t* e, Py_ssize_t k, int64_t side, int64_t price, int64_t qty, bint hits, int64_t* pool
) noexcept nogil:
    """One side's orders meet a trade; ``pool`` is what of it is not given out."""
    cdef buffer_t* lane = &e.queues[2 * k + (0 if side > 0 else 1)]
    cdef resting_t* r
    cdef int64_t own, used, fill, left
    cdef Py_ssize_t i = 0
    cdef bint beyond
    cdef int status
    while i < lane.n:
        r = <resting_t*>lane.data + i
        own = r.order.limit_price
        beyond = (price < own) if side > 0 else (price > own)
        if not beyond and not (price == own and hits):
            return OK
        if _was_over(e, k, r):
            i += 1
            continue
        if beyond:
            r.ahead = 0
            fill = r.left
        else:
            if ql_add_i64(r.traded, qty, &r.traded):
                r.traded = NEVER  # more than was ever displayed
            if r.ahead == UNKNOWN:
                i += 1
                continue
            used = r.ahead if r.ahead < pool[0] else pool[0]
            r.ahead -= used
            fill = whole_lots(e, k, pool[0] - used, r.left)
        if fill == 0:
            i += 1
            continue
        # What it takes is not there for others at the trade's price.
        pool[0] = pool[0] - fill if fill < pool[0] else 0
        left = r.left - fill
        status = _fill(e, lane, i, fill)
        if status != OK:
            return status
        i += left > 0
    return OK


cdef int resting_trade(
    engine_t* e, Py_ssize_t k, int64_t price, int64_t qty, int64_t aggressor
) noexcept nogil:
    cdef int64_t pool = qty
    cdef int64_t side = -1 if aggressor == 1 else 1
    cdef int status
    if qty <= 0:
        return OK
    status = _trade_side(e, k, side, price, qty, aggressor == -side, &pool)
    if status == OK:
        status = _trade_side(e, k, -side, price, qty, False, &pool)
    return status


cdef void _requeue(engine_t* e, Py_ssize_t k, int64_t side) noexcept nogil:
    """Places in the queue after the book has changed."""
    cdef buffer_t* lane = &e.queues[2 * k + (0 if side > 0 else 1)]
    cdef resting_t* r
    cdef resting_t* older
    cdef int64_t shown, before, fewer, price
    cdef Py_ssize_t i
    for i in range(lane.n):
        r = <resting_t*>lane.data + i
        price = r.order.limit_price
        shown = _displayed(e, k, side, price)
        if e.pro_rata and r.ahead != UNKNOWN and shown != UNKNOWN and r.shown != UNKNOWN:
            before = r.shown - r.traded
            fewer = before - shown
            if before > 0 and fewer > 0:
                # Not negative, so truncation is floor; at most ahead, for fewer <= before.
                r.ahead -= ql_muldiv(fewer, r.ahead, before)
        if shown != UNKNOWN and (r.ahead == UNKNOWN or r.ahead > shown):
            r.ahead = shown
        r.shown = shown
        r.traded = 0
        if i > 0 and r.ahead != UNKNOWN:
            older = r - 1
            if older.order.limit_price == price and older.ahead > r.ahead:
                r.ahead = older.ahead


cdef int64_t _up_to(
    engine_t* e, const pending_t* p, int64_t most, bint taken
) noexcept nogil:
    """Size of the other side at the order's price or better, at most ``most``; less: no memory.

    With ``taken`` it is noted as taken.
    """
    cdef ladder_t ladder
    cdef level_t level
    cdef int64_t found = 0, qty
    cdef Py_ssize_t k = p.instrument
    ladder_open(&ladder, &e.markets[k], &e.takes[2 * k], &e.books[k], p.side)
    while found < most and ladder_next(&ladder, &level):
        if (level.price > p.limit_price) if p.side > 0 else (level.price < p.limit_price):
            break
        qty = level.qty if level.qty < most - found else most - found
        if taken and note_take(e, k, ladder.side, level.price, qty) != 0:
            break
        found += qty
    e.tape.steps += ladder.steps
    return found


cdef int _cross_side(engine_t* e, Py_ssize_t k, int64_t side) noexcept nogil:
    """Fill orders that the opposite touch has reached, from the size it displays."""
    cdef buffer_t* lane = &e.queues[2 * k + (0 if side > 0 else 1)]
    cdef resting_t* r
    cdef int64_t own, left, fill
    cdef Py_ssize_t i = 0
    cdef int status
    while i < lane.n:
        r = <resting_t*>lane.data + i
        own = r.order.limit_price
        if (e.books[k].ask > own) if side > 0 else (e.books[k].bid < own):
            return OK
        fill = whole_lots(e, k, _up_to(e, &r.order, r.left, False), r.left)
        if fill == 0:
            i += 1
            continue
        if _up_to(e, &r.order, fill, True) != fill:
            return NO_MEMORY
        left = r.left - fill
        status = _fill(e, lane, i, fill)
        if status != OK:
            return status
        i += left > 0
    return OK


cdef int resting_book(engine_t* e, Py_ssize_t k) noexcept nogil:
    cdef int status
    if not e.books[k].valid or e.queues[2 * k].n + e.queues[2 * k + 1].n == 0:
        return OK
    _requeue(e, k, 1)
    _requeue(e, k, -1)
    status = _cross_side(e, k, 1)
    if status == OK:
        status = _cross_side(e, k, -1)
    return status


cdef int cancel_resting(engine_t* e, Py_ssize_t k, int64_t ts, int reason) noexcept nogil:
    cdef buffer_t* lane
    cdef pending_t order
    cdef int64_t left
    cdef Py_ssize_t i, n
    cdef int side, status
    for side in range(2):
        lane = &e.queues[2 * k + side]
        # Nothing joins while they leave. One at a time, those behind it would move up each time.
        n, lane.n = lane.n, 0
        for i in range(n):
            order = (<resting_t*>lane.data)[i].order
            left = (<resting_t*>lane.data)[i].left
            e.n_resting -= 1
            e.ctx.in_flight -= 1
            e.positions[k].pending_qty -= order.side * left
            status = order_row(
                e, &order, ORDER_UPDATE, PARTIAL if left < order.qty else CANCELLED, reason,
                order.qty - left, ts,
            )
            if status == OK:
                status = notify(e, &order, ts, 0, left, reason)
            if status != OK:
                return status
    return OK


cdef int end_resting(engine_t* e) noexcept nogil:
    cdef buffer_t* lane
    cdef resting_t* r
    cdef Py_ssize_t i, k
    cdef int status
    for k in range(2 * e.n_instruments):
        lane = &e.queues[k]
        for i in range(lane.n):
            r = <resting_t*>lane.data + i
            e.ctx.in_flight -= 1
            e.positions[r.order.instrument].pending_qty -= r.order.side * r.left
            status = order_row(
                e, &r.order, ORDER_UPDATE, PARTIAL if r.left < r.order.qty else CANCELLED,
                WHY_END, r.order.qty - r.left, e.ts_ns,
            )
            if status != OK:
                return status
        lane.n = 0
    e.n_resting = 0
    return OK
