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
#endif
