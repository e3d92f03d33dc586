"""Orders and requests on their way."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

cdef int enqueue(engine_t* e, const pending_t* p) noexcept nogil
# Take the orders of the decision at the head; their number, at most MAX_LEGS.
cdef Py_ssize_t dequeue(engine_t* e, pending_t* orders) noexcept nogil
