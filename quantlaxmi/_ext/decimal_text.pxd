"""Exact decimal text to int64 mantissa, for cimport by importers."""
from libc.stdint cimport int64_t

cdef enum:
    DECIMAL_OK = 0
    DECIMAL_EMPTY = 1      # no characters
    DECIMAL_MALFORMED = 2  # not [+-] digits [. digits] [e [+-] digits] with at least one digit
    DECIMAL_INEXACT = 3    # a digit other than 0 beyond the exponent, and no rounding was asked
    DECIMAL_OVERFLOW = 4   # the mantissa does not fit int64

# IN s: n bytes, not NUL-terminated; OUT out: written only with DECIMAL_OK.
cdef int parse_mantissa(const char* s, Py_ssize_t n, int exponent, int64_t* out) noexcept nogil

# The same; rounding is a QL_* code of int128.h, QL_EXACT (-1) for none.
cdef int parse_mantissa_rounded(
    const char* s, Py_ssize_t n, int exponent, int rounding, int64_t* out
) noexcept nogil
