"""What refuses an order before it is sent."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.engine_state cimport engine_t

cdef int check_orders(engine_t* e, int64_t decision, int64_t n_legs, char* refused) noexcept nogil
cdef int trim_rest(engine_t* e, int64_t decision, int64_t instrument, int64_t* excess, int64_t ts) noexcept nogil
