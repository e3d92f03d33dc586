"""One instrument's order book, rebuilt from snapshots and differences."""
from libc.stdint cimport int64_t

cdef struct depth_row_t:
    int64_t first_id
    int64_t last_id
    int64_t prev_id
    int64_t side
    int64_t price
    int64_t qty
    int64_t flags

cdef struct book_level_t:
    int64_t price
    int64_t qty

# Told of every level that a message sets, as it is set; quantity 0: there is none now. Side 0 bids,
# 1 asks. 0, or -1 when memory ran out.
ctypedef int (*level_fn)(void* listener, int side, int64_t price, int64_t qty) noexcept nogil

cdef struct depth_t:
    # [0] bids ascending, [1] asks descending: the best level is the last.
    book_level_t* levels[2]
    Py_ssize_t n[2]
    # The levels stand within the room of their side, with some left before and behind, so that a
    # change moves those on the shorter way to an end.
    book_level_t* room[2]
    Py_ssize_t cap[2]
    Py_ssize_t at[2]  # where the last change was: the next one of a message is mostly near
    # Of the last snapshot, its worst prices: at them and nearer, a level that is not there is 0.
    int64_t known[2]
    Py_ssize_t steps  # since signals were looked at: beside what every row reads
    short valid
    short fresh  # a snapshot was loaded and no difference applied yet: the first may overlap it
    short mode  # what is done with the rows of the message in progress
    short starts  # the next row begins a message
    int64_t last_id
    int64_t gaps
    int64_t ignored
    int64_t loads  # snapshots that were begun: each empties both sides first
    level_fn heard  # NULL: nobody listens
    void* listener
    depth_row_t* held  # differences received while no book stands, for the next snapshot
    Py_ssize_t n_held
    Py_ssize_t cap_held

cdef void depth_init(depth_t* d) noexcept nogil
cdef void depth_free(depth_t* d) noexcept nogil
cdef enum:
    # What a long replay of kept differences heard raised, and is still to be raised: `STOPPED`.
    HEARD = -11

# 0, -1 when memory ran out, or HEARD. It counts `steps`; whoever calls it listens.
cdef int depth_apply(depth_t* d, const depth_row_t* row) noexcept nogil
