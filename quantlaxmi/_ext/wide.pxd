"""C declarations of the checked 128-bit helpers in int128.h, and of the products in int256.h."""
from libc.stdint cimport int64_t

cdef extern from "int128.h" nogil:
    ctypedef struct ql_i128:  # opaque: of some compilers an integer, of others two words
        pass
    ql_i128 ql_wide(int64_t a)
    ql_i128 ql_mul64(int64_t a, int64_t b)
    int ql_add(ql_i128 a, ql_i128 b, ql_i128 *r)
    int ql_sub(ql_i128 a, ql_i128 b, ql_i128 *r)
    int ql_mul(ql_i128 a, ql_i128 b, ql_i128 *r)
    int64_t ql_hi(ql_i128 a)
    int64_t ql_lo(ql_i128 a)
    ql_i128 ql_join(int64_t hi, int64_t lo)
    int ql_fits64(ql_i128 a)
    int64_t ql_cmp_products(int64_t a, int64_t b, int64_t c, int64_t d)
    ql_i128 ql_div_half_even(ql_i128 n, ql_i128 d)
    int QL_EXACT
    int ql_rounds_away(int rounding, int negative, int odd, int half)
    int64_t ql_muldiv(int64_t a, int64_t b, int64_t c)
    int ql_add_i64(int64_t a, int64_t b, int64_t *r)
    int QL_OK
    int QL_OVERFLOW
    int ql_scale10(ql_i128 a, int64_t k, ql_i128 *r)
    int ql_quotient(ql_i128 n, ql_i128 d, int64_t k, int rounding, int64_t *out)
    int ql_add_scaled(int64_t a, int64_t ka, ql_i128 b, int64_t kb, int64_t *out)
    int ql_cmp_scaled(int64_t a, int64_t ea, int64_t b, int64_t eb)
    ql_i128 ql_gcd(ql_i128 a, ql_i128 b)
    ql_i128 ql_divided(ql_i128 a, ql_i128 unit)
    int ql_cmp(ql_i128 a, ql_i128 b)
    ql_i128 ql_abs(ql_i128 a)
    int64_t ql_to_i64(ql_i128 a)
    int QL_HALF_EVEN
    int QL_DOWN
    int QL_CEILING

cdef extern from "int256.h" nogil:
    int ql_mul_div(ql_i128 a, ql_i128 b, ql_i128 d, int rounding, ql_i128 *out)
    int ql_cmp_wide(ql_i128 a, ql_i128 b, ql_i128 c, ql_i128 d)


cdef inline object wide_int(ql_i128 value):
    """A 128-bit integer as Python's."""
    return (int(ql_hi(value)) << 64) | (int(ql_lo(value)) & 0xFFFFFFFFFFFFFFFF)
