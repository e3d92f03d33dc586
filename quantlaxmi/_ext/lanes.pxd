"""Many settings of one strategy over one pass of a market: a lane each."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport ctx_t, slot_t
from quantlaxmi._ext.accounts cimport account_t
from quantlaxmi._ext.bucket_sums cimport bucket_sums_t
from quantlaxmi._ext.engine_state cimport borrow_t, engine_t, sleep_t
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.trip_sums cimport trip_sums_t

cdef enum Outcome:
    FOLLOWED = 0
    NOT_FOLLOWED = 1  # a decision that was filled had seen no valid book
    FAILED = 2  # the lane cannot go on, or its sums do not fit


# A lane as it was before its first row.
cdef struct fresh_t:
    engine_t e
    ctx_t ctx
    account_t* accounts
    borrow_t* loans
    slot_t* state
    Py_ssize_t n_slots
    Py_ssize_t n_currencies


cdef struct result_t:
    int outcome
    bucket_sums_t buckets
    trip_sums_t trips


# What a lane came to, as Python sees it: None where it failed.
cdef shown(const result_t* r)


cdef class Lanes:
    cdef list engines
    cdef Engine first
    cdef Py_ssize_t n
    cdef engine_t** places
    cdef fresh_t* fresh
    cdef result_t* results
    cdef int64_t* scratch
    cdef sleep_t sleep
    cdef readonly bint some_sleep

    cdef _share(self, Engine one)
    cdef _note_fresh(self, Engine one, fresh_t* fresh, Py_ssize_t n_currencies)
    cdef void _begin(self, bint sleeping) noexcept nogil
    cdef int _sum(
        self, Py_ssize_t k, const int64_t* weights, const int64_t* last_mid2, int64_t end_ns,
        const int64_t* ends, Py_ssize_t n_ends, const int64_t* mid2,
    ) except -1 nogil
    # One pass: ``left`` rows until ``pace`` is asked again; 0 asks at once.
    cdef int pass_over(
        self, pace, int64_t* left, const int64_t* weights, const int64_t* last_mid2,
        int64_t end_ns, const int64_t* ends, Py_ssize_t n_ends, const int64_t* mid2, bint sleeping,
    ) except -1 nogil
