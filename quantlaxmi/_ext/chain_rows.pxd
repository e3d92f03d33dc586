"""Snapshots of an option chain set the books of all their rows."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport tape_t

# Read rows of the snapshot at hand, at most ``limit``; ``whole`` where its last one was read.
cdef int chain_rows(
    tape_t* m, columns_t* t, int64_t limit, int64_t* done, bint* whole
) noexcept nogil
# Lanes that take or rest see every book of the snapshot that was read.
cdef int lanes_see_snapshot(tape_t* m) noexcept nogil
