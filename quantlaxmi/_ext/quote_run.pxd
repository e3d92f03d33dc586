"""Runs of quotes at which nothing is due."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport NEVER, tape_t


cdef inline int64_t next_before(const columns_t* trades, int64_t rest) noexcept nogil:
    """The next row of trades, or ``rest`` where that comes first."""
    cdef int64_t at = trades.seq[trades.at] if trades.at < trades.n else NEVER
    return at if at < rest else rest


# Read quotes before the next row of trades and the row ``rest`` of other tables, at most ``limit``, until
# one needs more than this; a Status. Trades between quotes may be read with them: they count too.
cdef int quote_run(
    tape_t* m, columns_t* quotes, columns_t* trades, int64_t rest, int64_t limit, int64_t* done
) noexcept nogil
