"""Latency that is drawn, and news that reach the strategy late."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.engine_state cimport draws_t, engine_t, pending_t, report_t

# Nanoseconds of draw ``number``.
cdef int64_t drawn_ns(const draws_t* d, int64_t number) noexcept nogil
# Show the strategy all that is true now: what it sent itself.
cdef void see_all(engine_t* e) noexcept nogil
# Keep back what has just changed for the order ``p``, with a notice or silently.
cdef int delay_news(
    engine_t* e, const pending_t* p, bint told, const report_t* r
) noexcept nogil
cdef int64_t news_due(const engine_t* e) noexcept nogil
# Fill the context that the strategy is shown.
cdef void show(engine_t* e, int64_t now) noexcept nogil
# Deliver the oldest news.
cdef int deliver(engine_t* e) noexcept nogil
