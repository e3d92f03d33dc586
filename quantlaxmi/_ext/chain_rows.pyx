"""Snapshots of an option chain: one message, whose rows set a book each.

Books change row by row, and nobody acts between them: orders and strategies meet the snapshot
whole. A row with one side, or none, is data: its book is not valid. Rows of a contract that was
settled set nothing; one that has ended is marked by what is still quoted, and is not traded.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.tape cimport *
from quantlaxmi._ext.venue_clock cimport clock_sees

cdef enum:
    KIND_CHAIN = 5  # schema.EventKind
    LAST = 1  # schema.ChainFlag
    UNCHANGED = 2
    # Columns, as Engine.load names them.
    BID = 0
    BID_QTY = 1
    ASK = 2
    ASK_QTY = 3
    TRADED = 4
    OI = 5
    IV = 6


cdef inline bint _is_price(int64_t price) noexcept nogil:
    return -QL_MAX_PRICE <= price <= QL_MAX_PRICE


cdef inline void _said_again(market_t* market, const book_t* b, int64_t seq) noexcept nogil:
    """What a snapshot only repeats is as old as it was: no news makes a book fresh."""
    if market.said_ns == 0 or market.said_seq != b.seq:
        market.said_ns = b.ts_ns  # 0 where there was no book yet
    market.said_seq = seq


cdef inline int _set_book(tape_t* m, const columns_t* t, Py_ssize_t i, Py_ssize_t k) noexcept nogil:
    cdef book_t* b = &m.books[k]
    cdef int64_t bid = t.c[BID][i], ask = t.c[ASK][i], last = t.c[TRADED][i]
    if not (_is_price(bid) and _is_price(ask) and _is_price(last)):
        return OVERFLOW
    b.bid = bid
    b.bid_qty = t.c[BID_QTY][i]
    b.ask = ask
    b.ask_qty = t.c[ASK_QTY][i]
    b.valid = 0
    if 0 < bid < ask and b.bid_qty > 0 and b.ask_qty > 0:
        b.valid = t.ts[i] < m.contracts[k].ends_ns
        b.mid2 = bid + ask
    b.ts_ns = t.ts[i]
    b.exch_ts_ns = t.exch[i]
    b.seq = t.seq[i]
    b.last_price = last
    b.oi = t.c[OI][i]
    b.iv = t.c[IV][i]
    return OK


cdef int chain_rows(
    tape_t* m, columns_t* table, int64_t limit, int64_t* done, bint* whole
) noexcept nogil:
    cdef columns_t t = table[0]  # nobody else knows this one, so its pointers stay as they are
    cdef Py_ssize_t i = t.at, end = t.n, k = -1
    cdef int64_t seq = t.seq[i], ts = t.ts[i]
    cdef bint moved = False
    cdef int status = OK
    if seq != m.seq:
        # An error names the message at hand.
        if ts > m.due_ns and ts >= m.ts_ns:
            status = advance(m, ts)
            if status != OK:
                return status
        m.n_rows = 0
        m.seq = seq
    if ts < m.ts_ns:
        return TIME_REVERSED
    m.ts_ns = ts
    if limit < end - i:
        end = i + limit
    while status == OK and i < end and t.seq[i] == seq and not whole[0]:
        k = t.instrument[i]
        if k < 0 or k >= m.n_instruments or t.ts[i] != ts:
            return BAD_ROW
        moved |= clock_sees(&m.clocks[k], ts, t.exch[i])
        m.markets[k].has_quotes = 1
        if not (m.n_closed and m.contracts[k].closed):
            if t.flags[i] & UNCHANGED:
                _said_again(&m.markets[k], &m.books[k], seq)
            status = _set_book(m, &t, i, k)
        whole[0] = t.flags[i] & LAST
        i += 1
    # Only what is announced is due by the venue's clock.
    if moved and m.funding_ns != NEVER:
        refresh_tape(m)
    m.n_rows += i - t.at
    done[0] += i - t.at
    table.at = i
    m.event.kind = KIND_CHAIN
    m.event.instrument = k
    m.event.seq = seq
    m.event.ts_ns = ts
    m.event.exch_ts_ns = t.exch[i - 1]
    m.event.flags = t.flags[i - 1]
    m.event.price = 0
    m.event.qty = m.n_rows
    m.event.side = 0
    return status


cdef int lanes_see_snapshot(tape_t* m) noexcept nogil:
    cdef Py_ssize_t k
    cdef int status
    for k in range(m.n_instruments):
        if m.books[k].seq != m.seq:
            continue
        status = lanes_see_book(m, k, False)
        if status != OK or not m.busy:
            return status
    return OK
