"""The legs of a bundle end matched."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

# Send trims for what the legs of a bundle filled beyond the least filled share; ``moved`` is what
# each changed its position by.
cdef int match_legs(
    engine_t* e, const pending_t* orders, const int64_t* filled, const int64_t* moved, Py_ssize_t n
) noexcept nogil
cdef int trim_arrives(engine_t* e, const pending_t* p) noexcept nogil
# A message has changed the book of instrument ``k``: rests that wait for one are sent.
cdef int send_owed(engine_t* e, Py_ssize_t k) noexcept nogil
# At the end of the data: cancel a trim on its way, forget the rests that wait.
cdef int end_trim(engine_t* e, const pending_t* p) noexcept nogil
cdef void end_owed(engine_t* e) noexcept nogil
