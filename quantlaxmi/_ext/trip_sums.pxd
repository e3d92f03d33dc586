"""Trips of a finished run."""
from libc.stdint cimport int64_t, uint64_t
from quantlaxmi._ext.engine_state cimport engine_t
from quantlaxmi._ext.wide cimport ql_i128

cdef struct trip_sums_t:
    int64_t* held
    int64_t* delta
    int64_t* mid2
    ql_i128 gain  # of the trip in progress
    ql_i128 total
    uint64_t squares[4]
    int64_t trips
    int64_t held_ns

# 0, or 1 where a decision that was filled had seen no valid book; more: no sums. ``scratch`` has room
# for three numbers an instrument.
cdef int sum_trips(
    const engine_t* e, trip_sums_t* b, int64_t* scratch, const int64_t* weights,
    const int64_t* last_mid2, int64_t end_ns,
) except -1 nogil
