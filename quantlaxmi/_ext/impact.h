/* Impact on a taker's price, in checked integers. Functions that can fail return nonzero.
 *
 * Rates are in units of 10**-12 * 2**-32 of the price: a basis point at 10**-8 is 10**-12 of it, and
 * square roots are kept to 2**-32. Everything rounds against the taker. */
#ifndef QL_IMPACT_H
#define QL_IMPACT_H
#include "int256.h"

/* Least r with r * r >= n, for n < 2**127; digit by digit. */
static inline ql_u128 ql_root_up(ql_u128 n) {
    ql_u128 rest = n, root = 0, bit = (ql_u128)1 << 126;
    while (bit > n) bit >>= 2;
    while (bit) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return root + (rest != 0);
}

/* fixed * 2**32 + root * ceil(sqrt(qty / touch) * 2**32); all are not negative, touch above 0. */
static inline int ql_impact_rate(
    int64_t fixed, int64_t root, int64_t qty, int64_t touch, ql_i128 *rate
) {
    ql_u128 ratio = (ql_u128)qty << 64, quotient = ratio / (ql_u128)touch;
    ql_i128 part = 0;
    quotient += quotient * (ql_u128)touch != ratio;
    if (root && ql_mul((ql_i128)ql_root_up(quotient), root, &part)) return 1;
    return ql_add((ql_i128)fixed << 32, part, rate);
}

/* price + side * ceil(price * rate), not below 1; fails above a tenth of int64 (see engine_core). */
static inline int ql_impact_price(int64_t price, int64_t side, ql_i128 rate, int64_t *out) {
    const ql_i128 den = (ql_i128)1000000000000LL << 32;
    ql_i128 amount, moved;
    if (ql_mul_div(price, rate, den, QL_CEILING, &amount)) return 1;
    if (side > 0 ? ql_add(price, amount, &moved) : ql_sub(price, amount, &moved)) return 1;
    if (moved < 1) moved = 1;
    if (moved > INT64_MAX / 10) return 1;
    *out = (int64_t)moved;
    return 0;
}
#endif
