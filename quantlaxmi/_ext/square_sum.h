/* Sums of squares of 128-bit integers, 256 bits wide. */
#ifndef QL_SQUARE_SUM_H
#define QL_SQUARE_SUM_H
#include "int128.h"

typedef unsigned __int128 ql_u128;

/* 256-bit sum of squares: four words, the lowest first. Returns 1 where it does not fit. */
static inline int ql_add_square(uint64_t sum[4], ql_i128 x) {
    ql_u128 m = x < 0 ? -(ql_u128)x : (ql_u128)x;
    uint64_t a = (uint64_t)m, b = (uint64_t)(m >> 64), part[4];
    ql_u128 low = (ql_u128)a * a, cross = (ql_u128)a * b, high = (ql_u128)b * b, t;
    int i, carry = 0;
    /* m < 2**127, so b < 2**63 and twice the cross product fits. */
    t = (low >> 64) + ((cross << 1) & (ql_u128)UINT64_MAX);
    part[0] = (uint64_t)low;
    part[1] = (uint64_t)t;
    t = (t >> 64) + (cross >> 63) + high;
    part[2] = (uint64_t)t;
    part[3] = (uint64_t)(t >> 64);
    for (i = 0; i < 4; i++) {
        t = (ql_u128)sum[i] + part[i] + carry;
        sum[i] = (uint64_t)t;
        carry = (int)(t >> 64);
    }
    return carry;
}

#endif
