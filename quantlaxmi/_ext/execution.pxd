"""What the message loop asks of execution."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

cdef void refresh_due(engine_t* e) noexcept nogil
# Settle what is announced, on the position held then, and at ``latest`` at the latest.
cdef int settle_funding(engine_t* e, Py_ssize_t i, int64_t latest) noexcept nogil
# Let everything due before ``ts`` happen.
cdef int advance(engine_t* e, int64_t ts) noexcept nogil
cdef int engine_finish(engine_t* e, bint flatten) noexcept nogil
