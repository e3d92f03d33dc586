"""Where each fill's money came from, in exact integers."""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

import numpy as np

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_fill, account_t
from quantlaxmi._ext.wide cimport *


def attribute(
    const fill_t[::1] fills,
    const decision_t[::1] decisions,
    const leg_t[::1] legs,
    const funding_paid_t[::1] funding,
    const int64_t[::1] scale,
    const int64_t[::1] own_mid,
):
    """Split the cash effect of every fill.

    ``cash = gross - slippage - fee + funding``, where ``gross`` is the cash of trading at the mid
    the decision saw, and ``funding`` what the instrument's position paid or received since its
    previous fill. All at 10**(ledger exponent - 1), because a mid may be half a unit.

    Parameters
    ----------
    fills, decisions, legs, funding : ndarrays of the schema's dtypes
    scale : ndarray of int64, shape (n_instruments,)
        Ledger units of one ``price * quantity`` mantissa product.
    own_mid : ndarray of int64, shape (n_fills,)
        The reference of fills that belong to no decision (flattening, closing), at price
        exponent - 1.

    Returns
    -------
    parts : ndarray of int64, shape (n_fills, 5, 2)
        ``gross, slippage, fee, funding, edge`` as 128-bit halves (hi, lo). ``edge`` is what the
        fill realised from mid to mid (0 for one that opens), by average cost at the mids.
    references : ndarray of int64, shape (n_fills,)
        The mid each fill is measured against, at price exponent - 1.
    status : int
        0, or the 1-based number of the first fill whose money does not fit 128 bits.
    """
    cdef Py_ssize_t n = fills.shape[0], i, j = 0, k
    parts_array = np.zeros((n, 5, 2), dtype=np.int64)
    references_array = np.zeros(n, dtype=np.int64)
    waiting_array = np.zeros((scale.shape[0] + 1, 2), dtype=np.int64)
    cdef int64_t[:, :, ::1] parts = parts_array
    cdef int64_t[::1] references = references_array
    cdef int64_t[:, ::1] waiting = waiting_array
    cdef int64_t ref, inst
    cdef ql_i128 notional, gross, slip, fee, paid, before, edge, ten = ql_mul64(10, 1)
    cdef ql_i128 unused_cash
    cdef Py_ssize_t status = 0
    cdef account_t* at_mid = <account_t*>calloc(scale.shape[0] + 1, sizeof(account_t))
    if at_mid == NULL:
        raise MemoryError("attribution")
    for k in range(scale.shape[0]):
        at_mid[k].scale = ql_mul64(scale[k], 1)
    with nogil:
        for i in range(n):
            while j < funding.shape[0] and funding[j].fills_before <= i:
                inst = funding[j].instrument
                if ql_add(
                    ql_join(waiting[inst, 0], waiting[inst, 1]),
                    ql_join(funding[j].amount_hi, funding[j].amount_lo), &paid,
                ):
                    status = i + 1
                    break
                waiting[inst, 0] = ql_hi(paid)
                waiting[inst, 1] = ql_lo(paid)
                j += 1
            if status:
                break
            inst = fills[i].instrument
            if fills[i].leg >= 0:
                ref = legs[fills[i].leg].reference_price
            elif fills[i].decision < 0:
                ref = own_mid[i]
            else:
                ref = 0
                for k in range(decisions[fills[i].decision].n_legs):
                    if legs[decisions[fills[i].decision].first_leg + k].instrument == inst:
                        ref = legs[decisions[fills[i].decision].first_leg + k].reference_price
                        break
            references[i] = ref
            before = at_mid[inst].realized
            unused_cash = ql_mul64(0, 0)
            if (
                ql_mul(ql_mul64(ref, fills[i].qty), ql_mul64(scale[inst], -fills[i].side), &gross)
                or ql_mul(ql_mul64(fills[i].price, fills[i].qty),
                          ql_mul64(scale[inst], -10 * fills[i].side), &notional)
                or ql_sub(gross, notional, &slip)
                or ql_mul(ql_join(fills[i].fee_hi, fills[i].fee_lo), ten, &fee)
                or ql_mul(ql_join(waiting[inst, 0], waiting[inst, 1]), ten, &paid)
                or account_fill(
                    &at_mid[inst], &unused_cash, fills[i].side, fills[i].qty, ref, ql_mul64(0, 0)
                )
                or ql_sub(at_mid[inst].realized, before, &edge)
            ):
                status = i + 1
                break
            waiting[inst, 0] = 0
            waiting[inst, 1] = 0
            parts[i, 0, 0] = ql_hi(gross)
            parts[i, 0, 1] = ql_lo(gross)
            parts[i, 1, 0] = ql_hi(slip)
            parts[i, 1, 1] = ql_lo(slip)
            parts[i, 2, 0] = ql_hi(fee)
            parts[i, 2, 1] = ql_lo(fee)
            parts[i, 3, 0] = ql_hi(paid)
            parts[i, 3, 1] = ql_lo(paid)
            parts[i, 4, 0] = ql_hi(edge)
            parts[i, 4, 1] = ql_lo(edge)
    free(at_mid)
    return parts_array, references_array, status
