"""Bundles on their way, and what their policies let them keep."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

# The ``n_legs`` orders of the decision of ``p`` are sent as a bundle.
cdef int open_bundle(engine_t* e, const pending_t* p, int64_t n_legs) noexcept nogil
# An order of a bundle has arrived, or will not: what it filled, and moved its position by. Orders of
# no open bundle are passed over.
cdef int leg_ended(
    engine_t* e, const pending_t* p, int64_t filled, int64_t moved, int64_t ts
) noexcept nogil
# The row of a bundle that has a policy of units; none of any other.
cdef int bundle_row(
    engine_t* e, int64_t decision, int64_t units_filled, int64_t legs_short, int64_t ts
) noexcept nogil
# At the end of the data: bundles whose legs have not all arrived. Nothing can be sent any more.
cdef int end_bundles(engine_t* e) noexcept nogil
