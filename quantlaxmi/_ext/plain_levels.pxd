"""Levels of a book as the venue prints them, read without Python objects."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.binance_values cimport EXPONENT
from quantlaxmi._ext.decimal_text cimport DECIMAL_OK, parse_mantissa
from quantlaxmi._ext.message_rows cimport level_t


cdef inline Py_ssize_t _closing(const char* s, Py_ssize_t n, Py_ssize_t i) noexcept nogil:
    """Where the text that begins at ``i`` ends, ``n`` where it does not."""
    while i < n and s[i] != b'"':
        i += 1
    return i


# `[["price","quantity"],...]` without blanks, prices above 0 and quantities not below: the levels go
# to OUT out (room for n // 8 + 1), OUT best is the highest or lowest price with a quantity, 0 for
# none; their number is returned. Anything else gives -1, also what JSON allows: it is read exactly.
cdef inline Py_ssize_t plain_levels(
    const char* s, Py_ssize_t n, bint highest, level_t* out, int64_t* best
) noexcept nogil:
    cdef Py_ssize_t i = 1, end, count = 0
    best[0] = 0
    if n < 2 or s[0] != b'[' or s[n - 1] != b']':
        return -1
    if n == 2:
        return 0
    n -= 1
    while True:
        if n - i < 7 or s[i] != b'[' or s[i + 1] != b'"':
            return -1
        i += 2
        end = _closing(s, n, i)
        if parse_mantissa(s + i, end - i, EXPONENT, &out[count].price) != DECIMAL_OK:
            return -1
        if out[count].price <= 0 or n - end < 3 or s[end + 1] != b',' or s[end + 2] != b'"':
            return -1
        i = end + 3
        end = _closing(s, n, i)
        if parse_mantissa(s + i, end - i, EXPONENT, &out[count].qty) != DECIMAL_OK:
            return -1
        if out[count].qty < 0 or n - end < 2 or s[end + 1] != b']':
            return -1
        if out[count].qty and (
            best[0] == 0
            or (out[count].price > best[0] if highest else out[count].price < best[0])
        ):
            best[0] = out[count].price
        count += 1
        i = end + 2
        if i == n:
            return count
        if s[i] != b',':
            return -1
        i += 1
