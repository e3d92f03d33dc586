"""Long loops hear a signal: what its handler raises ends them.

A loop whose length follows from the data calls one of these, unless tests/ext/deaf_loops.py says why
it needs not. A test holds both.
"""

cdef enum:
    #: Steps of a loop, of some nanoseconds each, between two looks at signals.
    MOST_STEPS = 1 << 20

# Run the handlers of signals, and ask whether the work of a thread is still wanted.
cdef int listen() except -1 nogil

# The same for a function that cannot raise: 1 where something was raised, and is still to be. The
# function returns a status that says so, and whoever can raise calls `raise_now`.
cdef int stopped() noexcept nogil
cdef int raise_now() except -1 nogil


cdef inline int hear(Py_ssize_t i) except -1 nogil:
    """Listen at every 65,536th row, for rows of up to some microseconds."""
    if i & 0xFFFF == 0xFFFF:
        listen()
    return 0


cdef inline int hear_far(Py_ssize_t i) except -1 nogil:
    """Listen at every 1,048,576th row, for rows of up to some hundred nanoseconds."""
    if i & 0xFFFFF == 0xFFFFF:
        listen()
    return 0


cdef inline int hear_after(Py_ssize_t* done, Py_ssize_t more) except -1 nogil:
    """Listen after ``MOST_STEPS`` steps, where what a row takes depends on what is before it."""
    done[0] += more
    if done[0] >= MOST_STEPS:
        done[0] = 0
        listen()
    return 0
