"""The message loop."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport columns_t, tape_t

# Merge the tables by seq until they end or ``limit`` rows were read; returns a Status.
cdef int64_t tape_run(
    tape_t* m, columns_t* quotes, columns_t* depth, columns_t* trades, columns_t* funding,
    int64_t limit,
) noexcept nogil
