"""A lane's contracts end: its positions are paid what the underlying came to."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t

# Cancel what rests or waits in an instrument, and pay its position: ``intrinsic`` at ``price``.
cdef int lane_closes(
    engine_t* e, Py_ssize_t k, int64_t price, int64_t intrinsic
) noexcept nogil
# At the end of the data: positions that outlived their contract are an error, or end at the mark.
cdef int end_contracts(engine_t* e) noexcept nogil
