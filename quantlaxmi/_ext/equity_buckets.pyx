"""Equity of a run at the ends of clock buckets, straight from its records.

Equity is cash, less fees and interest (also what is owed and not paid yet), with funding, and what
is held at the mids of the ends: that of run/ledger_lines.py, without a line a fill. Money is 128 bits
wide and checked.
"""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.signals cimport hear_after, hear_far
from quantlaxmi._ext.wide cimport *

cdef enum Outcome:
    SUMMED = 0
    TOO_WIDE = 1  # a sum does not fit 128 bits
    UNORDERED = 2  # rows are not in the order of their times
    UNKNOWN = 3  # a row names an instrument that is not there


cdef struct sums_t:
    ql_i128 cash  # of all instruments, weighed, at the ledger's exponent
    Py_ssize_t f, p, b  # fills, settlements and interest read
    Py_ssize_t steps  # since signals were looked at


cdef inline int _add(ql_i128* total, ql_i128 amount, int64_t weight) noexcept nogil:
    cdef ql_i128 part
    if ql_mul(amount, ql_mul64(weight, 1), &part):
        return TOO_WIDE
    return TOO_WIDE if ql_add(total[0], part, total) else SUMMED


cdef int _fill(
    sums_t* s, const fill_t* fill, int64_t* held, int64_t scale, int64_t weight
) noexcept nogil:
    """Book a fill: what was paid for it and its fee."""
    cdef ql_i128 paid
    # Quantities are positive and sides +-1, so the negation fits.
    cdef int64_t signed_qty = fill.side * fill.qty
    if ql_mul(ql_mul64(-signed_qty, fill.price), ql_mul64(scale, 1), &paid):
        return TOO_WIDE
    if ql_sub(paid, ql_join(fill.fee_hi, fill.fee_lo), &paid):
        return TOO_WIDE
    if ql_add_i64(held[fill.instrument], signed_qty, &held[fill.instrument]):
        return TOO_WIDE
    return _add(&s.cash, paid, weight)


cdef int _owed(
    const borrow_paid_t[::1] borrow, Py_ssize_t b, int64_t i, int64_t end, int64_t mid2,
    const int64_t[:, ::1] loans, Py_ssize_t* steps, ql_i128* amount,
) except -1 nogil:
    """Interest since it was last paid, were the position changed at a time.

    The row that is paid next says since when, and what, is short.
    """
    cdef ql_i128 den = ql_join(loans[i, 1], loans[i, 2]), factor
    amount[0] = ql_mul64(0, 0)
    if ql_cmp(den, amount[0]) == 0:
        return SUMMED
    while b < borrow.shape[0] and borrow[b].instrument != i:
        hear_after(steps, 1)
        b += 1
    if b == borrow.shape[0] or borrow[b].since_ns >= end:
        return SUMMED
    if ql_mul(ql_mul64(loans[i, 0], 1), ql_mul64(end - borrow[b].since_ns, 1), &factor):
        return TOO_WIDE
    if ql_mul_div(ql_mul64(mid2, -borrow[b].position), factor, den, QL_HALF_EVEN, amount):
        return TOO_WIDE
    return SUMMED


cdef int _read_up_to(
    sums_t* s, int64_t end, const fill_t[::1] fills, const funding_paid_t[::1] funding,
    const int64_t[::1] paid_ns, const borrow_paid_t[::1] borrow, int64_t[::1] held,
    const int64_t[::1] scales, const int64_t[::1] weights,
) except -1 nogil:
    """Book all that happened up to a time."""
    cdef int64_t i
    cdef ql_i128 interest
    while s.f < fills.shape[0] and fills[s.f].ts_ns <= end:
        hear_far(s.f)
        if s.f and fills[s.f].ts_ns < fills[s.f - 1].ts_ns:
            return UNORDERED
        i = fills[s.f].instrument
        if i < 0 or i >= scales.shape[0]:
            return UNKNOWN
        if _fill(s, &fills[s.f], &held[0], scales[i], weights[i]):
            return TOO_WIDE
        s.f += 1
    while s.p < funding.shape[0] and paid_ns[s.p] <= end:
        hear_far(s.p)
        if s.p and paid_ns[s.p] < paid_ns[s.p - 1]:
            return UNORDERED
        i = funding[s.p].instrument
        if i < 0 or i >= scales.shape[0]:
            return UNKNOWN
        if _add(&s.cash, ql_join(funding[s.p].amount_hi, funding[s.p].amount_lo), weights[i]):
            return TOO_WIDE
        s.p += 1
    while s.b < borrow.shape[0] and borrow[s.b].ts_ns <= end:
        hear_far(s.b)
        if s.b and borrow[s.b].ts_ns < borrow[s.b - 1].ts_ns:
            return UNORDERED
        i = borrow[s.b].instrument
        if i < 0 or i >= scales.shape[0]:
            return UNKNOWN
        interest = ql_join(borrow[s.b].amount_hi, borrow[s.b].amount_lo)
        if ql_sub(ql_mul64(0, 0), interest, &interest):
            return TOO_WIDE
        if _add(&s.cash, interest, weights[i]):
            return TOO_WIDE
        s.b += 1
    return SUMMED


cdef int _mark(
    ql_i128* equity, int64_t qty, int64_t mid2, int64_t scale, int64_t weight
) noexcept nogil:
    """Add what a position is worth at a mid, at one exponent below the ledger's."""
    cdef ql_i128 part
    if ql_mul(ql_mul64(qty, mid2), ql_mul64(scale, 5), &part):
        return TOO_WIDE
    return _add(equity, part, weight)


cdef int _sum(
    sums_t* s, const fill_t[::1] fills, const funding_paid_t[::1] funding,
    const int64_t[::1] paid_ns, const borrow_paid_t[::1] borrow, int64_t[::1] held,
    const int64_t[::1] scales, const int64_t[::1] weights, const int64_t[:, ::1] loans,
    const int64_t[::1] ends, const int64_t[:, ::1] mid2, int64_t[:, ::1] out,
) except -1 nogil:
    cdef Py_ssize_t k, i
    cdef ql_i128 equity, owed
    cdef int status
    for k in range(ends.shape[0]):
        hear_after(&s.steps, held.shape[0])
        status = _read_up_to(
            s, ends[k], fills, funding, paid_ns, borrow, held, scales, weights
        )
        if status != SUMMED:
            return status
        if ql_mul(s.cash, ql_mul64(10, 1), &equity):
            return TOO_WIDE
        for i in range(held.shape[0]):
            if held[i] and _mark(&equity, held[i], mid2[i, k], scales[i], weights[i]):
                return TOO_WIDE
            if _owed(borrow, s.b, i, ends[k], mid2[i, k], loans, &s.steps, &owed):
                return TOO_WIDE
            if ql_mul(owed, ql_mul64(-10, 1), &owed) or _add(&equity, owed, weights[i]):
                return TOO_WIDE
        out[0, k] = ql_hi(equity)
        out[1, k] = ql_lo(equity)
    return SUMMED


def equity_buckets(
    const fill_t[::1] fills,  # IN
    const funding_paid_t[::1] funding,  # IN
    const int64_t[::1] paid_ns,  # IN (n_funding,)
    const borrow_paid_t[::1] borrow,  # IN
    const int64_t[::1] scales,  # IN (n_instruments,)
    const int64_t[::1] weights,  # IN (n_instruments,)
    const int64_t[:, ::1] loans,  # IN (n_instruments, 3)
    const int64_t[::1] ends,  # IN (n_ends,)
    const int64_t[:, ::1] mid2,  # IN (n_instruments, n_ends)
    int64_t[:, ::1] out,  # OUT (2, n_ends)
):
    """Write a run's equity at each end: its upper and its lower 64 bits.

    Parameters
    ----------
    fills, funding, borrow : ndarray of the schema's dtypes
        Records of a run, each table in the order of its times.
    paid_ns : ndarray of int64, shape (n_funding,)
        Receive times of the settlements.
    scales : ndarray of int64, shape (n_instruments,)
        Ledger units of one ``price * quantity``.
    weights : ndarray of int64, shape (n_instruments,)
        What an instrument's money is multiplied by in results.
    loans : ndarray of int64, shape (n_instruments, 3)
        Of the fraction of `quantlaxmi.execution.account_terms.borrow_terms` the numerator, and the
        denominator's upper and lower 64 bits; zeros where nothing is borrowed.
    ends : ndarray of int64, shape (n_ends,)
        Times, ascending; an end has all that happened up to its own time.
    mid2 : ndarray of int64, shape (n_instruments, n_ends)
        Bid plus ask of the last valid book at each end; 0 before the first.
    out : ndarray of int64, shape (2, n_ends)
        Equity at the ledger's exponent - 1, as halves of 128 bits.

    Raises
    ------
    OverflowError
        Money does not fit 128 bits.
    ValueError
        Shapes differ, a row names an instrument that is not there, or rows are not in the order of
        their times.
    """
    cdef sums_t s
    cdef int status
    cdef Py_ssize_t n = scales.shape[0]
    cdef int64_t[::1] held = np.zeros(max(n, 1), dtype=np.int64)[:n]
    if weights.shape[0] != n or mid2.shape[0] != n or mid2.shape[1] != ends.shape[0]:
        raise ValueError("scales and weights are one an instrument, mids one an instrument and end")
    if loans.shape[0] != n or loans.shape[1] != 3:
        raise ValueError("loans have three numbers an instrument")
    if out.shape[0] != 2 or out.shape[1] != ends.shape[0] or paid_ns.shape[0] != funding.shape[0]:
        raise ValueError("out has two rows of an entry an end, every settlement has its time")
    s.cash = ql_mul64(0, 0)
    s.f = s.p = s.b = s.steps = 0
    with nogil:
        status = _sum(
            &s, fills, funding, paid_ns, borrow, held, scales, weights, loans, ends,
            mid2, out,
        )
    if status == TOO_WIDE:
        raise OverflowError("the equity of a run does not fit 128 bits")
    if status == UNORDERED:
        raise ValueError("rows are not in the order of their times")
    if status == UNKNOWN:
        raise ValueError("a row names an instrument that is not there")
