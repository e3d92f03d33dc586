"""Columns of 64-bit integers as canonical JSON text, both ways.

Canonical: ``[1,-2,3]`` without white space, plus signs, leading zeros or ``-0``; so every column
has one text, and reading refuses every other.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

import numpy as np

from quantlaxmi._ext.signals cimport MOST_STEPS, hear_after

cdef enum Status:
    OK = 0
    NOT_CANONICAL
    TOO_WIDE

# A sign, 19 digits and a comma.
cdef enum:
    INT_TEXT_MAX = 21


cdef Py_ssize_t _format(const int64_t[:] values, char* out) except -1 nogil:
    cdef char digits[20]
    cdef char* p = out
    cdef Py_ssize_t i, k, begin, block, steps = 0
    cdef uint64_t left
    p[0] = c'['
    p += 1
    for block in range(values.shape[0] // MOST_STEPS + 1):
        hear_after(&steps, MOST_STEPS)
        begin = block * MOST_STEPS
        for i in range(begin, min(begin + MOST_STEPS, values.shape[0])):
            if i:
                p[0] = c','
                p += 1
            left = <uint64_t>values[i]
            if values[i] < 0:
                p[0] = c'-'
                p += 1
                left = 0 - left
            k = 20
            while True:
                k -= 1
                digits[k] = <char>(c'0' + <int>(left % 10))
                left //= 10
                if left == 0:
                    break
            memcpy(p, &digits[k], 20 - k)
            p += 20 - k
    p[0] = c']'
    return p + 1 - out


cdef int _parse(
    const uint8_t[::1] text,  # IN  (n_bytes,)
    int64_t[::1] out,         # OUT (n_values,), one more than the commas of the text
    Py_ssize_t* at,           # OUT offset of the fault
) except -1 nogil:
    cdef Py_ssize_t n = text.shape[0], p = 1, row = 0, first, i, steps = 0
    cdef uint64_t value, digit
    cdef bint negative
    at[0] = 0
    if text[0] != c'[':
        return NOT_CANONICAL
    while True:
        hear_after(&steps, MOST_STEPS)
        for i in range(MOST_STEPS):
            at[0] = p
            negative = p < n and text[p] == c'-'
            p += negative
            first = p
            value = 0
            while p < n and c'0' <= text[p] <= c'9':
                if p - first == 19:
                    return TOO_WIDE
                digit = text[p] - c'0'
                value = value * 10 + digit  # 19 digits stay below 2**64
                p += 1
            if p == first or (text[first] == c'0' and (p - first > 1 or negative)):
                return NOT_CANONICAL
            if value > <uint64_t>0x7FFFFFFFFFFFFFFF + negative:
                return TOO_WIDE
            out[row] = <int64_t>(0 - value if negative else value)
            row += 1
            if p >= n:
                return NOT_CANONICAL
            if text[p] == c']':
                at[0] = p
                return OK if p == n - 1 else NOT_CANONICAL
            if text[p] != c',':
                return NOT_CANONICAL
            p += 1


def format_ints(const int64_t[:] values not None):
    """Canonical JSON array of a column.

    Parameters
    ----------
    values : ndarray of int64, shape (n_values,)
        May be strided, such as a field of packed rows.

    Returns
    -------
    bytes
    """
    cdef Py_ssize_t n = values.shape[0], used
    if n == 0:
        return b"[]"
    buffer = PyBytes_FromStringAndSize(NULL, n * INT_TEXT_MAX + 2)
    cdef char* out = PyBytes_AS_STRING(buffer)
    with nogil:
        used = _format(values, out)
    return buffer[:used]


def parse_ints(const uint8_t[::1] text not None):
    """Column of a canonical JSON array.

    Parameters
    ----------
    text : bytes-like

    Returns
    -------
    ndarray of int64, shape (n_values,)

    Raises
    ------
    ValueError
        The text is not canonical or an integer needs more than 64 bits; names the offset.
    """
    cdef Py_ssize_t n = text.shape[0], i, commas = 0, at = 0
    cdef int status
    if n == 2 and text[0] == c'[' and text[1] == c']':
        return np.empty(0, np.int64)
    if n < 3:
        raise ValueError("not an array of integers")
    with nogil:
        for i in range(n):
            commas += text[i] == c','
    out = np.empty(commas + 1, np.int64)
    cdef int64_t[::1] view = out
    with nogil:
        status = _parse(text, view, &at)
    if status == TOO_WIDE:
        raise ValueError(f"integer at offset {at} needs more than 64 bits")
    if status != OK:
        raise ValueError(f"not a canonical integer at offset {at}")
    return out
