"""What a market asks of the execution of a lane."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

# Find out anew when the lane has something due.
cdef void refresh_due(engine_t* e) noexcept nogil
# Pay what was announced for ``at`` on the position held at receive time ``before``.
cdef int lane_settle(
    engine_t* e, Py_ssize_t i, int64_t at, int64_t before, int64_t mark, int64_t rate
) noexcept nogil
# Let everything of the lane's own that is due before ``until`` happen, in time order.
cdef int lane_advance(engine_t* e, int64_t until) noexcept nogil
# Cancel what is open, flatten if asked.
cdef int lane_finish(engine_t* e, bint flatten) noexcept nogil
