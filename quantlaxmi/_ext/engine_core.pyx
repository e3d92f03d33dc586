"""Market messages change books and clocks, and the strategy is asked after each.

Order of things at a message with receive time ``ts``: what is due before ``ts`` happens; the message
changes the book; features follow; the strategy is asked; its orders are sent.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.bundles cimport send_owed
from quantlaxmi._ext.decision_record cimport record_decision
from quantlaxmi._ext.depth_book cimport depth_apply, depth_row_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.execution cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.latency_news cimport show
from quantlaxmi._ext.loss_close cimport watch_losses
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.own_takes cimport takes_seen
from quantlaxmi._ext.resting cimport resting_book, resting_trade
from quantlaxmi._ext.venue_clock cimport clock_sees
from quantlaxmi._ext.wide cimport *

cdef enum:
    KIND_TRADE = 1  # schema.EventKind
    KIND_DEPTH = 2
    KIND_QUOTE = 3
    KIND_FUNDING = 4
    LAST = 1  # schema.DepthFlag
    QUIET = 1  # schema.QuoteFlag

cdef extern from *:
    """
    /* Later stamps leave no room for the largest latency (latency.MAX_LATENCY_NS: ten years), twice:
       an entry may be that late, and its answer too. */
    #define QL_MAX_TS (INT64_MAX - 2 * 3653LL * 86400000000000LL)
    """
    const int64_t QL_MAX_TS


cdef inline int _ask_strategy(engine_t* e, int64_t kind, bint quiet=False) noexcept nogil:
    """Features, then the strategy unless the message is quiet, after the book holds the message."""
    cdef Py_ssize_t k
    cdef int64_t n
    cdef int status
    if e.guard.watches:
        status = watch_losses(e)
        if status != OK:
            return status
    for k in range(e.n_features):
        if e.calls[k].fn(e.event, e.books, e.calls[k].args, &e.features[k]) != 0:
            return OVERFLOW
    e.ctx.message += 1
    if quiet or not (e.event_mask >> kind) & 1:
        return OK
    e.ctx.now_ns = e.ts_ns
    if e.lagging:
        show(e, e.ts_ns)
    n = e.step(
        e.seen_ctx, e.event, e.books, e.seen_positions, e.features, e.state, e.params, e.legs_out
    )
    if n == 0:
        return OK
    if n < 0:
        e.detail = n
        return STRATEGY_FAILED
    return record_decision(e, n)


cdef int _refuse(engine_t* e, const columns_t* t, int status) noexcept nogil:
    """Fail at the message at hand, so that the error names it and not the one before."""
    e.seq = t.seq[t.at]
    return status


cdef inline int _begin(engine_t* e, const columns_t* t, int kind) noexcept nogil:
    """Checks and clock shared by all messages; fills the event's head."""
    cdef Py_ssize_t i = t.at
    cdef int64_t ts = t.ts[i]
    cdef int status
    if t.instrument[i] < 0 or t.instrument[i] >= e.n_instruments:
        return _refuse(e, t, BAD_ROW)
    if ts < e.ts_ns:
        return _refuse(e, t, TIME_REVERSED)
    # Not between the rows of one message, though its stamps may show that something was due.
    if ts > e.due_ns and t.seq[i] != e.seq:
        status = advance(e, ts)
        if status != OK:
            return status
    e.ts_ns = ts
    e.seq = t.seq[i]
    e.event.kind = kind
    e.event.instrument = t.instrument[i]
    e.event.seq = t.seq[i]
    e.event.ts_ns = ts
    e.event.exch_ts_ns = t.exch[i]
    # Funding is due by the venue's clock, which is now known better.
    if clock_sees(&e.clocks[t.instrument[i]], ts, t.exch[i]):
        refresh_due(e)
    return OK


cdef inline int _set_top(
    engine_t* e, Py_ssize_t k, int64_t bid, int64_t bid_qty, int64_t ask, int64_t ask_qty
) noexcept nogil:
    cdef book_t* b = &e.books[k]
    if bid > 0 and bid < ask:
        if ask > QL_MAX_PRICE:
            return OVERFLOW
        b.valid = bid_qty > 0 and ask_qty > 0
    else:
        if bid > QL_MAX_PRICE or bid < -QL_MAX_PRICE or ask > QL_MAX_PRICE or ask < -QL_MAX_PRICE:
            return OVERFLOW
        b.valid = 0
    b.bid = bid
    b.bid_qty = bid_qty
    b.ask = ask
    b.ask_qty = ask_qty
    b.ts_ns = e.event.ts_ns
    b.exch_ts_ns = e.event.exch_ts_ns
    b.seq = e.event.seq
    return OK


cdef inline void _top_stands(engine_t* e, Py_ssize_t k) noexcept nogil:
    """What follows from a top that was set: the mid for marking, and own takes it shows gone."""
    cdef book_t* b = &e.books[k]
    cdef market_t* m = &e.markets[k]
    if not b.valid:
        return
    b.mid2 = b.bid + b.ask
    if m.takes[0].n or m.takes[1].n:
        takes_seen(&m.takes[0], b, &m.depth, m.shift, False)


cdef int _shift_top(engine_t* e, Py_ssize_t k, int64_t shift) noexcept nogil:
    """Move the recorded top just set, and what follows of this instrument; validity stays."""
    cdef book_t* b = &e.books[k]
    # Prices are within a tenth of int64 too, so sums fit.
    if shift > QL_MAX_PRICE or shift < -QL_MAX_PRICE:
        return OVERFLOW
    e.markets[k].shift = shift
    # 0 or less says that a side is absent.
    if b.bid > 0:
        b.bid += shift
    if b.ask > 0:
        b.ask += shift
    if b.bid > QL_MAX_PRICE or b.ask > QL_MAX_PRICE:
        return OVERFLOW
    if b.bid < -QL_MAX_PRICE or b.ask < -QL_MAX_PRICE:
        return OVERFLOW
    return OK


cdef inline int _quote(engine_t* e, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at
    cdef int status = _begin(e, t, KIND_QUOTE)
    if status != OK:
        return status
    # From the first quote on, quotes are the top of this book; until then its depth is.
    e.markets[t.instrument[i]].has_quotes = 1
    status = _set_top(e, t.instrument[i], t.c[0][i], t.c[1][i], t.c[2][i], t.c[3][i])
    if t.shift != NULL and status == OK:
        status = _shift_top(e, t.instrument[i], t.shift[i])
    if status != OK:
        return status
    _top_stands(e, t.instrument[i])
    if e.n_resting:
        status = resting_book(e, t.instrument[i])
        if status != OK:
            return status
    if e.owed.n:
        status = send_owed(e, t.instrument[i])
        if status != OK:
            return status
    t.at += 1
    return _ask_strategy(e, KIND_QUOTE, t.flags[i] & QUIET)


cdef int _trade(engine_t* e, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at
    cdef int status = _begin(e, t, KIND_TRADE)
    if status != OK:
        return status
    e.event.price = t.c[0][i] + e.markets[t.instrument[i]].shift
    e.event.qty = t.c[1][i]
    e.event.side = t.side[i]
    e.books[t.instrument[i]].last_price = e.event.price
    e.books[t.instrument[i]].last_qty = t.c[1][i]
    t.at += 1
    if e.n_resting:
        status = resting_trade(e, t.instrument[i], e.event.price, t.c[1][i], t.side[i])
        if status != OK:
            return status
    return _ask_strategy(e, KIND_TRADE)


cdef int _depth(engine_t* e, columns_t* t) noexcept nogil:
    """One row of a depth message; the strategy is asked at its last row."""
    cdef Py_ssize_t i = t.at
    cdef Py_ssize_t k
    cdef depth_row_t row
    cdef market_t* m
    cdef int status = _begin(e, t, KIND_DEPTH)
    if status != OK:
        return status
    k = t.instrument[i]
    m = &e.markets[k]
    row.first_id = t.c[0][i]
    row.last_id = t.c[1][i]
    row.prev_id = t.c[2][i]
    row.side = t.side[i]
    row.price = t.c[3][i]
    row.qty = t.c[4][i]
    row.flags = t.flags[i]
    if depth_apply(&m.depth, &row) != 0:
        return NO_MEMORY
    t.at += 1
    if not row.flags & LAST:
        return OK
    e.event.flags = row.flags
    e.books[k].depth_valid = m.depth.valid
    if not m.has_quotes:
        if m.depth.valid and m.depth.n[0] and m.depth.n[1]:
            status = _set_top(
                e, k,
                m.depth.levels[0][m.depth.n[0] - 1].price, m.depth.levels[0][m.depth.n[0] - 1].qty,
                m.depth.levels[1][m.depth.n[1] - 1].price, m.depth.levels[1][m.depth.n[1] - 1].qty,
            )
            if t.shift != NULL and status == OK:
                status = _shift_top(e, k, t.shift[i])
            if status != OK:
                return status
            _top_stands(e, k)
        else:
            # The last prices stay; nobody may trade on them.
            e.books[k].valid = 0
    if e.books[k].valid and (m.takes[0].n or m.takes[1].n):
        takes_seen(&m.takes[0], &e.books[k], &m.depth, m.shift, True)
    if e.n_resting:
        status = resting_book(e, k)
        if status != OK:
            return status
    if e.owed.n:
        status = send_owed(e, k)
        if status != OK:
            return status
    return _ask_strategy(e, KIND_DEPTH)


cdef int _funding(engine_t* e, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at
    cdef Py_ssize_t k
    cdef funding_due_t* due
    cdef int status = _begin(e, t, KIND_FUNDING)
    if status != OK:
        return status
    k = t.instrument[i]
    due = &e.dues[k]
    # A later settlement is announced while one is open: that one is over, whatever the clock says.
    if due.at != NEVER and t.c[3][i] > due.at:
        status = settle_funding(e, k, e.ts_ns)
        if status != OK:
            return status
    # 0: the data has no mark.
    due.mark = t.c[0][i] + e.markets[k].shift if t.c[0][i] else 0
    due.rate = t.c[2][i]
    # 0: the venue announces no settlement.
    if t.c[3][i] > 0 and t.c[3][i] > due.settled:
        due.at = t.c[3][i]
    refresh_due(e)
    e.event.price = t.c[1][i]
    e.books[k].mark = due.mark
    e.books[k].funding_rate = t.c[2][i]
    e.books[k].next_funding_ns = t.c[3][i]
    t.at += 1
    return _ask_strategy(e, KIND_FUNDING)


cdef inline int _late(engine_t* e, const columns_t* t) noexcept nogil:
    """Whether the table's stamps, which ascend, end where arrivals would leave 64 bits."""
    if t.at < t.n and t.ts[t.n - 1] > QL_MAX_TS:
        e.seq = t.seq[t.n - 1]
        return 1
    return 0


cdef int64_t engine_run(
    engine_t* e, columns_t* quotes, columns_t* depth, columns_t* trades, columns_t* funding,
    int64_t limit,
) noexcept nogil:
    """Merge the tables by seq until they end or ``limit`` rows were read; status."""
    cdef int64_t other, dq, dd, dt, df, done = 0
    cdef int status = OK
    if _late(e, quotes) or _late(e, depth) or _late(e, trades) or _late(e, funding):
        return OVERFLOW
    while done < limit:
        dd = depth.seq[depth.at] if depth.at < depth.n else NEVER
        dt = trades.seq[trades.at] if trades.at < trades.n else NEVER
        df = funding.seq[funding.at] if funding.at < funding.n else NEVER
        other = dd if dd < dt else dt
        other = df if df < other else other
        while quotes.at < quotes.n and quotes.seq[quotes.at] < other and done < limit:
            status = _quote(e, quotes)
            if status != OK:
                return status
            done += 1
        if other == NEVER or done == limit:
            if quotes.at < quotes.n:
                continue
            if other == NEVER:
                return OK
            continue
        if other == dd:
            status = _depth(e, depth)
        elif other == dt:
            status = _trade(e, trades)
        else:
            status = _funding(e, funding)
        if status != OK:
            return status
        done += 1
    return OK
