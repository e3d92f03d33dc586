/* The names of int128_words.h where the compiler has __int128 (gcc and clang, 64-bit machines). */
#ifndef QL_INT128_NATIVE_H
#define QL_INT128_NATIVE_H
#include <stdint.h>

typedef unsigned __int128 ql_u128;
typedef __int128 ql_i128;

#define QL_WORDS(hi, lo) ((ql_i128)(((ql_u128)(hi) << 64) | (uint64_t)(lo)))

static inline ql_u128 ql_u_join(uint64_t hi, uint64_t lo) { return ((ql_u128)hi << 64) | lo; }
static inline uint64_t ql_u_hi(ql_u128 a) { return (uint64_t)(a >> 64); }
static inline uint64_t ql_u_lo(ql_u128 a) { return (uint64_t)a; }
static inline int ql_u_less(ql_u128 a, ql_u128 b) { return a < b; }
static inline ql_u128 ql_u_add(ql_u128 a, ql_u128 b) { return a + b; }
static inline ql_u128 ql_u_sub(ql_u128 a, ql_u128 b) { return a - b; }
static inline ql_u128 ql_u_left(ql_u128 a, int n) { return a << n; }
static inline ql_u128 ql_u_right(ql_u128 a, int n) { return a >> n; }
static inline ql_u128 ql_u_mul64(uint64_t a, uint64_t b) { return (ql_u128)a * b; }
static inline ql_u128 ql_u_mul(ql_u128 a, ql_u128 b) { return a * b; }
static inline ql_u128 ql_u_div(ql_u128 n, ql_u128 d, ql_u128 *rest) {
    ql_u128 q;
    /* The narrow division is several times cheaper and most often enough. */
    if ((uint64_t)(n >> 64) == 0 && (uint64_t)(d >> 64) == 0) {
        q = (uint64_t)n / (uint64_t)d;
        *rest = (uint64_t)n % (uint64_t)d;
        return q;
    }
    q = n / d;
    *rest = n - q * d;
    return q;
}

static inline ql_i128 ql_join(int64_t hi, int64_t lo) {
    return (ql_i128)(((ql_u128)(uint64_t)hi << 64) | (uint64_t)lo);
}
static inline int64_t ql_hi(ql_i128 a) { return (int64_t)(a >> 64); }
static inline int64_t ql_lo(ql_i128 a) { return (int64_t)(uint64_t)(ql_u128)a; }
static inline ql_u128 ql_u_bits(ql_i128 a) { return (ql_u128)a; }
static inline ql_i128 ql_from_bits(ql_u128 a) { return (ql_i128)a; }
static inline ql_i128 ql_wide(int64_t a) { return a; }
static inline int ql_is_negative(ql_i128 a) { return a < 0; }
static inline int ql_add(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_add_overflow(a, b, r); }
static inline int ql_sub(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_sub_overflow(a, b, r); }
static inline ql_u128 ql_magnitude(ql_i128 a) { return a < 0 ? -(ql_u128)a : (ql_u128)a; }
static inline ql_i128 ql_signed(ql_u128 magnitude, int negative) {
    return (ql_i128)(negative ? 0 - magnitude : magnitude);
}
static inline int ql_mul(ql_i128 a, ql_i128 b, ql_i128 *r) { return __builtin_mul_overflow(a, b, r); }
static inline ql_i128 ql_mul64(int64_t a, int64_t b) { return (ql_i128)a * b; }
static inline int ql_cmp(ql_i128 a, ql_i128 b) { return (a > b) - (a < b); }
static inline ql_i128 ql_divided(ql_i128 a, ql_i128 b) { return a / b; }
static inline int ql_add_i64(int64_t a, int64_t b, int64_t *r) { return __builtin_add_overflow(a, b, r); }
#endif
