"""The 256-bit products of int256.h for the tests, which compare them with Python's integers."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.wide cimport ql_cmp_wide, ql_hi, ql_i128, ql_join, ql_lo, ql_mul_div


cdef ql_i128 _wide(value) except *:
    """A Python int that fits as a 128-bit integer."""
    cdef object low = value & 0xFFFFFFFFFFFFFFFF
    return ql_join(value >> 64, low - (1 << 64) if low >= 1 << 63 else low)


def mul_div(a, b, d, int rounding):
    """``a * b / d`` rounded, as halves; None where it leaves 128 bits."""
    cdef ql_i128 out
    if ql_mul_div(_wide(a), _wide(b), _wide(d), rounding, &out):
        return None
    return ql_hi(out), ql_lo(out)


def compare(a, b, c, d):
    """Sign of ``a * b - c * d``."""
    return ql_cmp_wide(_wide(a), _wide(b), _wide(c), _wide(d))
