"""Stated capital: margin used, margin calls, drawdown."""
from quantlaxmi._ext.engine_state cimport engine_t

# Look at equity and margin used; whether equity is below it.
cdef int look_at_margin(engine_t* e, bint* called) noexcept nogil
