"""Runs of quotes at which nothing is due, and what a strategy answers."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport columns_t, engine_t, tape_t

# A strategy has answered with legs, or has failed.
cdef int decided(tape_t* m, engine_t* e, int64_t n) noexcept nogil
# Read quotes numbered below ``before``, at most ``limit``, until one needs more than this; a Status.
cdef int quote_run(
    tape_t* m, columns_t* quotes, int64_t before, int64_t limit, int64_t* done
) noexcept nogil
