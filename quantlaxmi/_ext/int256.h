/* Products of two 128-bit integers, exact in 256 bits, and their quotients.
 * Where a product fits 128 bits nothing else is paid for. */
#ifndef QUANTLAXMI_INT256_H
#define QUANTLAXMI_INT256_H
#include "int128.h"

typedef struct { ql_u128 hi, lo; } ql_u256;

/* a * b of magnitudes, word by word. */
static inline ql_u256 ql_product(ql_u128 a, ql_u128 b) {
    ql_u128 low = ql_u_mul64(ql_u_lo(a), ql_u_lo(b)), left = ql_u_mul64(ql_u_hi(a), ql_u_lo(b));
    ql_u128 right = ql_u_mul64(ql_u_lo(a), ql_u_hi(b)), top = ql_u_mul64(ql_u_hi(a), ql_u_hi(b));
    ql_u128 middle = ql_u_more(ql_u_join(0, ql_u_hi(low)), ql_u_lo(left));
    ql_u256 r;
    middle = ql_u_more(middle, ql_u_lo(right));
    r.lo = ql_u_join(ql_u_lo(middle), ql_u_lo(low));
    top = ql_u_more(ql_u_more(top, ql_u_hi(left)), ql_u_hi(right));
    r.hi = ql_u_more(top, ql_u_hi(middle));
    return r;
}

/* n / d bit by bit, for n.hi < d < 2**127: the quotient then fits 128 bits. */
static inline ql_u128 ql_long_division(ql_u256 n, ql_u128 d, ql_u128 *rest) {
    ql_u128 r = n.hi, q = n.lo;
    int i;
    for (i = 0; i < 128; i++) {
        r = ql_u_more(ql_u_left(r, 1), ql_u_hi(q) >> 63);
        q = ql_u_left(q, 1);
        if (!ql_u_less(r, d)) {
            r = ql_u_sub(r, d);
            q = ql_u_more(q, 1);
        }
    }
    *rest = r;
    return q;
}

/* a * b / d rounded as named (see ql_rounds_away), d > 0; 1 where the quotient leaves 128 bits. */
static inline int ql_mul_div(ql_i128 a, ql_i128 b, ql_i128 d, int rounding, ql_i128 *out) {
    int negative = ql_is_negative(a) != ql_is_negative(b);
    ql_u128 den = ql_u_bits(d), q, rest, limit = ql_u_join((uint64_t)1 << 63, 0);
    ql_i128 product;
    if (!negative) limit = ql_u_sub(limit, ql_u_join(0, 1));
    if (!ql_mul(a, b, &product)) {
        q = ql_u_div(ql_magnitude(product), den, &rest);
    } else {
        ql_u256 n = ql_product(ql_magnitude(a), ql_magnitude(b));
        if (!ql_u_less(n.hi, den)) return 1;
        q = ql_long_division(n, den, &rest);
    }
    if (
        !ql_u_is_zero(rest)
        && ql_rounds_away(rounding, negative, ql_u_is_odd(q), ql_half(rest, den))
    ) {
        if (!ql_u_less(q, limit)) return 1;
        q = ql_u_more(q, 1);
    }
    if (ql_u_less(limit, q)) return 1;
    *out = ql_signed(q, negative);
    return 0;
}

/* Sign of a * b - c * d, exact. */
static inline int ql_cmp_wide(ql_i128 a, ql_i128 b, ql_i128 c, ql_i128 d) {
    int left = (!ql_is_zero(a) && !ql_is_zero(b)) * (ql_is_negative(a) != ql_is_negative(b) ? -1 : 1);
    int right = (!ql_is_zero(c) && !ql_is_zero(d)) * (ql_is_negative(c) != ql_is_negative(d) ? -1 : 1);
    ql_u256 x, y;
    int less, more;
    if (left != right || left == 0) return (left > right) - (left < right);
    x = ql_product(ql_magnitude(a), ql_magnitude(b));
    y = ql_product(ql_magnitude(c), ql_magnitude(d));
    less = ql_u_less(x.hi, y.hi);
    more = ql_u_less(y.hi, x.hi);
    if (!less && !more) {
        less = ql_u_less(x.lo, y.lo);
        more = ql_u_less(y.lo, x.lo);
    }
    return left * (more - less);
}
#endif
