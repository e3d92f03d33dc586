"""Orders are refused whose margin is not there."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

# Refuse a decision that needs more margin than there is and than was needed before it.
cdef int check_scan(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil
