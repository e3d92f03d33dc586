/* Products of two 128-bit integers, exact in 256 bits, and their quotients.
 * Where a product fits 128 bits nothing else is paid for. */
#ifndef QUANTLAXMI_INT256_H
#define QUANTLAXMI_INT256_H
#include "int128.h"

typedef struct { ql_u128 hi, lo; } ql_u256;

static inline ql_u128 ql_magnitude(ql_i128 a) { return a < 0 ? -(ql_u128)a : (ql_u128)a; }

/* a * b of magnitudes, word by word. */
static inline ql_u256 ql_product(ql_u128 a, ql_u128 b) {
    ql_u128 a0 = (uint64_t)a, a1 = a >> 64, b0 = (uint64_t)b, b1 = b >> 64;
    ql_u128 low = a0 * b0, left = a1 * b0, right = a0 * b1, middle;
    ql_u256 r;
    middle = (low >> 64) + (uint64_t)left + (uint64_t)right;
    r.lo = (middle << 64) | (uint64_t)low;
    r.hi = a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64);
    return r;
}

/* n / d bit by bit, for n.hi < d < 2**127: the quotient then fits 128 bits. */
static inline ql_u128 ql_long_division(ql_u256 n, ql_u128 d, ql_u128 *rest) {
    ql_u128 r = n.hi, q = n.lo;
    int i;
    for (i = 0; i < 128; i++) {
        r = (r << 1) | (q >> 127);
        q <<= 1;
        if (r >= d) { r -= d; q |= 1; }
    }
    *rest = r;
    return q;
}

/* a * b / d rounded as named (see ql_rounds_away), d > 0; 1 where the quotient leaves 128 bits. */
static inline int ql_mul_div(ql_i128 a, ql_i128 b, ql_i128 d, int rounding, ql_i128 *out) {
    int negative = (a < 0) != (b < 0), half;
    ql_u128 den = (ql_u128)d, q, rest, limit = ((ql_u128)1 << 127) - (negative ? 0 : 1);
    ql_i128 product;
    if (!ql_mul(a, b, &product)) {
        ql_u128 n = ql_magnitude(product);
        q = n / den;
        rest = n - q * den;
    } else {
        ql_u256 n = ql_product(ql_magnitude(a), ql_magnitude(b));
        if (n.hi >= den) return 1;
        q = ql_long_division(n, den, &rest);
    }
    if (rest) {
        half = rest > den - rest ? 1 : (rest == den - rest ? 0 : -1);
        if (ql_rounds_away(rounding, negative, (int)(q & 1), half)) {
            if (q == limit) return 1;
            q += 1;
        }
    }
    if (q > limit) return 1;
    *out = negative ? (ql_i128)(0 - q) : (ql_i128)q;
    return 0;
}

/* Sign of a * b - c * d, exact. */
static inline int ql_cmp_wide(ql_i128 a, ql_i128 b, ql_i128 c, ql_i128 d) {
    int left = (a != 0 && b != 0) * ((a < 0) != (b < 0) ? -1 : 1);
    int right = (c != 0 && d != 0) * ((c < 0) != (d < 0) ? -1 : 1);
    ql_u256 x, y;
    int more;
    if (left != right || left == 0) return (left > right) - (left < right);
    x = ql_product(ql_magnitude(a), ql_magnitude(b));
    y = ql_product(ql_magnitude(c), ql_magnitude(d));
    more = x.hi != y.hi ? (x.hi > y.hi) - (x.hi < y.hi) : (x.lo > y.lo) - (x.lo < y.lo);
    return left * more;
}
#endif
