/* 128-bit integers of two 64-bit words, in C11 alone: for compilers without __int128.
 * The same names stand in int128_native.h, with the same results: tests/ext/test_int128_words.py
 * compares both with Python's integers. Unsigned operations wrap; those of ql_i128 that return int
 * return 1 on overflow, and *r is then not to be used. */
#ifndef QL_INT128_WORDS_H
#define QL_INT128_WORDS_H
#include <stdint.h>

typedef struct { uint64_t lo, hi; } ql_u128;
typedef struct { uint64_t lo, hi; } ql_i128; /* two's complement */

#define QL_WORDS(hi, lo) {(lo), (hi)} /* an initializer of either */

static inline ql_u128 ql_u_join(uint64_t hi, uint64_t lo) { ql_u128 r = {lo, hi}; return r; }
static inline uint64_t ql_u_hi(ql_u128 a) { return a.hi; }
static inline uint64_t ql_u_lo(ql_u128 a) { return a.lo; }
static inline int ql_u_less(ql_u128 a, ql_u128 b) {
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}
static inline ql_u128 ql_u_add(ql_u128 a, ql_u128 b) {
    uint64_t lo = a.lo + b.lo;
    return ql_u_join(a.hi + b.hi + (lo < a.lo), lo);
}
static inline ql_u128 ql_u_sub(ql_u128 a, ql_u128 b) {
    return ql_u_join(a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo);
}
/* n from 0 to 127. */
static inline ql_u128 ql_u_left(ql_u128 a, int n) {
    if (n == 0) return a;
    if (n >= 64) return ql_u_join(a.lo << (n - 64), 0);
    return ql_u_join((a.hi << n) | (a.lo >> (64 - n)), a.lo << n);
}
static inline ql_u128 ql_u_right(ql_u128 a, int n) {
    if (n == 0) return a;
    if (n >= 64) return ql_u_join(0, a.hi >> (n - 64));
    return ql_u_join(a.hi >> n, (a.lo >> n) | (a.hi << (64 - n)));
}

/* By halves of words. */
static inline ql_u128 ql_u_mul64(uint64_t a, uint64_t b) {
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, left = a1 * b0, right = a0 * b1;
    uint64_t middle = (low >> 32) + (uint32_t)left + (uint32_t)right;
    return ql_u_join(
        a1 * b1 + (left >> 32) + (right >> 32) + (middle >> 32), (middle << 32) | (uint32_t)low
    );
}
static inline ql_u128 ql_u_mul(ql_u128 a, ql_u128 b) {
    ql_u128 r = ql_u_mul64(a.lo, b.lo);
    r.hi += a.lo * b.hi + a.hi * b.lo;
    return r;
}

/* hi * 2**64 + lo divided by d, for hi < d: two digits of 32 bits (Knuth, TAOCP 2, 4.3.1 D). */
static inline uint64_t ql_u_by_word(uint64_t hi, uint64_t lo, uint64_t d, uint64_t *rest) {
    uint64_t digit[2], d1, d0, next[2], q, r;
    int shift = 0, k;
    while (!(d >> 63)) { d <<= 1; shift++; }
    if (shift) hi = (hi << shift) | (lo >> (64 - shift));
    lo <<= shift;
    d1 = d >> 32;
    d0 = (uint32_t)d;
    next[0] = lo >> 32;
    next[1] = (uint32_t)lo;
    for (k = 0; k < 2; k++) {
        q = hi / d1;
        r = hi % d1;
        while ((q >> 32) || q * d0 > ((r << 32) | next[k])) {
            q--;
            r += d1;
            if (r >> 32) break;
        }
        hi = ((hi << 32) | next[k]) - q * d; /* less than d, so what wraps comes back */
        digit[k] = q;
    }
    *rest = hi >> shift;
    return (digit[0] << 32) | digit[1];
}

/* n / d for d > 0. */
static inline ql_u128 ql_u_div(ql_u128 n, ql_u128 d, ql_u128 *rest) {
    ql_u128 q = {0, 0}, part;
    uint64_t left;
    int shift = 0;
    if (d.hi == 0) {
        q.hi = n.hi / d.lo;
        q.lo = ql_u_by_word(n.hi % d.lo, n.lo, d.lo, &left);
        *rest = ql_u_join(0, left);
        return q;
    }
    /* The quotient has at most 64 bits: one step for each. */
    while (shift < 63 && !(d.hi >> (63 - shift))) shift++;
    part = ql_u_left(d, shift);
    for (; shift >= 0; shift--) {
        if (!ql_u_less(n, part)) {
            n = ql_u_sub(n, part);
            q.lo |= (uint64_t)1 << shift;
        }
        part = ql_u_right(part, 1);
    }
    *rest = n;
    return q;
}

static inline ql_i128 ql_join(int64_t hi, int64_t lo) {
    ql_i128 r = {(uint64_t)lo, (uint64_t)hi};
    return r;
}
static inline int64_t ql_hi(ql_i128 a) { return (int64_t)a.hi; }
static inline int64_t ql_lo(ql_i128 a) { return (int64_t)a.lo; }
static inline ql_u128 ql_u_bits(ql_i128 a) { return ql_u_join(a.hi, a.lo); }
static inline ql_i128 ql_from_bits(ql_u128 a) { ql_i128 r = {a.lo, a.hi}; return r; }
static inline ql_i128 ql_wide(int64_t a) { return ql_join(a < 0 ? -1 : 0, a); }
static inline int ql_is_negative(ql_i128 a) { return (int)(a.hi >> 63); }

static inline int ql_add(ql_i128 a, ql_i128 b, ql_i128 *r) {
    ql_i128 sum = ql_from_bits(ql_u_add(ql_u_bits(a), ql_u_bits(b)));
    int wrong = (int)((~(a.hi ^ b.hi) & (a.hi ^ sum.hi)) >> 63);
    *r = sum;
    return wrong;
}
static inline int ql_sub(ql_i128 a, ql_i128 b, ql_i128 *r) {
    ql_i128 rest = ql_from_bits(ql_u_sub(ql_u_bits(a), ql_u_bits(b)));
    int wrong = (int)(((a.hi ^ b.hi) & (a.hi ^ rest.hi)) >> 63);
    *r = rest;
    return wrong;
}
static inline ql_u128 ql_magnitude(ql_i128 a) {
    ql_u128 zero = {0, 0};
    return ql_is_negative(a) ? ql_u_sub(zero, ql_u_bits(a)) : ql_u_bits(a);
}
/* A magnitude with its sign, as bits: one above the range wraps. */
static inline ql_i128 ql_signed(ql_u128 magnitude, int negative) {
    ql_u128 zero = {0, 0};
    return ql_from_bits(negative ? ql_u_sub(zero, magnitude) : magnitude);
}
static inline int ql_mul(ql_i128 a, ql_i128 b, ql_i128 *r) {
    int negative = ql_is_negative(a) != ql_is_negative(b), wrong;
    ql_u128 x = ql_magnitude(a), y = ql_magnitude(b), product, cross;
    /* Of two upper words one is 0, or the product has more than 128 bits. */
    wrong = x.hi != 0 && y.hi != 0;
    product = ql_u_mul64(x.lo, y.lo);
    cross = x.hi ? ql_u_mul64(x.hi, y.lo) : ql_u_mul64(x.lo, y.hi);
    wrong |= cross.hi != 0;
    product.hi += cross.lo;
    wrong |= product.hi < cross.lo;
    *r = ql_signed(product, negative);
    /* 2**127 fits with a minus alone. */
    return wrong || (product.hi >> 63 && !(negative && product.hi == (uint64_t)1 << 63 && product.lo == 0));
}
static inline ql_i128 ql_mul64(int64_t a, int64_t b) {
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    return ql_signed(ql_u_mul64(x, y), (a < 0) != (b < 0));
}
static inline int ql_cmp(ql_i128 a, ql_i128 b) {
    if (a.hi != b.hi) return (int64_t)a.hi < (int64_t)b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}
/* a / b truncated, for b that is not 0. */
static inline ql_i128 ql_divided(ql_i128 a, ql_i128 b) {
    ql_u128 rest, q = ql_u_div(ql_magnitude(a), ql_magnitude(b), &rest);
    return ql_signed(q, ql_is_negative(a) != ql_is_negative(b));
}
static inline int ql_add_i64(int64_t a, int64_t b, int64_t *r) {
    int wrong = b < 0 ? a < INT64_MIN - b : a > INT64_MAX - b;
    *r = (int64_t)((uint64_t)a + (uint64_t)b);
    return wrong;
}
#endif
