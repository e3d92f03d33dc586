"""Where each fill's money came from, in exact integers."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_fill, account_t
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.wide cimport *


cdef struct parts_t:
    # One fill's money, at 10**(ledger exponent - 1).
    ql_i128 gross
    ql_i128 slippage
    ql_i128 fee
    ql_i128 funding
    ql_i128 borrow
    ql_i128 edge


cdef int _split(
    const fill_t* f, int64_t reference, int64_t scale, account_t* at_mid, parts_t* p
) noexcept nogil:
    """Split one fill's cash; the account has the funding and interest since the fill before."""
    cdef ql_i128 ten = ql_mul64(10, 1), before = at_mid.realized, unused_cash = ql_mul64(0, 0)
    cdef ql_i128 notional
    return (
        ql_mul(ql_mul64(reference, f.qty), ql_mul64(scale, -f.side), &p.gross)
        or ql_mul(ql_mul64(f.price, f.qty), ql_mul64(scale, -10 * f.side), &notional)
        or ql_sub(p.gross, notional, &p.slippage)
        or ql_mul(ql_join(f.fee_hi, f.fee_lo), ten, &p.fee)
        or ql_mul(at_mid.funding, ten, &p.funding)
        or ql_mul(at_mid.borrow, ten, &p.borrow)
        or account_fill(at_mid, &unused_cash, f.side, f.qty, reference, ql_mul64(0, 0))
        or ql_sub(at_mid.realized, before, &p.edge)
    )


cdef struct sum_t:
    # A sum of 128-bit integers, exact in any number a run can have: upper and lower halves apart.
    ql_i128 hi
    ql_i128 lo  # of halves read as unsigned


cdef inline void _gather(sum_t* sum, int64_t hi, int64_t lo, int64_t sign) noexcept nogil:
    # 2**32 rows of 64 bits stay below 2**97.
    ql_add(sum.hi, ql_mul64(hi, sign), &sum.hi)
    if sign > 0:
        ql_add(sum.lo, ql_join(0, lo), &sum.lo)
    else:
        ql_sub(sum.lo, ql_join(0, lo), &sum.lo)


cdef object _whole(const sum_t* sum):
    return (wide_int(sum.hi) << 64) + wide_int(sum.lo)


cdef struct rows_t:
    const fill_t* fills
    const decision_t* decisions
    const leg_t* legs
    const funding_paid_t* funding
    const borrow_paid_t* borrow
    const int64_t* scale
    const int64_t* own_mid
    Py_ssize_t n_fills
    Py_ssize_t n_funding
    Py_ssize_t n_borrow
    Py_ssize_t n_instruments


cdef inline int64_t _reference(
    const fill_t* f, const decision_t* decisions, const leg_t* legs, int64_t own_mid
) noexcept nogil:
    """The mid that the fill's leg saw; of a trim, the one that its decision's leg saw."""
    cdef Py_ssize_t k, first
    if f.leg >= 0:
        return legs[f.leg].reference_price
    if f.decision < 0:
        return own_mid
    first = decisions[f.decision].first_leg
    for k in range(first, first + decisions[f.decision].n_legs):
        if legs[k].instrument == f.instrument:
            return legs[k].reference_price
    return 0


# Of gross, slippage, fee, funding and borrow in the cash effect of a fill.
cdef int64_t[5] _SIGNS
_SIGNS[:] = [1, -1, -1, 1, -1]
cdef enum:
    _EDGE = 5


cdef void _gather_open(
    const rows_t* r, const account_t* at_mid, Py_ssize_t j, Py_ssize_t b, sum_t* late
) noexcept nogil:
    """Funding and interest that came after the last fill of their instrument, in ledger units."""
    cdef Py_ssize_t k
    for k in range(r.n_instruments):
        _gather(late, ql_hi(at_mid[k].funding), ql_lo(at_mid[k].funding), 1)
        _gather(late, ql_hi(at_mid[k].borrow), ql_lo(at_mid[k].borrow), -1)
    for k in range(j, r.n_funding):
        _gather(late, r.funding[k].amount_hi, r.funding[k].amount_lo, 1)
    for k in range(b, r.n_borrow):
        _gather(late, r.borrow[k].amount_hi, r.borrow[k].amount_lo, -1)


cdef Py_ssize_t _attribute(
    const rows_t* r,
    account_t* at_mid,          # by instrument, traded at the references; funding and interest
                                # are those since its last fill
    int64_t[:, :, ::1] parts,   # OUT (n_fills, 6, 2)
    int64_t[::1] references,    # OUT (n_fills,)
    sum_t* cash,                # OUT cash effects of all fills
    sum_t* late,                # OUT what came after the last fills, in ledger units
) except -1 nogil:
    """0, or the 1-based number of the first fill whose money does not fit."""
    cdef Py_ssize_t i, j = 0, b = 0, k
    cdef int64_t inst
    cdef parts_t p
    cdef ql_i128 each[6]
    cdef const fill_t* f
    cdef const funding_paid_t* paid
    cdef const borrow_paid_t* interest
    cdef account_t* a
    for i in range(r.n_fills):
        hear(i)
        while j < r.n_funding and r.funding[j].fills_before <= i:
            paid = &r.funding[j]
            a = &at_mid[paid.instrument]
            if ql_add(a.funding, ql_join(paid.amount_hi, paid.amount_lo), &a.funding):
                return i + 1
            j += 1
        while b < r.n_borrow and r.borrow[b].fills_before <= i:
            interest = &r.borrow[b]
            a = &at_mid[interest.instrument]
            if ql_add(a.borrow, ql_join(interest.amount_hi, interest.amount_lo), &a.borrow):
                return i + 1
            b += 1
        f = &r.fills[i]
        inst = f.instrument
        references[i] = _reference(f, r.decisions, r.legs, r.own_mid[i])
        if _split(f, references[i], r.scale[inst], &at_mid[inst], &p):
            return i + 1
        at_mid[inst].funding = at_mid[inst].borrow = ql_mul64(0, 0)
        each[0], each[1], each[2], each[3] = p.gross, p.slippage, p.fee, p.funding
        each[4], each[5] = p.borrow, p.edge
        for k in range(6):
            parts[i, k, 0] = ql_hi(each[k])
            parts[i, k, 1] = ql_lo(each[k])
            if k != _EDGE:
                _gather(cash, parts[i, k, 0], parts[i, k, 1], _SIGNS[k])
    _gather_open(r, at_mid, j, b, late)
    return 0


def attribute(
    const fill_t[::1] fills,
    const decision_t[::1] decisions,
    const leg_t[::1] legs,
    const funding_paid_t[::1] funding,
    const borrow_paid_t[::1] borrow,
    const int64_t[::1] scale,
    const int64_t[::1] own_mid,
):
    """Split the cash effect of every fill.

    ``cash = gross - slippage - fee + funding - borrow``, where ``gross`` is the cash of trading at
    the mid the decision saw, ``funding`` what the instrument's position received and ``borrow`` the
    interest it paid since its previous fill. All at 10**(ledger exponent - 1), because a mid may be half a unit.

    Parameters
    ----------
    fills, decisions, legs, funding, borrow : ndarrays of the schema's dtypes
    scale : ndarray of int64, shape (n_instruments,)
        Ledger units of one ``price * quantity`` mantissa product.
    own_mid : ndarray of int64, shape (n_fills,)
        The reference of fills that belong to no decision (flattening, closing), at price
        exponent - 1.

    Returns
    -------
    parts : ndarray of int64, shape (n_fills, 6, 2)
        ``gross, slippage, fee, funding, borrow, edge`` as 128-bit halves (hi, lo). ``edge`` is what the
        fill realised from mid to mid (0 for one that opens), by average cost at the mids.
    references : ndarray of int64, shape (n_fills,)
        The mid each fill is measured against, at price exponent - 1.
    status : int
        0, or the 1-based number of the first fill whose money does not fit 128 bits.
    cash : int
        Sum of all cash effects, and of the funding and interest after the last fill of their
        instrument.
    """
    parts = np.zeros((fills.shape[0], 6, 2), dtype=np.int64)
    references = np.zeros(fills.shape[0], dtype=np.int64)
    cdef int64_t[:, :, ::1] parts_view = parts
    cdef int64_t[::1] references_view = references
    cdef Py_ssize_t status = 0, k, n = scale.shape[0]
    cdef rows_t rows
    cdef sum_t cash, late
    cdef account_t* at_mid = <account_t*>calloc(n + 1, sizeof(account_t))
    if at_mid == NULL:
        raise MemoryError("attribution")
    for k in range(n):
        at_mid[k].scale = ql_mul64(scale[k], 1)
    rows.fills = &fills[0] if fills.shape[0] else NULL
    rows.decisions = &decisions[0] if decisions.shape[0] else NULL
    rows.legs = &legs[0] if legs.shape[0] else NULL
    rows.funding = &funding[0] if funding.shape[0] else NULL
    rows.borrow = &borrow[0] if borrow.shape[0] else NULL
    rows.scale = &scale[0] if n else NULL
    rows.own_mid = &own_mid[0] if own_mid.shape[0] else NULL
    rows.n_fills, rows.n_funding, rows.n_borrow = fills.shape[0], funding.shape[0], borrow.shape[0]
    rows.n_instruments = n
    cash.hi = cash.lo = late.hi = late.lo = ql_mul64(0, 0)
    try:
        with nogil:
            status = _attribute(&rows, at_mid, parts_view, references_view, &cash, &late)
    finally:
        free(at_mid)
    return parts, references, status, _whole(&cash) + 10 * _whole(&late)
