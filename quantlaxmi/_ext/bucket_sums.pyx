"""Sum and sum of squares of a run's gross in clock buckets, straight from the engine's records.

The buckets and their gross are those of gates/path/clock_buckets.py: fills are valued at the mids that their
decisions saw, positions at the mids of the bucket ends. Money is 128 bits wide and checked.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.engine_state cimport engine_t
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.signals cimport hear_after
from quantlaxmi._ext.wide cimport *

cdef extern from "square_sum.h" nogil:
    int ql_add_square(uint64_t* total, ql_i128 x)

cdef enum Outcome:
    FOLLOWED = 0
    NO_MID = 1  # a decision that was filled had seen no valid book of what it traded
    TOO_WIDE = 2  # a sum does not fit 128 bits
    UNORDERED = 3  # fills are not in the order of their times


cdef int64_t _decision_mid2(
    const decision_t* decision, const leg_t* legs, int64_t instrument
) noexcept nogil:
    """Twice the mid that a decision saw of an instrument; 0 where it saw none."""
    cdef Py_ssize_t j
    for j in range(decision.first_leg, decision.first_leg + decision.n_legs):
        if legs[j].instrument == instrument:
            # reference_price is five times twice the mid, 0 where the book was not valid.
            return legs[j].reference_price / 5
    return 0


cdef int _product(int64_t a, int64_t b, int64_t c, ql_i128* out) noexcept nogil:
    return ql_mul(ql_mul64(a, b), ql_mul64(c, 1), out)


cdef int _close_bucket(
    bucket_sums_t* s, const int64_t* held, const int64_t* weights, const int64_t* mid2, Py_ssize_t n,
    Py_ssize_t stride,
) noexcept nogil:
    """Value what is held at the bucket's last mids, and add the bucket's increment."""
    cdef ql_i128 value = s.traded, part
    cdef Py_ssize_t i
    for i in range(n):
        if held[i] == 0:
            continue
        if mid2[i * stride] == 0:
            return NO_MID
        if _product(held[i], mid2[i * stride], weights[i], &part) or ql_add(value, part, &value):
            return TOO_WIDE
    if ql_cmp(value, s.before) == 0:
        return FOLLOWED
    if ql_sub(value, s.before, &part) or ql_add(s.total, part, &s.total):
        return TOO_WIDE
    s.before = value
    return TOO_WIDE if ql_add_square(s.squares, part) else FOLLOWED


cdef int sum_buckets(
    const engine_t* e, bucket_sums_t* s, int64_t* held, const int64_t* weights,
    const int64_t* ends, Py_ssize_t n_buckets, const int64_t* mid2,
) except -1 nogil:
    cdef const decision_t* decisions = <const decision_t*>e.decisions.data
    cdef const leg_t* legs = <const leg_t*>e.legs.data
    cdef const fill_t* fills = <const fill_t*>e.fills.data
    cdef Py_ssize_t n = e.n_instruments, f = 0, b, i, steps = 0
    cdef int64_t reference, signed_qty
    cdef ql_i128 part
    cdef int status
    memset(s, 0, sizeof(bucket_sums_t))
    memset(held, 0, n * sizeof(int64_t))
    for b in range(n_buckets):
        hear_after(&steps, n)
        while f < e.fills.n and fills[f].ts_ns <= ends[b]:
            hear_after(&steps, 1)
            if f and fills[f].ts_ns < fills[f - 1].ts_ns:
                return UNORDERED
            i = fills[f].instrument
            if fills[f].decision < 0:
                return NO_MID
            reference = _decision_mid2(decisions + fills[f].decision, legs, i)
            if reference == 0:
                return NO_MID
            signed_qty = fills[f].side * fills[f].qty
            if _product(signed_qty, reference, weights[i], &part):
                return TOO_WIDE
            if ql_sub(s.traded, part, &s.traded) or ql_add_i64(held[i], signed_qty, &held[i]):
                return TOO_WIDE
            f += 1
        status = _close_bucket(s, held, weights, mid2 + b, n, n_buckets)
        if status != FOLLOWED:
            return status
    return UNORDERED if f < e.fills.n else FOLLOWED


def bucket_sums(
    Engine engine,
    const int64_t[::1] weights,
    const int64_t[::1] ends,
    const int64_t[:, ::1] mid2,
):
    """Cut a finished run into clock buckets and sum their gross.

    Parameters
    ----------
    engine : Engine
        Finished, without flattening.
    weights : ndarray of int64, shape (n_instruments,)
        Money units of one ``quantity * mid2``.
    ends : ndarray of int64, shape (n_buckets,)
        Last stamp of each bucket, ns, ascending; no fill is later than the last.
    mid2 : ndarray of int64, shape (n_instruments, n_buckets)
        Bid plus ask of the last valid book at each end; 0 before the first.

    Returns
    -------
    followed : bool
        False where a decision that was filled had seen no valid book; the sums are then 0.
    total, squares : int
        Sum of the buckets' gross, money units, and sum of their squares.

    Raises
    ------
    OverflowError
        When money does not fit 128 bits.
    ValueError
        When shapes differ, or fills are not in the order of time within the buckets.
    """
    cdef bucket_sums_t s
    cdef Py_ssize_t n = engine.e.n_instruments, n_buckets = ends.shape[0], k
    cdef int64_t[::1] held = np.zeros(n, dtype=np.int64)
    cdef int status
    if weights.shape[0] != n or mid2.shape[0] != n or mid2.shape[1] != n_buckets or not n_buckets:
        raise ValueError("weights are one an instrument, mids one an instrument and bucket")
    with nogil:
        status = sum_buckets(
            &engine.e, &s, &held[0], &weights[0], &ends[0], n_buckets, &mid2[0, 0]
        )
    if status == NO_MID:
        return False, 0, 0
    if status == TOO_WIDE:
        raise OverflowError("the money of a clock bucket does not fit 128 bits")
    if status == UNORDERED:
        raise ValueError("fills are not in the order of time within the buckets")
    squares = 0
    for k in range(3, -1, -1):
        squares = (squares << 64) | int(s.squares[k])
    return True, wide_int(s.total), squares
