"""What a bundle may not keep is taken back."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, pending_t

# What must be traded back of a leg that filled ``filled``, moved its position by ``moved`` and may
# keep ``kept``.
cdef int excess_of(
    engine_t* e, const pending_t* leg, int64_t moved, int64_t kept, int64_t filled, int64_t* excess
) noexcept nogil
# Send a trim for whole lots of it, at the leg's arrival.
cdef int take_back(engine_t* e, const pending_t* leg, int64_t excess) noexcept nogil
# At the end of the data: say that it stays.
cdef int note_excess(
    engine_t* e, const pending_t* leg, int64_t excess, int64_t ts
) noexcept nogil
cdef int trim_arrives(engine_t* e, const pending_t* p) noexcept nogil
# A message has changed the book of instrument ``k``: rests that wait for one are sent.
cdef int send_owed(engine_t* e, Py_ssize_t k) noexcept nogil
# The contract was settled: rests that wait for its book are given up.
cdef void forget_owed(engine_t* e, Py_ssize_t k) noexcept nogil
# At the end of the data: cancel a trim on its way, forget the rests that wait.
cdef int end_trim(engine_t* e, const pending_t* p) noexcept nogil
cdef void end_owed(engine_t* e) noexcept nogil
