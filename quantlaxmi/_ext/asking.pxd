"""What a strategy answers, and who is asked."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.engine_state cimport engine_t, tape_t

# A strategy has answered with ``n`` legs, or has failed.
cdef int lane_answers(tape_t* m, engine_t* e, int64_t n) noexcept nogil
# Ask the strategies that are awake, after the book holds the message.
cdef int ask_awake(tape_t* m) noexcept nogil
