"""Markets whose mid increments have random signs."""
from libc.stdint cimport int64_t, uint64_t

cdef struct path_t:  # of one instrument
    int64_t last  # twice the mid of the latest state, 0 before the first
    int64_t n  # increments
    int64_t total  # their sum
    int64_t travelled  # sum of their magnitudes
    int64_t* kept  # by number of turned increments: half-even(number * total / n)
    int64_t least_bid  # over all states
    int64_t most_ask


cdef struct walk_t:  # the same within one draw
    int64_t moved  # sum of the turned increments
    int64_t turned  # how many
    int64_t shift
    int64_t lowest
    int64_t highest


cdef class SignFlips:
    cdef path_t* paths
    cdef readonly Py_ssize_t n_instruments
    cdef readonly int64_t n_instants
    cdef readonly int64_t n_free
    cdef readonly int64_t n_moving
    cdef readonly bint uses_depth
    cdef object _columns  # keeps what the pointers name
    cdef readonly object quote_instants
    cdef Py_ssize_t n_rows[2]
    cdef const short* instrument[2]
    cdef const int64_t* ts[2]
    cdef const int64_t* bid[2]
    cdef const int64_t* ask[2]
    cdef const int64_t* bid_qty  # of quotes; a level of depth always has a size
    cdef const int64_t* ask_qty
    cdef int64_t* move[2]  # the increment that ends at the row
    cdef int64_t* instant[2]  # its number, or NONE

    # As `draw`, of pointers to what `room` made; NULL for a table without rows.
    cdef bint make(
        self, uint64_t key, uint64_t draw, uint64_t attempt, uint64_t* signs, Py_ssize_t n_signs,
        int64_t* quotes, int64_t* depth, bint drift,
    ) noexcept nogil
    cdef _hold(self, int which, instruments, stamps, bids, asks)
    cdef _sizes(self, bid_qty, ask_qty)
    cdef _measure(self, int which)
    cdef bint _valid(self, int which, Py_ssize_t i) noexcept nogil
    cdef int _number(self) except -1 nogil
    cdef _check(self, uint64_t[::1] signs, int64_t[::1] quotes, int64_t[::1] depth)
    cdef bint _fill(
        self, const uint64_t* signs, int64_t* quotes, int64_t* depth, bint drift
    ) noexcept nogil
    cdef void _walk(
        self, int which, const uint64_t* signs, walk_t* walks, int64_t* out, bint drift
    ) noexcept nogil
    cdef bint _positive(self, int which, const int64_t* shift) noexcept nogil
