"""Arrays of a market's tables become what the engine reads."""
from quantlaxmi._ext.columns cimport columns_t

# The tables of a market; a chunk of them is read at a time.
cdef struct feed_t:
    columns_t quotes
    columns_t depth
    columns_t trades
    columns_t funding
    columns_t chain
    columns_t settlement


cdef inline bint was_read(const feed_t* f) noexcept nogil:
    """Whether all rows were read."""
    return (
        f.quotes.at == f.quotes.n and f.depth.at == f.depth.n and f.trades.at == f.trades.n
        and f.funding.at == f.funding.n and f.chain.at == f.chain.n
        and f.settlement.at == f.settlement.n
    )


cdef inline Py_ssize_t rows_read(const feed_t* f) noexcept nogil:
    """Rows read so far; of depth by an index, messages."""
    return (
        f.quotes.at + f.depth.at + f.trades.at + f.funding.at + f.chain.at + f.settlement.at
    )


cdef inline void rewind(feed_t* f) noexcept nogil:
    f.quotes.at = f.depth.at = f.trades.at = f.funding.at = f.chain.at = f.settlement.at = 0


# Point at the columns of each table, and keep them alive in ``keep``; a table left out has no rows.
cdef int load_feed(feed_t* feed, tables, list keep) except -1
