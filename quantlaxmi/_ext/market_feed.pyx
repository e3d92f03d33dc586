"""Arrays of a market's tables become what the engine reads."""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi._ext.columns cimport columns_t

#: Columns of each table that the engine reads, of 64 bits and of 8; their places are those of
#: ``columns_t.c``.
COLUMNS = {
    "quotes": (("bid", "bid_qty", "ask", "ask_qty"), ("flags",)),
    "depth": (("first_id", "last_id", "prev_id", "price", "qty"), ("side", "flags")),
    "trades": (("price", "qty"), ("side",)),
    "funding": (("mark", "index", "rate", "next_funding_ns"), ()),
    "chain": (("bid", "bid_qty", "ask", "ask_qty", "last", "oi", "iv"), ("flags",)),
    "settlement": (("price",), ()),
}


cdef columns_t* _place(feed_t* feed, name) except NULL:
    if name == "quotes":
        return &feed.quotes
    if name == "depth":
        return &feed.depth
    if name == "trades":
        return &feed.trades
    if name == "funding":
        return &feed.funding
    return &feed.chain if name == "chain" else &feed.settlement


cdef int _load(columns_t* t, table, wide_names, small_names, list keep) except -1:
    cdef const int64_t[::1] wide
    cdef const short[::1] instrument
    cdef const signed char[::1] small
    cdef Py_ssize_t i
    memset(t, 0, sizeof(columns_t))
    if table is None or len(table["seq"]) == 0:
        return 0
    n = len(table["seq"])
    for name, column in table.items():
        if len(column) != n:
            raise ValueError(f"column {name!r} has {len(column)} rows, expected {n}")
    keep.append(table)
    wide = table["seq"]
    t.seq = &wide[0]
    wide = table["ts_ns"]
    t.ts = &wide[0]
    wide = table["exch_ts_ns"]
    t.exch = &wide[0]
    if "shift" in table:
        wide = table["shift"]
        t.shift = &wide[0]
    instrument = table["instrument"]
    t.instrument = &instrument[0]
    for i, name in enumerate(wide_names):
        wide = table[name]
        t.c[i] = &wide[0]
    for name in small_names:
        small = table[name]
        if name == "side":
            t.side = &small[0]
        else:
            t.flags = &small[0]
    t.n = n
    return 0


cdef int load_feed(feed_t* feed, tables, list keep) except -1:
    for name, (wide, small) in COLUMNS.items():
        _load(_place(feed, name), tables.get(name), wide, small, keep)
    return 0
