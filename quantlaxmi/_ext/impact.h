/* Impact on a taker's price, in checked integers. Functions that can fail return nonzero.
 *
 * Rates are in units of 10**-12 * 2**-32 of the price: a basis point at 10**-8 is 10**-12 of it, and
 * square roots are kept to 2**-32. Everything rounds against the taker. */
#ifndef QL_IMPACT_H
#define QL_IMPACT_H
#include "int256.h"

/* Least r with r * r >= n, for n < 2**127; digit by digit. */
static inline ql_u128 ql_root_up(ql_u128 n) {
    ql_u128 rest = n, root = ql_u_join(0, 0), bit = ql_u_join((uint64_t)1 << 62, 0), next;
    while (ql_u_less(n, bit)) bit = ql_u_right(bit, 2);
    while (!ql_u_is_zero(bit)) {
        next = ql_u_add(root, bit);
        root = ql_u_right(root, 1);
        if (!ql_u_less(rest, next)) {
            rest = ql_u_sub(rest, next);
            root = ql_u_add(root, bit);
        }
        bit = ql_u_right(bit, 2);
    }
    return ql_u_more(root, !ql_u_is_zero(rest));
}

/* fixed * 2**32 + root * ceil(sqrt(qty / touch) * 2**32); all are not negative, touch above 0. */
static inline int ql_impact_rate(
    int64_t fixed, int64_t root, int64_t qty, int64_t touch, ql_i128 *rate
) {
    ql_u128 rest;
    ql_u128 quotient = ql_u_div(ql_u_join((uint64_t)qty, 0), ql_u_join(0, (uint64_t)touch), &rest);
    ql_i128 part = ql_wide(0);
    quotient = ql_u_more(quotient, !ql_u_is_zero(rest));
    if (root && ql_mul(ql_from_bits(ql_root_up(quotient)), ql_wide(root), &part)) return 1;
    return ql_add(ql_mul64(fixed, (int64_t)1 << 32), part, rate);
}

/* price + side * ceil(price * rate), not below 1; fails above a tenth of int64 (see engine_core). */
static inline int ql_impact_price(int64_t price, int64_t side, ql_i128 rate, int64_t *out) {
    const ql_i128 den = ql_mul64(1000000000000LL, (int64_t)1 << 32);
    ql_i128 amount, moved;
    if (ql_mul_div(ql_wide(price), rate, den, QL_CEILING, &amount)) return 1;
    if (side > 0 ? ql_add(ql_wide(price), amount, &moved) : ql_sub(ql_wide(price), amount, &moved))
        return 1;
    if (ql_cmp(moved, ql_wide(1)) < 0) moved = ql_wide(1);
    if (ql_cmp(moved, ql_wide(INT64_MAX / 10)) > 0) return 1;
    *out = ql_to_i64(moved);
    return 0;
}
#endif
