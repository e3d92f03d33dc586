"""What an order does when it arrives."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

# Take from the displayed book; ``filled`` is what was filled before and grows.
cdef int take(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t* filled
) noexcept nogil
# The closing row of an order that does not rest, and the news of what was cancelled.
cdef int finish_order(
    engine_t* e, const pending_t* p, int64_t ts, int64_t flags, int64_t filled
) noexcept nogil
# Fill at once, at its price, a leg that the bar just ended met; what closes, closes at most.
cdef int fill_in_bar(engine_t* e, const pending_t* p) noexcept nogil
# Execute an order or a request; ``filled`` is set to what it filled.
cdef int arrive(engine_t* e, const pending_t* p, int64_t ts, int64_t* filled) noexcept nogil
