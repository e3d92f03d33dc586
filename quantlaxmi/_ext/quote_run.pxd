"""Runs of quotes at which nothing is due."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport tape_t

# Read quotes numbered below ``before``, at most ``limit``, until one needs more than this; a Status.
cdef int quote_run(
    tape_t* m, columns_t* quotes, int64_t before, int64_t limit, int64_t* done
) noexcept nogil
