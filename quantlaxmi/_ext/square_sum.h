/* Sums of squares of 128-bit integers, 256 bits wide. */
#ifndef QL_SQUARE_SUM_H
#define QL_SQUARE_SUM_H
#include "int256.h"

/* 256-bit sum of squares: four words, the lowest first. Returns 1 where it does not fit. */
static inline int ql_add_square(uint64_t sum[4], ql_i128 x) {
    ql_u256 square = ql_product(ql_magnitude(x), ql_magnitude(x));
    uint64_t part[4];
    ql_u128 t;
    int i, carry = 0;
    part[0] = ql_u_lo(square.lo);
    part[1] = ql_u_hi(square.lo);
    part[2] = ql_u_lo(square.hi);
    part[3] = ql_u_hi(square.hi);
    for (i = 0; i < 4; i++) {
        t = ql_u_more(ql_u_more(ql_u_join(0, sum[i]), part[i]), (uint64_t)carry);
        sum[i] = ql_u_lo(t);
        carry = (int)ql_u_hi(t);
    }
    return carry;
}
#endif
