"""The message loop."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport columns_t, engine_t

# Merge the tables by seq until they end or ``limit`` rows were read; returns a Status.
cdef int64_t engine_run(
    engine_t* e, columns_t* quotes, columns_t* depth, columns_t* trades, columns_t* funding,
    int64_t limit,
) noexcept nogil
