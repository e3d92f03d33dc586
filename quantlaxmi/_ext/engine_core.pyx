"""Market messages change books and clocks, and the strategy is asked after each.

Order of things at a message with receive time ``ts``: what is due before ``ts`` happens; the message
changes the book; features follow; the strategy is asked; its orders are sent.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.asking cimport ask_awake, lane_answers
from quantlaxmi._ext.chain_rows cimport chain_rows, lanes_see_snapshot
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.depth_book cimport depth_apply, depth_row_t
from quantlaxmi._ext.depth_levels cimport depth_ends, depth_now_t, depth_size, depth_stands
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.latency_news cimport show
from quantlaxmi._ext.market_feed cimport feed_t
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.quote_run cimport next_before, quote_run
from quantlaxmi._ext.signals cimport hear_after
from quantlaxmi._ext.sleep cimport all_sleep
from quantlaxmi._ext.tape cimport *
from quantlaxmi._ext.venue_clock cimport clock_sees
from quantlaxmi._ext.wide cimport *

cdef enum:
    KIND_TRADE = 1  # schema.EventKind
    KIND_DEPTH = 2
    KIND_QUOTE = 3
    KIND_FUNDING = 4
    KIND_CHAIN = 5
    KIND_SETTLEMENT = 6
    LAST = 1  # schema.DepthFlag
    QUIET = 1  # schema.QuoteFlag

cdef extern from *:
    """
    /* Later stamps leave no room for the largest latency (latency.MAX_LATENCY_NS: ten years), twice:
       an entry may be that late, and its answer too. */
    #define QL_MAX_TS (INT64_MAX - 2 * 3653LL * 86400000000000LL)
    """
    const int64_t QL_MAX_TS


cdef inline int _ask_strategies(tape_t* m, int64_t kind, bint quiet=False) noexcept nogil:
    """Features, then every strategy unless the message is quiet, after the book holds the message."""
    cdef engine_t* e
    cdef int64_t k, n
    cdef int status
    if m.watches:
        status = lanes_watch(m)
        if status != OK:
            return status
    for k in range(m.n_features):
        if m.calls[k].fn(m.event, m.books, m.calls[k].args, &m.features[k]) != 0:
            return OVERFLOW
    m.message += 1
    if quiet or not (m.event_mask >> kind) & 1:
        return OK
    if m.sleep != NULL:
        return OK if all_sleep(m) else ask_awake(m)
    for k in range(m.n_lanes):
        e = m.lanes[k]
        if e.failed:
            continue
        e.ctx.now_ns = m.ts_ns
        e.ctx.message = m.message
        if e.lagging:
            show(e, m.ts_ns)
        n = e.step(
            e.seen_ctx, m.event, m.books, e.seen_positions, m.features, e.state, e.params,
            e.legs_out,
        )
        if n != 0:
            status = lane_answers(m, e, n)
            if status != OK:
                return status
    return OK


cdef int _refuse(tape_t* m, const columns_t* t, int status) noexcept nogil:
    """Fail at the message at hand, so that the error names it and not the one before."""
    m.seq = t.seq[t.at]
    return status


cdef inline int _begin(tape_t* m, const columns_t* t, int kind) noexcept nogil:
    """Checks and clock shared by all messages; fills the event's head."""
    cdef Py_ssize_t i = t.at
    cdef int64_t ts = t.ts[i]
    cdef int status
    if t.instrument[i] < 0 or t.instrument[i] >= m.n_instruments:
        return _refuse(m, t, BAD_ROW)
    if ts < m.ts_ns:
        return _refuse(m, t, TIME_REVERSED)
    # Not between the rows of one message, though its stamps may show that something was due.
    if ts > m.due_ns and t.seq[i] != m.seq:
        status = advance(m, ts)
        if status != OK:
            return status
    m.ts_ns = ts
    m.seq = t.seq[i]
    m.event.kind = kind
    m.event.instrument = t.instrument[i]
    m.event.seq = t.seq[i]
    m.event.ts_ns = ts
    m.event.exch_ts_ns = t.exch[i]
    # Funding is due by the venue's clock, which is now known better.
    if clock_sees(&m.clocks[t.instrument[i]], ts, t.exch[i]):
        refresh_tape(m)
    return OK


cdef inline int _set_top(
    tape_t* m, Py_ssize_t k, int64_t bid, int64_t bid_qty, int64_t ask, int64_t ask_qty
) noexcept nogil:
    cdef book_t* b = &m.books[k]
    if m.n_closed and m.contracts[k].closed:
        return OK
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
    b.ts_ns = m.event.ts_ns
    b.exch_ts_ns = m.event.exch_ts_ns
    b.seq = m.event.seq
    return OK


cdef inline void _top_stands(tape_t* m, Py_ssize_t k) noexcept nogil:
    """The mid for marking follows from a top that was set."""
    cdef book_t* b = &m.books[k]
    if b.valid:
        b.mid2 = b.bid + b.ask


cdef int _shift_top(tape_t* m, Py_ssize_t k, int64_t shift) noexcept nogil:
    """Move the recorded top just set, and what follows of this instrument; validity stays."""
    cdef book_t* b = &m.books[k]
    # Prices are within a tenth of int64 too, so sums fit.
    if shift > QL_MAX_PRICE or shift < -QL_MAX_PRICE:
        return OVERFLOW
    m.markets[k].shift = shift
    if m.n_closed and m.contracts[k].closed:
        return OK
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


cdef inline int _quote(tape_t* m, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at
    cdef int status = _begin(m, t, KIND_QUOTE)
    if status != OK:
        return status
    # From the first quote on, quotes are the top of this book; until then its depth is.
    m.markets[t.instrument[i]].has_quotes = 1
    status = _set_top(m, t.instrument[i], t.c[0][i], t.c[1][i], t.c[2][i], t.c[3][i])
    if t.shift != NULL and status == OK:
        status = _shift_top(m, t.instrument[i], t.shift[i])
    if status != OK:
        return status
    _top_stands(m, t.instrument[i])
    if m.busy:
        status = lanes_see_book(m, t.instrument[i], False)
        if status != OK:
            return status
    t.at += 1
    return _ask_strategies(m, KIND_QUOTE, t.flags[i] & QUIET)


cdef int _trade(tape_t* m, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at
    cdef int status = _begin(m, t, KIND_TRADE)
    if status != OK:
        return status
    m.event.price = t.c[0][i] + m.markets[t.instrument[i]].shift
    m.event.qty = t.c[1][i]
    m.event.side = t.side[i]
    m.books[t.instrument[i]].last_price = m.event.price
    m.books[t.instrument[i]].last_qty = t.c[1][i]
    t.at += 1
    if m.busy:
        status = lanes_see_trade(m, t.instrument[i], m.event.price, t.c[1][i], t.side[i])
        if status != OK:
            return status
    return _ask_strategies(m, KIND_TRADE)


cdef int _depth(tape_t* m, columns_t* t) noexcept nogil:
    """One row of a depth message; the strategy is asked at its last row."""
    cdef Py_ssize_t i = t.at
    cdef depth_row_t row
    cdef depth_now_t* d
    cdef const int64_t* shift = NULL
    cdef int status = _begin(m, t, KIND_DEPTH)
    if status != OK:
        return status
    d = &m.markets[t.instrument[i]].depth
    t.at += 1
    if t.index != NULL:
        d.sides = t.index.sides + 2 * t.instrument[i]
        d.state = t.index.states + i
        d.message = i
        if t.shift != NULL:
            shift = t.shift + t.index.rows[i]
        return _depth_changed(m, t.instrument[i], t.flags[i], shift)
    row.first_id = t.c[0][i]
    row.last_id = t.c[1][i]
    row.prev_id = t.c[2][i]
    row.side = t.side[i]
    row.price = t.c[3][i]
    row.qty = t.c[4][i]
    row.flags = t.flags[i]
    status = depth_apply(&d.book, &row)
    if status != OK or (not row.flags & LAST and i & 0x3FF):
        return status
    m.steps, d.book.steps = m.steps + d.book.steps, 0
    if not row.flags & LAST:
        return OK
    if t.shift != NULL:
        shift = t.shift + i
    return _depth_changed(m, t.instrument[i], row.flags, shift)


cdef int _top_from_depth(tape_t* m, Py_ssize_t k, const int64_t* shift) noexcept nogil:
    """Depth gives the top of the book; ``shift`` NULL: none is added."""
    cdef const depth_now_t* d = &m.markets[k].depth
    cdef int64_t best[2]
    cdef int64_t worst
    cdef int status
    if not (
        depth_stands(d) and depth_ends(d, 0, &best[0], &worst)
        and depth_ends(d, 1, &best[1], &worst)
    ):
        # The last prices stay; nobody may trade on them.
        m.books[k].valid = 0
        return OK
    status = _set_top(
        m, k, best[0], depth_size(d, 0, best[0]), best[1], depth_size(d, 1, best[1])
    )
    if shift != NULL and status == OK:
        status = _shift_top(m, k, shift[0])
    if status == OK:
        _top_stands(m, k)
    return status


cdef int _depth_changed(
    tape_t* m, Py_ssize_t k, int64_t flags, const int64_t* shift
) noexcept nogil:
    """What follows from a whole depth message."""
    cdef int status
    m.event.flags = flags
    m.books[k].depth_valid = depth_stands(&m.markets[k].depth)
    if not m.markets[k].has_quotes:
        status = _top_from_depth(m, k, shift)
        if status != OK:
            return status
    if m.busy:
        status = lanes_see_book(m, k, True)
        if status != OK:
            return status
    return _ask_strategies(m, KIND_DEPTH)


cdef int _funding(tape_t* m, columns_t* t) noexcept nogil:
    cdef Py_ssize_t i = t.at, k
    cdef funding_due_t* due
    cdef int status = _begin(m, t, KIND_FUNDING)
    if status != OK:
        return status
    k = t.instrument[i]
    due = &m.dues[k]
    # A later settlement is announced while one is open: that one is over, whatever the clock says.
    if due.at != NEVER and t.c[3][i] > due.at:
        status = settle_funding(m, k, m.ts_ns)
        if status != OK:
            return status
    # 0: the data has no mark.
    due.mark = t.c[0][i] + m.markets[k].shift if t.c[0][i] else 0
    due.rate = t.c[2][i]
    # 0: the venue announces no settlement.
    if t.c[3][i] > 0 and t.c[3][i] > due.settled:
        due.at = t.c[3][i]
    refresh_tape(m)
    m.event.price = t.c[1][i]
    m.books[k].mark = due.mark
    m.books[k].funding_rate = t.c[2][i]
    m.books[k].next_funding_ns = t.c[3][i]
    t.at += 1
    return _ask_strategies(m, KIND_FUNDING)


cdef int _settlement(tape_t* m, columns_t* t) noexcept nogil:
    """An instrument ends: what its underlying came to is known."""
    cdef Py_ssize_t i = t.at
    cdef int status = _begin(m, t, KIND_SETTLEMENT)
    if status != OK:
        return status
    if t.c[0][i] < 0 or t.c[0][i] > QL_MAX_PRICE:
        return BAD_ROW
    m.event.price = t.c[0][i]
    t.at += 1
    status = close_contract(m, t.instrument[i], t.c[0][i])
    return status if status != OK else _ask_strategies(m, KIND_SETTLEMENT)


cdef int _chain(tape_t* m, columns_t* t, int64_t limit, int64_t* done) noexcept nogil:
    """Rows of one snapshot; the strategy is asked at its last one."""
    cdef bint whole = False
    cdef int status = chain_rows(m, t, limit, done, &whole)
    if status != OK or not whole:
        return status
    if m.busy:
        status = lanes_see_snapshot(m)
        if status != OK:
            return status
    return _ask_strategies(m, KIND_CHAIN)


cdef inline int64_t _next(const columns_t* t) noexcept nogil:
    return t.seq[t.at] if t.at < t.n else NEVER


cdef inline int _late(tape_t* m, const columns_t* t) noexcept nogil:
    """Whether the table's stamps, which ascend, end where arrivals would leave 64 bits."""
    if t.at < t.n and t.ts[t.n - 1] > QL_MAX_TS:
        m.seq = t.seq[t.n - 1]
        return 1
    return 0


cdef int64_t tape_run(tape_t* m, feed_t* feed, int64_t limit) except? -99 nogil:
    """Merge the tables by seq until they end or ``limit`` rows were read; status."""
    cdef columns_t* quotes = &feed.quotes
    cdef int64_t other, rest, dd, df, dc, ds, done = 0
    cdef int status = OK
    if (
        _late(m, quotes) or _late(m, &feed.depth) or _late(m, &feed.trades)
        or _late(m, &feed.funding) or _late(m, &feed.chain) or _late(m, &feed.settlement)
    ):
        return OVERFLOW
    while done < limit:
        hear_after(&m.steps, 0)
        dd, df = _next(&feed.depth), _next(&feed.funding)
        dc, ds = _next(&feed.chain), _next(&feed.settlement)
        rest = dd if dd < df else df
        rest = dc if dc < rest else rest
        rest = ds if ds < rest else rest
        other = next_before(&feed.trades, rest)
        while quotes.at < quotes.n and quotes.seq[quotes.at] < other and done < limit:
            status = quote_run(m, quotes, &feed.trades, rest, limit - done, &done)
            if status != OK:
                return ended(status)
            hear_after(&m.steps, 0)
            other = next_before(&feed.trades, rest)
            if quotes.at == quotes.n or quotes.seq[quotes.at] >= other or done >= limit:
                break
            status = _quote(m, quotes)
            if status != OK:
                return ended(status)
            done += 1
        if other == NEVER or done >= limit:
            if quotes.at < quotes.n:
                continue
            if other == NEVER:
                return OK
            continue
        done += 1
        if other < rest:
            status = _trade(m, &feed.trades)
        elif other == dd:
            status = _depth(m, &feed.depth)
        elif other == df:
            status = _funding(m, &feed.funding)
        elif other == ds:
            status = _settlement(m, &feed.settlement)
        else:
            done -= 1
            status = _chain(m, &feed.chain, limit - done, &done)
        if status != OK:
            return ended(status)
    return OK
