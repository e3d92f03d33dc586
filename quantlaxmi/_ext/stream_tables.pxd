"""Rows of the segment's tables from merged messages."""
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t

from quantlaxmi._ext.message_rows cimport RANK_DEPTH, RANK_QUOTE, RANK_TRADE, level_t, message_t

cdef struct ids_t:
    # `last` is the last id seen and `before` the one accepted before it, -1 for none.
    int64_t last
    int64_t before

cdef struct source_t:
    message_t* messages
    level_t* levels
    int64_t first_level
    Py_ssize_t n
    Py_ssize_t next
    int64_t horizon    # messages before this time are final
    int16_t instrument
    int follow
    int checked_ids
    bint count_trades
    ids_t ids[5]       # by rank
    int64_t snapshot   # last snapshot's id, -1 for none
    int64_t diff       # last diff's id in the segment, -1 for none
    int64_t told_ts[5]   # of the last message in the segment by rank, -1 for none
    int64_t told_seq[5]
    int64_t diff_ts
    int64_t diff_seq
    int64_t trade      # last trade's id in the segment, -1 for none
    int64_t trade_ts
    int64_t trade_seq
    int64_t paid_every # of the last settlement, ns; 0 where it does not tell
    int64_t paid_ts
    int64_t paid_seq

cdef struct pick_t:
    int32_t source
    int32_t index

# The columns of schema.TABLES, in order.
cdef struct quote_out_t:
    int64_t* seq
    int64_t* ts
    int16_t* instrument
    int64_t* exch
    int64_t* update_id
    int64_t* bid
    int64_t* bid_qty
    int64_t* ask
    int64_t* ask_qty
    int8_t* flags

cdef struct depth_out_t:
    int64_t* seq
    int64_t* ts
    int16_t* instrument
    int64_t* exch
    int64_t* first_id
    int64_t* last_id
    int64_t* prev_id
    int8_t* side
    int64_t* price
    int64_t* qty
    int8_t* flags

cdef struct trade_out_t:
    int64_t* seq
    int64_t* ts
    int16_t* instrument
    int64_t* exch
    int64_t* trade_id
    int64_t* price
    int64_t* qty
    int8_t* side

cdef struct funding_out_t:
    int64_t* seq
    int64_t* ts
    int16_t* instrument
    int64_t* exch
    int64_t* mark
    int64_t* index
    int64_t* rate
    int64_t* next_funding


cdef struct tables_out_t:
    quote_out_t quotes
    depth_out_t depth
    trade_out_t trades
    funding_out_t funding


cdef inline Py_ssize_t depth_rows(
    const message_t* m, const level_t* level, int64_t seq, int16_t instrument,
    depth_out_t* out, Py_ssize_t row
) noexcept nogil:
    cdef Py_ssize_t i, n = m.v4 + m.v5
    cdef int8_t snapshot = 2 if m.v2 else 0
    if n == 0:
        # A message without levels still moves the ids.
        n = 1
        out.side[row] = 0
        out.price[row] = 0
        out.qty[row] = 0
    else:
        for i in range(n):
            out.side[row + i] = 1 if i < m.v4 else -1
            out.price[row + i] = level[i].price
            out.qty[row + i] = level[i].qty
    for i in range(row, row + n):
        out.seq[i] = seq
        out.ts[i] = m.ts
        out.instrument[i] = instrument
        out.exch[i] = m.exch
        out.first_id[i] = m.v0
        out.last_id[i] = m.sequence
        out.prev_id[i] = m.v1
        out.flags[i] = snapshot
    out.flags[row + n - 1] = snapshot | 1
    return row + n


cdef inline void fill(
    source_t* sources, const pick_t* picks, Py_ssize_t n_picks, int64_t seq, tables_out_t* out
) noexcept nogil:
    cdef quote_out_t* quotes = &out.quotes
    cdef trade_out_t* trades = &out.trades
    cdef funding_out_t* funding = &out.funding
    cdef Py_ssize_t p, q = 0, d = 0, t = 0, f = 0
    cdef const message_t* m
    cdef const source_t* s
    cdef int16_t instrument
    for p in range(n_picks):
        s = &sources[picks[p].source]
        m = s.messages + picks[p].index
        instrument = s.instrument
        if m.status > 0:
            continue
        if m.rank == RANK_QUOTE:
            quotes.seq[q] = seq
            quotes.ts[q] = m.ts
            quotes.instrument[q] = instrument
            quotes.exch[q] = m.exch
            quotes.update_id[q] = m.sequence
            quotes.bid[q] = m.v0
            quotes.bid_qty[q] = m.v1
            quotes.ask[q] = m.v2
            quotes.ask_qty[q] = m.v3
            quotes.flags[q] = 0
            q += 1
        elif m.rank == RANK_TRADE:
            trades.seq[t] = seq
            trades.ts[t] = m.ts
            trades.instrument[t] = instrument
            trades.exch[t] = m.exch
            trades.trade_id[t] = m.sequence
            trades.price[t] = m.v0
            trades.qty[t] = m.v1
            trades.side[t] = <int8_t>m.v2
            t += 1
        elif m.rank == RANK_DEPTH:
            d = depth_rows(m, s.levels + (m.v3 - s.first_level), seq, instrument, &out.depth, d)
        else:
            funding.seq[f] = seq
            funding.ts[f] = m.ts
            funding.instrument[f] = instrument
            funding.exch[f] = m.exch
            funding.mark[f] = m.v0
            funding.index[f] = m.v1
            funding.rate[f] = m.v2
            funding.next_funding[f] = m.v3
            f += 1
        seq += 1
