"""Orders come too late for a contract that has ended."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport tape_t


cdef inline bint has_ended(const tape_t* m, Py_ssize_t k, int64_t ts) noexcept nogil:
    """Whether an order that arrives at ``ts`` comes too late for the contract."""
    return m.contracts[k].closed or ts >= m.contracts[k].ends_ns
