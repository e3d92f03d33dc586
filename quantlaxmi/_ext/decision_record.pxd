"""What the message loop asks once a strategy has decided."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

# Store the decision of ``e.legs_out`` with what it saw of each leg's book, and send its orders.
cdef int record_decision(engine_t* e, int64_t n_legs) noexcept nogil
