"""Features: small incremental kernels that fill one slot after each market message."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport book_t, event_t, feature_t

cdef enum:
    MAX_FEATURE_ARGS = 6

# 0, or 1 when a value does not fit.
ctypedef int (*feature_fn)(const event_t*, const book_t*, const int64_t*, feature_t*) noexcept nogil

cdef struct feature_call_t:
    feature_fn fn
    int64_t args[MAX_FEATURE_ARGS]

cdef int mid_basis(
    const event_t* event, const book_t* books, const int64_t* args, feature_t* out
) noexcept nogil
cdef feature_fn feature_by_name(str name) except NULL
