"""The message loop."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport tape_t
from quantlaxmi._ext.market_feed cimport feed_t

# Merge the tables by seq until they end or ``limit`` rows were read; returns a Status.
cdef int64_t tape_run(tape_t* m, feed_t* feed, int64_t limit) except? -99 nogil
