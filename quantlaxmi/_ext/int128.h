/* Checked 128-bit helpers. All are exact; the ones that can fail return 0 on success, 1 on overflow.
 * Quantities of money in kernels are ql_i128; prices and quantities are int64.
 *
 * They are written once, over the few operations of int128_native.h. int128_words.h has the same
 * operations for compilers without __int128; QUANTLAXMI_PORTABLE_INT128=1 builds with it anywhere. */
#ifndef QUANTLAXMI_INT128_H
#define QUANTLAXMI_INT128_H
#include <stdint.h>

#if defined(QL_PORTABLE_INT128) || !defined(__SIZEOF_INT128__)
#include "int128_words.h"
#else
#include "int128_native.h"
#endif

static inline int ql_fits64(ql_i128 a) { return ql_hi(a) == (ql_lo(a) < 0 ? -1 : 0); }
static inline int64_t ql_to_i64(ql_i128 a) { return ql_lo(a); }
static inline ql_i128 ql_abs(ql_i128 a) { return ql_signed(ql_magnitude(a), 0); }
static inline int ql_is_zero(ql_i128 a) { return (ql_hi(a) | ql_lo(a)) == 0; }
static inline int ql_u_is_zero(ql_u128 a) { return (ql_u_hi(a) | ql_u_lo(a)) == 0; }
static inline int ql_u_is_odd(ql_u128 a) { return (int)(ql_u_lo(a) & 1); }
static inline ql_u128 ql_u_more(ql_u128 a, uint64_t more) { return ql_u_add(a, ql_u_join(0, more)); }

/* Sign of a*b - c*d: both products are exact in 128 bits, so the comparison is. */
static inline int64_t ql_cmp_products(int64_t a, int64_t b, int64_t c, int64_t d) {
    return ql_cmp(ql_mul64(a, b), ql_mul64(c, d));
}

/* Whether a rest of a division by den is below (-1), at (0) or above (1) one half. */
static inline int ql_half(ql_u128 rest, ql_u128 den) {
    ql_u128 lacks = ql_u_sub(den, rest); /* twice the rest may not fit */
    return ql_u_less(rest, lacks) ? -1 : ql_u_less(lacks, rest);
}

/* n / d rounded half to even; d > 0. */
static inline ql_i128 ql_div_half_even(ql_i128 n, ql_i128 d) {
    ql_u128 den = ql_u_bits(d), rest, q = ql_u_div(ql_magnitude(n), den, &rest);
    int half = ql_half(rest, den);
    if (half > 0 || (half == 0 && ql_u_is_odd(q))) q = ql_u_more(q, 1);
    return ql_signed(q, ql_is_negative(n));
}

/* Named roundings; the numbers are those of quantlaxmi.fixed.Rounding. */
enum { QL_HALF_EVEN = 0, QL_HALF_UP = 1, QL_DOWN = 2, QL_UP = 3, QL_FLOOR = 4, QL_CEILING = 5 };
#define QL_EXACT (-1) /* no rounding asked for: a rest is an error */

/* Whether a magnitude with a rest goes one up. half: the rest is below (-1), at (0) or above (1)
 * one half; odd: the last kept digit is odd. HALF_UP takes a tie away from zero. */
static inline int ql_rounds_away(int rounding, int negative, int odd, int half) {
    switch (rounding) {
    case QL_HALF_EVEN: return half > 0 || (half == 0 && odd);
    case QL_HALF_UP: return half >= 0;
    case QL_UP: return 1;
    case QL_FLOOR: return negative;
    case QL_CEILING: return !negative;
    default: return 0; /* QL_DOWN */
    }
}
/* a*b/c truncated, for a, b >= 0, c > 0 and a result known to fit (b <= c). */
static inline int64_t ql_muldiv(int64_t a, int64_t b, int64_t c) {
    ql_u128 rest;
    return (int64_t)ql_u_lo(ql_u_div(ql_u_mul64((uint64_t)a, (uint64_t)b), ql_u_join(0, (uint64_t)c), &rest));
}

/* 10**0 .. 10**38, all that fit. */
static const ql_i128 QL_TENS[39] = {
    QL_WORDS(0x0ULL, 0x1ULL), QL_WORDS(0x0ULL, 0xaULL),
    QL_WORDS(0x0ULL, 0x64ULL), QL_WORDS(0x0ULL, 0x3e8ULL),
    QL_WORDS(0x0ULL, 0x2710ULL), QL_WORDS(0x0ULL, 0x186a0ULL),
    QL_WORDS(0x0ULL, 0xf4240ULL), QL_WORDS(0x0ULL, 0x989680ULL),
    QL_WORDS(0x0ULL, 0x5f5e100ULL), QL_WORDS(0x0ULL, 0x3b9aca00ULL),
    QL_WORDS(0x0ULL, 0x2540be400ULL), QL_WORDS(0x0ULL, 0x174876e800ULL),
    QL_WORDS(0x0ULL, 0xe8d4a51000ULL), QL_WORDS(0x0ULL, 0x9184e72a000ULL),
    QL_WORDS(0x0ULL, 0x5af3107a4000ULL), QL_WORDS(0x0ULL, 0x38d7ea4c68000ULL),
    QL_WORDS(0x0ULL, 0x2386f26fc10000ULL), QL_WORDS(0x0ULL, 0x16345785d8a0000ULL),
    QL_WORDS(0x0ULL, 0xde0b6b3a7640000ULL), QL_WORDS(0x0ULL, 0x8ac7230489e80000ULL),
    QL_WORDS(0x5ULL, 0x6bc75e2d63100000ULL), QL_WORDS(0x36ULL, 0x35c9adc5dea00000ULL),
    QL_WORDS(0x21eULL, 0x19e0c9bab2400000ULL), QL_WORDS(0x152dULL, 0x2c7e14af6800000ULL),
    QL_WORDS(0xd3c2ULL, 0x1bcecceda1000000ULL), QL_WORDS(0x84595ULL, 0x161401484a000000ULL),
    QL_WORDS(0x52b7d2ULL, 0xdcc80cd2e4000000ULL), QL_WORDS(0x33b2e3cULL, 0x9fd0803ce8000000ULL),
    QL_WORDS(0x204fce5eULL, 0x3e25026110000000ULL), QL_WORDS(0x1431e0faeULL, 0x6d7217caa0000000ULL),
    QL_WORDS(0xc9f2c9cd0ULL, 0x4674edea40000000ULL), QL_WORDS(0x7e37be2022ULL, 0xc0914b2680000000ULL),
    QL_WORDS(0x4ee2d6d415bULL, 0x85acef8100000000ULL), QL_WORDS(0x314dc6448d93ULL, 0x38c15b0a00000000ULL),
    QL_WORDS(0x1ed09bead87c0ULL, 0x378d8e6400000000ULL), QL_WORDS(0x13426172c74d82ULL, 0x2b878fe800000000ULL),
    QL_WORDS(0xc097ce7bc90715ULL, 0xb34b9f1000000000ULL), QL_WORDS(0x785ee10d5da46d9ULL, 0xf436a000000000ULL),
    QL_WORDS(0x4b3b4ca85a86c47aULL, 0x98a224000000000ULL),
};

enum { QL_OK = 0, QL_OVERFLOW = 1, QL_INEXACT = 2, QL_ZERO_DIVISOR = 3 };

/* a * 10**k, k >= 0; 1 on overflow. */
static inline int ql_scale10(ql_i128 a, int64_t k, ql_i128 *r) {
    if (k == 0 || ql_is_zero(a)) { *r = a; return 0; }
    if (k > 38) return 1;
    return ql_mul(a, QL_TENS[k], r);
}

/* n * 10**k / d rounded to int64; |n| <= 2**126, |d| <= 2**63, any k. A QL_ status; a quotient
 * with a rest that does not fit either is QL_OVERFLOW under QL_EXACT too.
 * Overflow of a 128-bit intermediate decides the answer, so none of it is lost:
 * where n * 10**k leaves 128 bits the quotient is at least 2**127 / 2**63 and leaves 64;
 * where d * 10**-k does, the quotient lies strictly between -1/2 and 1/2. */
static inline int ql_quotient(ql_i128 n, ql_i128 d, int64_t k, int rounding, int64_t *out) {
    ql_u128 num, den, q, rest, limit;
    ql_i128 scaled;
    int negative;
    if (ql_is_zero(d)) return QL_ZERO_DIVISOR;
    if (ql_is_zero(n)) { *out = 0; return QL_OK; }
    negative = ql_is_negative(n) != ql_is_negative(d);
    limit = ql_u_join(0, (uint64_t)INT64_MAX + (negative ? 1 : 0));
    if (k >= 0) {
        if (ql_scale10(n, k, &scaled)) return QL_OVERFLOW;
        n = scaled;
    } else if (ql_scale10(d, -k, &scaled)) {
        if (rounding == QL_EXACT) return QL_INEXACT;
        *out = ql_rounds_away(rounding, negative, 0, -1);
        if (negative) *out = -*out;
        return QL_OK;
    } else {
        d = scaled;
    }
    num = ql_magnitude(n);
    den = ql_magnitude(d);
    if (ql_u_hi(den) == 0 && ql_u_lo(den) == 1) {
        q = num;
    } else {
        q = ql_u_div(num, den, &rest);
        if (!ql_u_is_zero(rest)) {
            if (rounding == QL_EXACT) return ql_u_less(limit, q) ? QL_OVERFLOW : QL_INEXACT;
            q = ql_u_more(
                q, ql_rounds_away(rounding, negative, ql_u_is_odd(q), ql_half(rest, den))
            );
        }
    }
    if (ql_u_less(limit, q)) return QL_OVERFLOW;
    *out = (int64_t)(negative ? 0 - ql_u_lo(q) : ql_u_lo(q));
    return QL_OK;
}

/* a * 10**ka + b * 10**kb in int64, ka and kb >= 0, one of them 0. A QL_ status. */
static inline int ql_add_scaled(int64_t a, int64_t ka, ql_i128 b, int64_t kb, int64_t *out) {
    ql_i128 x, y;
    if (ql_scale10(ql_wide(a), ka, &x) || ql_scale10(b, kb, &y) || ql_add(x, y, &x) || !ql_fits64(x))
        return QL_OVERFLOW;
    *out = ql_to_i64(x);
    return QL_OK;
}

/* Sign of a * 10**ea - b * 10**eb. */
static inline int ql_cmp_scaled(int64_t a, int64_t ea, int64_t b, int64_t eb) {
    int sa = (a > 0) - (a < 0), sb = (b > 0) - (b < 0);
    ql_i128 x = ql_wide(a), y = ql_wide(b);
    if (sa != sb || sa == 0) return (sa > sb) - (sa < sb);
    if (ea == eb) return (a > b) - (a < b);
    /* 10**19 > 2**63: the coarser one is the greater in magnitude. */
    if (ea - eb > 18) return sa;
    if (eb - ea > 18) return -sa;
    /* 2**63 * 10**18 fits. */
    if (ea > eb) (void)ql_mul(x, QL_TENS[ea - eb], &x); else (void)ql_mul(y, QL_TENS[eb - ea], &y);
    return ql_cmp(x, y);
}
/* Greatest common divisor of the magnitudes; 0 and a give a. */
static inline ql_i128 ql_gcd(ql_i128 a, ql_i128 b) {
    ql_u128 x = ql_magnitude(a), y = ql_magnitude(b), rest;
    while (!ql_u_is_zero(y)) {
        (void)ql_u_div(x, y, &rest);
        x = y;
        y = rest;
    }
    return ql_signed(x, 0);
}
#endif
