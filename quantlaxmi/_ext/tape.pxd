"""A market and its lanes: what is due, and who fails."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, tape_t


cdef inline void bring_up(const tape_t* m, engine_t* e) noexcept nogil:
    """Bring a lane up to date: something happens in it now."""
    e.ts_ns = m.ts_ns
    e.seq = m.seq
    e.ctx.message = m.message


# The lane goes no further. The status where none is left, else 0.
cdef int lane_failed(tape_t* m, engine_t* e, int status) noexcept nogil
# Make the market as new: no row was read.
cdef void reset_tape(tape_t* m) noexcept nogil
# Find out anew when something is due, in the market or in a lane.
cdef void refresh_tape(tape_t* m) noexcept nogil
# Settle what is announced, on the positions held then, and at ``latest`` at the latest.
cdef int settle_funding(tape_t* m, Py_ssize_t i, int64_t latest) noexcept nogil
# The price to which an instrument's underlying came is known: every lane is paid, its book is closed.
cdef int close_contract(tape_t* m, Py_ssize_t i, int64_t price) noexcept nogil
# Let everything due before ``ts`` happen.
cdef int advance(tape_t* m, int64_t ts) noexcept nogil
# The book of an instrument, or its depth, is another one: lanes that take or rest there see it.
cdef int lanes_see_book(tape_t* m, Py_ssize_t k, bint depth_changed) noexcept nogil
cdef int lanes_see_trade(tape_t* m, Py_ssize_t k, int64_t price, int64_t qty, int64_t side) noexcept nogil
cdef int lanes_watch(tape_t* m) noexcept nogil
# Let what is due up to the last message happen, cancel the rest, flatten if asked.
cdef int tape_finish(tape_t* m, bint flatten) noexcept nogil
# The status of a run that failed; where it was stopped, what stopped it is raised.
cdef int64_t ended(int64_t status) except? -99 nogil
