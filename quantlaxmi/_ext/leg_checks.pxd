"""Whether what a strategy wrote can be orders at all."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

# Prices are at most a tenth of int64: so ten of one fit, and so does a sum of two.
cdef extern from *:
    """
    #define QL_MAX_PRICE (INT64_MAX / 10)
    """
    const int64_t QL_MAX_PRICE

# OK, OVERFLOW, BAD_LEG, BAD_TARGET, BAD_BUNDLE or BAD_UNITS with the leg in ``e.detail``; fills in what follows from
# the action, so that equal decisions are recorded in equal bytes.
cdef int check_legs(engine_t* e, int64_t n_legs) noexcept nogil
