"""Cash and average-cost accounts in checked 128-bit integers.

The total cost of the open position is carried, not a price: a partial close takes
half-even(cost * q / Q) of it and leaves the rest, so that nothing is lost to rounding. Amounts fit
128 bits; products that are divided again need not.

A fee in base is taken from what was bought, in whole steps; what is below a step stays owed and is
taken with a later one, so that the fees of a run do not depend on how its orders were split. A buy
of q with such a fee f is booked as what it is: a buy of q - f at the same price, and a fee of f at
that price. A buy of no more than a step pays in quote, so that something is left of every buy.
"""
from libc.stdint cimport int64_t
from quantlaxmi._ext.wide cimport *

# What fills and settlements are charged; instruments with equal terms share one.
cdef struct charges_t:
    # fee = half-even(price * qty * num / den) * fee_scale; [0] maker, [1] taker, [2], [3] of sells
    ql_i128 fee_num[4]
    ql_i128 fee_den[4]
    ql_i128 fee_scale
    ql_i128 flat_fee[2]  # of an order at its first fill, ledger scale; [0] buys, [1] sells
    ql_i128 exercise_num  # of what a long position is paid where it settles, as fee_num
    ql_i128 exercise_den  # 0: nothing


cdef struct account_t:
    int64_t qty  # signed position
    ql_i128 cost  # of the open position, >= 0 for positive prices, ledger scale
    ql_i128 realized  # before fees and funding
    ql_i128 fees
    ql_i128 funding
    ql_i128 borrow  # interest paid on a short position that is borrowed
    ql_i128 scale  # 10**(price exponent + quantity exponent - ledger exponent)
    const charges_t* charges
    int64_t in_base  # buys pay their fee in base
    int64_t base_bps[2]  # of what is bought, 10**-8 bps; 0: that fee is paid in quote
    int64_t base_step  # fees in base are multiples of it, quantity units
    int64_t base_lot  # that orders which pay in base are multiples of; 1 where it is not known
    ql_i128 base_owed  # of fees in base and below a step, 10**-12 quantity units
    int64_t currency

cdef extern from *:
    """
    #define QL_WHOLE_BPS 1000000000000LL /* 10**4 bps at 10**-8 */
    """
    const int64_t QL_WHOLE_BPS


cdef inline int notional(const account_t* a, int64_t price, int64_t qty, ql_i128* out) noexcept nogil:
    return ql_mul(ql_mul64(price, qty), a.scale, out)


cdef inline int fee_of(
    const account_t* a, int64_t side, int64_t price, int64_t qty, int taker, bint first,
    ql_i128* out,
) noexcept nogil:
    """The fee of a fill; the ``first`` one of an order pays what is flat."""
    cdef int sells = side < 0, k = taker + 2 * sells
    cdef const charges_t* c = a.charges
    cdef ql_i128 n
    if ql_mul_div(ql_mul64(price, qty), c.fee_num[k], c.fee_den[k], QL_HALF_EVEN, &n):
        return 1
    if ql_mul(n, c.fee_scale, out):
        return 1
    return first and ql_add(out[0], c.flat_fee[sells], out)


cdef inline int exercise_fee(
    const account_t* a, int64_t position, int64_t intrinsic, ql_i128* out
) noexcept nogil:
    """What a position pays where it settles at ``intrinsic``, a price: only a long one in the money
    pays."""
    cdef const charges_t* c = a.charges
    cdef ql_i128 n
    out[0] = ql_wide(0)
    if position <= 0 or intrinsic <= 0 or ql_cmp(c.exercise_den, ql_wide(0)) == 0:
        return 0
    if ql_mul_div(
        ql_mul64(intrinsic, position), c.exercise_num, c.exercise_den, QL_HALF_EVEN, &n
    ):
        return 1
    return ql_mul(n, c.fee_scale, out)


cdef inline bint pays_in_base(
    const account_t* a, int64_t side, int64_t qty, int taker
) noexcept nogil:
    return side > 0 and a.base_bps[taker] > 0 and qty > a.base_step


cdef inline int64_t base_fee(
    const account_t* a, ql_i128* owed, int64_t qty, int taker
) noexcept nogil:
    """What a buy that pays in base pays, with ``owed`` before it, which becomes what is after it.

    Less than a step is owed, a step is at most 10**15 units and rates are at most a tenth: products
    fit, and of more than a step something is left.
    """
    cdef ql_i128 step = ql_mul64(a.base_step, QL_WHOLE_BPS)
    cdef ql_i128 due = ql_mul64(qty, a.base_bps[taker])
    cdef int64_t n
    ql_add(owed[0], due, &due)
    n = ql_to_i64(ql_divided(due, step))
    ql_sub(due, ql_mul64(n * a.base_step, QL_WHOLE_BPS), owed)
    return n * a.base_step


cdef inline int order_owing(
    const account_t* a, int64_t wanted, int64_t lot, int taker, const ql_i128* before, int64_t* qty
) noexcept nogil:
    """The smallest whole lots of which a buy leaves ``wanted`` after its fee, with ``before`` owed;
    1 on overflow.
    """
    cdef ql_i128 owed
    cdef int64_t lacks = wanted
    qty[0] = 0
    while lacks > 0:
        # One more unit bought is at most one more kept.
        if lacks % lot and ql_add_i64(lacks, lot - lacks % lot, &lacks):
            return 1
        if ql_add_i64(qty[0], lacks, qty):
            return 1
        owed = before[0]
        lacks = wanted - qty[0]
        if pays_in_base(a, 1, qty[0], taker):
            lacks += base_fee(a, &owed, qty[0], taker)
    return 0


cdef inline int order_for(
    const account_t* a, int64_t wanted, int64_t lot, int64_t* qty
) noexcept nogil:
    """The same for a buy at the market that is the next one."""
    return order_owing(a, wanted, lot, 1, &a.base_owed, qty)


cdef inline int account_fill(
    account_t* a, ql_i128* cash, int64_t side, int64_t qty, int64_t price, ql_i128 fee
) noexcept nogil:
    """Apply one fill; 0, or 1 on overflow (the account is then not to be used)."""
    cdef ql_i128 amount, released, part, gain
    cdef int64_t held, closing, rest = qty, sign
    if notional(a, price, qty, &amount):
        return 1
    if side > 0:
        if ql_sub(cash[0], amount, cash):
            return 1
    elif ql_add(cash[0], amount, cash):
        return 1
    if ql_sub(cash[0], fee, cash) or ql_add(a.fees, fee, &a.fees):
        return 1
    if a.qty != 0 and (a.qty > 0) != (side > 0):
        sign = 1 if a.qty > 0 else -1
        held = a.qty * sign
        closing = qty if qty < held else held
        if closing == held:
            released = a.cost
        elif ql_mul_div(
            a.cost, ql_mul64(closing, 1), ql_mul64(held, 1), QL_HALF_EVEN, &released
        ):
            return 1
        if notional(a, price, closing, &part) or ql_sub(part, released, &gain):
            return 1
        if sign > 0:
            if ql_add(a.realized, gain, &a.realized):
                return 1
        elif ql_sub(a.realized, gain, &a.realized):
            return 1
        if ql_sub(a.cost, released, &a.cost):
            return 1
        a.qty += side * closing
        rest = qty - closing
        if rest == 0:
            return 0
        if notional(a, price, rest, &amount):
            return 1
    if ql_add(a.cost, amount, &a.cost):
        return 1
    if side > 0 and a.qty > (<int64_t>0x7FFFFFFFFFFFFFFF) - rest:
        return 1
    if side < 0 and a.qty < -(<int64_t>0x7FFFFFFFFFFFFFFF) + rest:
        return 1
    a.qty += side * rest
    return 0


cdef inline int account_funding(
    account_t* a, ql_i128* cash, int64_t held, int64_t mark, int64_t rate, ql_i128 den,
    ql_i128* amount,
) noexcept nogil:
    """Pay or receive funding on what was held: -half-even(held * mark * rate / den)."""
    cdef ql_i128 n, factor
    if ql_mul(a.scale, ql_mul64(rate, 1), &factor):
        return 1
    if ql_mul_div(ql_mul64(mark, held), factor, den, QL_HALF_EVEN, &n):
        return 1
    if ql_sub(ql_mul64(0, 0), n, amount):
        return 1
    return ql_add(cash[0], amount[0], cash) or ql_add(a.funding, amount[0], &a.funding)
