"""The operations of int128_words.h for the tests, which compare them with Python's integers.

They are looked at in every build, whichever of the two headers the kernels were built with.
"""
from libc.stdint cimport int64_t, uint64_t

cdef extern from "int128_words.h" nogil:
    ctypedef struct ql_i128:
        pass
    ctypedef struct ql_u128:
        pass
    ql_u128 ql_u_join(uint64_t hi, uint64_t lo)
    uint64_t ql_u_hi(ql_u128 a)
    uint64_t ql_u_lo(ql_u128 a)
    int ql_u_less(ql_u128 a, ql_u128 b)
    ql_u128 ql_u_add(ql_u128 a, ql_u128 b)
    ql_u128 ql_u_sub(ql_u128 a, ql_u128 b)
    ql_u128 ql_u_left(ql_u128 a, int n)
    ql_u128 ql_u_right(ql_u128 a, int n)
    ql_u128 ql_u_mul64(uint64_t a, uint64_t b)
    ql_u128 ql_u_mul(ql_u128 a, ql_u128 b)
    ql_u128 ql_u_div(ql_u128 n, ql_u128 d, ql_u128 *rest)
    ql_i128 ql_join(int64_t hi, int64_t lo)
    int64_t ql_hi(ql_i128 a)
    int64_t ql_lo(ql_i128 a)
    ql_i128 ql_wide(int64_t a)
    int ql_is_negative(ql_i128 a)
    int ql_add(ql_i128 a, ql_i128 b, ql_i128 *r)
    int ql_sub(ql_i128 a, ql_i128 b, ql_i128 *r)
    int ql_mul(ql_i128 a, ql_i128 b, ql_i128 *r)
    ql_u128 ql_magnitude(ql_i128 a)
    ql_i128 ql_signed(ql_u128 magnitude, int negative)
    ql_i128 ql_mul64(int64_t a, int64_t b)
    int ql_cmp(ql_i128 a, ql_i128 b)
    ql_i128 ql_divided(ql_i128 a, ql_i128 b)
    int ql_add_i64(int64_t a, int64_t b, int64_t *r)

cdef extern from *:
    """
    #if defined(QL_PORTABLE_INT128) || !defined(__SIZEOF_INT128__)
    #define QL_KERNELS_USE_WORDS 1
    #else
    #define QL_KERNELS_USE_WORDS 0
    #endif
    """
    const int QL_KERNELS_USE_WORDS


cdef ql_u128 _bits(value) except *:
    return ql_u_join(value >> 64, value & 0xFFFFFFFFFFFFFFFF)


cdef object _unsigned(ql_u128 value):
    return (int(ql_u_hi(value)) << 64) | int(ql_u_lo(value))


cdef ql_i128 _narrowed(value) except *:
    """A Python int from -2**127 to 2**127 - 1."""
    cdef object low = value & 0xFFFFFFFFFFFFFFFF
    return ql_join(value >> 64, low - (1 << 64) if low >= 1 << 63 else low)


cdef object _int(ql_i128 value):
    return (int(ql_hi(value)) << 64) | (int(ql_lo(value)) & 0xFFFFFFFFFFFFFFFF)


def kernels_use_words():
    """Whether the kernels of this build have the portable operations."""
    return QL_KERNELS_USE_WORDS == 1


def unsigned_pair(a, b):
    """Less, sum, difference, product of two, and of their lower words: all modulo 2**128."""
    cdef ql_u128 x = _bits(a), y = _bits(b)
    return (
        ql_u_less(x, y) != 0, _unsigned(ql_u_add(x, y)), _unsigned(ql_u_sub(x, y)),
        _unsigned(ql_u_mul(x, y)), _unsigned(ql_u_mul64(ql_u_lo(x), ql_u_lo(y))),
    )


def divided(n, d):
    """Quotient and rest of unsigned integers, d above 0."""
    cdef ql_u128 rest, q = ql_u_div(_bits(n), _bits(d), &rest)
    return _unsigned(q), _unsigned(rest)


def shifted(a, int n):
    """``a`` shifted left and right by n from 0 to 127."""
    return _unsigned(ql_u_left(_bits(a), n)), _unsigned(ql_u_right(_bits(a), n))


def signed_pair(a, b):
    """Sum, difference and product, None where one does not fit; sign of ``a - b``."""
    cdef ql_i128 x = _narrowed(a), y = _narrowed(b), r
    found = []
    found.append(None if ql_add(x, y, &r) else _int(r))
    found.append(None if ql_sub(x, y, &r) else _int(r))
    found.append(None if ql_mul(x, y, &r) else _int(r))
    return (*found, ql_cmp(x, y))


def truncated(a, b):
    """``a / b`` toward 0; b is not 0."""
    return _int(ql_divided(_narrowed(a), _narrowed(b)))


def magnitude(a):
    """Magnitude of a, and a again of it and its sign."""
    cdef ql_i128 x = _narrowed(a)
    cdef ql_u128 size = ql_magnitude(x)
    return _unsigned(size), _int(ql_signed(size, ql_is_negative(x)))


def words(int64_t a, int64_t b):
    """Of two int64: the wide a, the product, and the sum, None where it does not fit."""
    cdef int64_t r
    cdef int wrong = ql_add_i64(a, b, &r)
    return _int(ql_wide(a)), _int(ql_mul64(a, b)), None if wrong else r
