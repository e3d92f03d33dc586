"""The venue's clock, as the stamps of an instrument's own messages show it.

A message is received after it was stamped. So a stamp minus its receive time is at most the
difference of the two clocks, and the largest one is nearest to it. What is measured is the largest
of the last two hours of receive time that had stamps: clocks drift and are set, and one wrong stamp
does not stand for ever. Only messages read so far count.
"""
from libc.stdint cimport int64_t
from quantlaxmi._ext.wide cimport ql_add_i64

cdef extern from *:
    """
    #define QL_CLOCK_HOUR (3600LL * 1000000000LL)
    /* A stamp further from its receive time measures nothing. */
    #define QL_MOST_APART (24 * QL_CLOCK_HOUR)
    """
    const int64_t QL_CLOCK_HOUR
    const int64_t QL_MOST_APART

cdef extern from "<stdint.h>" nogil:
    const int64_t CLOCK_NEVER "INT64_MAX"

# Trades and the resting orders of one lane.
cdef struct met_t:
    int64_t n_met  # trades that reached the price of a resting order, one for each order
    int64_t n_over  # those that were over before the order arrived


cdef struct venue_clock_t:
    int64_t n_hours  # hours of receive time that had stamps
    int64_t hour_last_ns  # last instant of the latest of them, so that no row has to divide
    int64_t latest[2]  # largest stamp minus receive time of that hour, and of the one before it
    int64_t offset  # the larger of both; 0 while there is no stamp


cdef inline int stamp_counts(int64_t ts, int64_t exch, int64_t* apart) noexcept nogil:
    """Whether a message has a stamp that can be believed; ``apart`` is stamp minus receive time."""
    if exch <= 0 or ql_add_i64(exch, -ts, apart):
        return 0
    return -QL_MOST_APART <= apart[0] <= QL_MOST_APART


cdef inline int64_t _last_of_hour(int64_t ts) noexcept nogil:
    cdef int64_t last
    if ql_add_i64(ts - ts % QL_CLOCK_HOUR, QL_CLOCK_HOUR - 1, &last):
        return CLOCK_NEVER
    return last


cdef inline int clock_sees(venue_clock_t* c, int64_t ts, int64_t exch) noexcept nogil:
    """A message was received; 1 where the offset is another one."""
    cdef int64_t apart = 0, before = c.offset
    if not stamp_counts(ts, exch, &apart):
        return 0
    if c.n_hours == 0 or ts > c.hour_last_ns:  # receive times never go back
        c.latest[1] = c.latest[0] if c.n_hours else apart
        c.latest[0] = apart
        c.hour_last_ns = _last_of_hour(ts)
        c.n_hours += 1
    elif apart > c.latest[0]:
        c.latest[0] = apart
    else:
        return 0
    c.offset = c.latest[0] if c.latest[0] > c.latest[1] else c.latest[1]
    return c.offset != before


cdef inline int64_t venue_time(const venue_clock_t* c, int64_t ts) noexcept nogil:
    """What the venue's clock shows at a receive time; before all times where nobody can tell."""
    cdef int64_t at
    if c.n_hours == 0 or ql_add_i64(ts, c.offset, &at):
        return -CLOCK_NEVER
    return at


cdef inline int64_t receive_time(const venue_clock_t* c, int64_t at) noexcept nogil:
    """When the venue's clock shows ``at``; by the receive clock itself where nobody can tell."""
    cdef int64_t ts
    return CLOCK_NEVER if ql_add_i64(at, -c.offset, &ts) else ts
