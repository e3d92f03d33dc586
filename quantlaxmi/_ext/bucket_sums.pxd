"""Gross of a finished run in clock buckets."""
from libc.stdint cimport int64_t, uint64_t
from quantlaxmi._ext.engine_state cimport engine_t
from quantlaxmi._ext.wide cimport ql_i128

cdef struct bucket_sums_t:
    ql_i128 traded  # money of all fills at the mids their decisions saw
    ql_i128 before  # value at the end of the bucket before
    ql_i128 total
    uint64_t squares[4]

# 0, or 1 where a decision that was filled had seen no valid book; more: no sums. ``held`` has room for
# one number an instrument.
cdef int sum_buckets(
    const engine_t* e, bucket_sums_t* s, int64_t* held, const int64_t* weights,
    const int64_t* ends, Py_ssize_t n_buckets, const int64_t* mid2,
) except -1 nogil
