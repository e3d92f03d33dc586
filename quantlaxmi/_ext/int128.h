/* Checked 128-bit helpers. All are exact; the ones that can fail return 0 on success, 1 on overflow.
 * Quantities of money in kernels are ql_i128; prices and quantities are int64. */
#ifndef QUANTLAXMI_INT128_H
#define QUANTLAXMI_INT128_H
#include <stdint.h>

#if !defined(__SIZEOF_INT128__)
#error "quantlaxmi needs a compiler with __int128 (gcc or clang on a 64-bit machine)"
#endif

typedef __int128 ql_i128;
typedef unsigned __int128 ql_u128;

static inline ql_i128 ql_mul64(int64_t a, int64_t b) { return (ql_i128)a * b; }
static inline int ql_add(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_add_overflow(a, b, r); }
static inline int ql_sub(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_sub_overflow(a, b, r); }
static inline int ql_mul(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_mul_overflow(a, b, r); }
static inline int64_t ql_hi(ql_i128 a) { return (int64_t)(a >> 64); }
static inline int64_t ql_lo(ql_i128 a) { return (int64_t)(uint64_t)(ql_u128)a; }
static inline ql_i128 ql_join(int64_t hi, int64_t lo) {
    return (ql_i128)(((ql_u128)(uint64_t)hi << 64) | (uint64_t)lo);
}
static inline int ql_fits64(ql_i128 a) { return a >= INT64_MIN && a <= INT64_MAX; }

/* Sign of a*b - c*d: both products are exact in 128 bits, so the comparison is. */
static inline int64_t ql_cmp_products(int64_t a, int64_t b, int64_t c, int64_t d) {
    ql_i128 x = (ql_i128)a * b, y = (ql_i128)c * d;
    return (x > y) - (x < y);
}

/* n / d rounded half to even; d > 0. */
static inline ql_i128 ql_div_half_even(ql_i128 n, ql_i128 d) {
    ql_i128 q = n / d, r = n % d;
    if (r < 0) { r += d; q -= 1; }      /* floor; 0 <= r < d */
    ql_i128 rest = d - r;               /* r ? d - r avoids 2*r overflow */
    if (r > rest || (r == rest && (q & 1))) q += 1;
    return q;
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
static inline int64_t ql_muldiv(int64_t a, int64_t b, int64_t c) { return (int64_t)((ql_i128)a * b / c); }

static inline int ql_add_i64(int64_t a, int64_t b, int64_t *r) { return __builtin_add_overflow(a, b, r); }

#define QL_1E19 ((ql_i128)10000000000000000000ULL)
/* 10**0 .. 10**38, all that fit. */
static const ql_i128 QL_TENS[39] = {
    1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL, 100000000LL, 1000000000LL,
    10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL, 100000000000000LL,
    1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL, QL_1E19,
    QL_1E19 * 10LL, QL_1E19 * 100LL, QL_1E19 * 1000LL, QL_1E19 * 10000LL, QL_1E19 * 100000LL,
    QL_1E19 * 1000000LL, QL_1E19 * 10000000LL, QL_1E19 * 100000000LL, QL_1E19 * 1000000000LL,
    QL_1E19 * 10000000000LL, QL_1E19 * 100000000000LL, QL_1E19 * 1000000000000LL,
    QL_1E19 * 10000000000000LL, QL_1E19 * 100000000000000LL, QL_1E19 * 1000000000000000LL,
    QL_1E19 * 10000000000000000LL, QL_1E19 * 100000000000000000LL,
    QL_1E19 * 1000000000000000000LL, QL_1E19 * QL_1E19,
};

enum { QL_OK = 0, QL_OVERFLOW = 1, QL_INEXACT = 2, QL_ZERO_DIVISOR = 3 };

/* a * 10**k, k >= 0; 1 on overflow. */
static inline int ql_scale10(ql_i128 a, int64_t k, ql_i128 *r) {
    if (k == 0 || a == 0) { *r = a; return 0; }
    if (k > 38) return 1;
    return __builtin_mul_overflow(a, QL_TENS[k], r);
}

/* n * 10**k / d rounded to int64; |n| <= 2**126, |d| <= 2**63, any k. A QL_ status; a quotient
 * with a rest that does not fit either is QL_OVERFLOW under QL_EXACT too.
 * Overflow of a 128-bit intermediate decides the answer, so none of it is lost:
 * where n * 10**k leaves 128 bits the quotient is at least 2**127 / 2**63 and leaves 64;
 * where d * 10**-k does, the quotient lies strictly between -1/2 and 1/2. */
static inline int ql_quotient(ql_i128 n, ql_i128 d, int64_t k, int rounding, int64_t *out) {
    ql_u128 num, den, q, rest, limit;
    ql_i128 scaled;
    int negative, half;
    if (d == 0) return QL_ZERO_DIVISOR;
    if (n == 0) { *out = 0; return QL_OK; }
    negative = (n < 0) != (d < 0);
    limit = (ql_u128)INT64_MAX + (negative ? 1 : 0);
    if (k >= 0) {
        if (ql_scale10(n, k, &scaled)) return QL_OVERFLOW;
        n = scaled;
    } else if (ql_scale10(d, -k, &scaled)) {
        if (rounding == QL_EXACT) return QL_INEXACT;
        q = ql_rounds_away(rounding, negative, 0, -1);
        *out = negative ? -(int64_t)q : (int64_t)q;
        return QL_OK;
    } else {
        d = scaled;
    }
    num = n < 0 ? -(ql_u128)n : (ql_u128)n;
    den = d < 0 ? -(ql_u128)d : (ql_u128)d;
    if (den == 1) {
        q = num;
    } else {
        /* The narrow division is several times cheaper and most often enough. */
        if ((num >> 64) == 0 && (den >> 64) == 0) {
            q = (uint64_t)num / (uint64_t)den;
            rest = (uint64_t)num % (uint64_t)den;
        } else {
            q = num / den;
            rest = num - q * den;
        }
        if (rest) {
            if (rounding == QL_EXACT) return q > limit ? QL_OVERFLOW : QL_INEXACT;
            half = rest > den - rest ? 1 : (rest == den - rest ? 0 : -1);
            q += ql_rounds_away(rounding, negative, (int)(q & 1), half);
        }
    }
    if (q > limit) return QL_OVERFLOW;
    *out = negative ? (int64_t)(0 - (uint64_t)q) : (int64_t)q;
    return QL_OK;
}

/* a * 10**ka + b * 10**kb in int64, ka and kb >= 0, one of them 0. A QL_ status. */
static inline int ql_add_scaled(int64_t a, int64_t ka, ql_i128 b, int64_t kb, int64_t *out) {
    ql_i128 x, y;
    if (ql_scale10(a, ka, &x) || ql_scale10(b, kb, &y) || ql_add(x, y, &x) || !ql_fits64(x))
        return QL_OVERFLOW;
    *out = (int64_t)x;
    return QL_OK;
}

/* Sign of a * 10**ea - b * 10**eb. */
static inline int ql_cmp_scaled(int64_t a, int64_t ea, int64_t b, int64_t eb) {
    int sa = (a > 0) - (a < 0), sb = (b > 0) - (b < 0);
    ql_i128 x = a, y = b;
    if (sa != sb || sa == 0) return (sa > sb) - (sa < sb);
    if (ea == eb) return (a > b) - (a < b);
    /* 10**19 > 2**63: the coarser one is the greater in magnitude. */
    if (ea - eb > 18) return sa;
    if (eb - ea > 18) return -sa;
    if (ea > eb) x *= QL_TENS[ea - eb]; else y *= QL_TENS[eb - ea];
    return (x > y) - (x < y);
}
/* Greatest common divisor of the magnitudes; 0 and a give a. */
static inline ql_i128 ql_gcd(ql_i128 a, ql_i128 b) {
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) { ql_i128 t = a % b; a = b; b = t; }
    return a;
}
static inline ql_i128 ql_divided(ql_i128 a, ql_i128 unit) { return a / unit; }
static inline int ql_cmp(ql_i128 a, ql_i128 b) { return (a > b) - (a < b); }
static inline ql_i128 ql_abs(ql_i128 a) { return a < 0 ? -a : a; }
static inline int64_t ql_to_i64(ql_i128 a) { return (int64_t)a; }
#endif
