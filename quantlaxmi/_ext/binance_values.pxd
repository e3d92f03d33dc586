"""Texts and numbers of a Binance line to checked int64 values; a fault code each, FAULT_NONE if good.

What was found goes to ``note[0]``, for the quarantine.
"""
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t

from quantlaxmi._ext.decimal_text cimport (
    DECIMAL_INEXACT, DECIMAL_OK, DECIMAL_OVERFLOW, parse_mantissa
)

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

# Reasons for setting a line aside, in the order of FAULTS in binance_rows.pyx.
cdef enum:
    FAULT_NONE = 0
    FAULT_LONG = 1
    FAULT_TEXT = 2
    FAULT_EMPTY = 3
    FAULT_STAMP = 4
    FAULT_UNIT = 5
    FAULT_HALF = 6
    FAULT_JSON = 7
    FAULT_SHAPE = 8
    FAULT_STREAM = 9
    FAULT_SYMBOL = 10
    FAULT_MARKET = 11
    FAULT_DECIMAL = 12
    FAULT_FINE = 13
    FAULT_OVERFLOW = 14
    FAULT_PRICE = 15
    FAULT_QTY = 16
    FAULT_CROSSED = 17
    FAULT_REVERSAL = 18
    FAULT_JUMP = 19
    FAULT_DUPLICATE = 20
    FAULT_BACK = 21

cdef enum:
    EXPONENT = -8  # of prices, quantities and rates: the venue prints at most eight decimals


cdef inline int decimal(object text, int64_t* out) except -1:
    cdef Py_ssize_t n = 0
    cdef const char* s
    cdef int status
    if PyUnicode_IS_COMPACT_ASCII(text):
        s = <const char*>PyUnicode_1BYTE_DATA(text)
        n = PyUnicode_GET_LENGTH(text)
    else:
        s = PyUnicode_AsUTF8AndSize(text, &n)
    status = parse_mantissa(s, n, EXPONENT, out)
    if status == DECIMAL_OK:
        return FAULT_NONE
    if status == DECIMAL_INEXACT:
        return FAULT_FINE
    return FAULT_OVERFLOW if status == DECIMAL_OVERFLOW else FAULT_DECIMAL


cdef inline int price(object text, int64_t* out, str name, list note) except -1:
    cdef int fault = decimal(text, out)
    if fault == FAULT_NONE and out[0] <= 0:
        fault = FAULT_PRICE
    if fault:
        note[0] = f"{name} {text[:60]!r}"
    return fault


cdef inline int qty(object text, int64_t* out, int64_t least, str name, list note) except -1:
    cdef int fault = decimal(text, out)
    if fault == FAULT_NONE and out[0] < least:
        fault = FAULT_QTY
    if fault:
        note[0] = f"{name} {text[:60]!r}"
    return fault


cdef inline int side(
    object price_text, object qty_text, int64_t* value, int64_t* size, str name, list note
) except -1:
    """Price and quantity of one side of a quote; an absent side has 0 for both."""
    cdef int fault = decimal(price_text, value)
    if fault == FAULT_NONE and value[0] < 0:
        fault = FAULT_PRICE
    if fault == FAULT_NONE:
        fault = qty(qty_text, size, 0, f"{name} quantity", note)
        if fault:
            return fault
        if value[0] == 0 and size[0]:
            fault = FAULT_PRICE
    if fault:
        note[0] = f"{name} {price_text[:60]!r}"
    return fault


cdef inline int number(object value, int64_t* out, str name, list note) except -1:
    """An id: any whole number that int64 holds and that is not negative."""
    cdef int overflow = 0
    out[0] = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow or out[0] < 0:
        note[0] = f"{name} {str(value)[:40]}"
        return FAULT_OVERFLOW if overflow > 0 else FAULT_SHAPE
    return FAULT_NONE


cdef inline int exchange_time(object value, int64_t* out, str name, list note) except -1:
    """Milli-, micro- or nanoseconds, told apart by size, to nanoseconds."""
    cdef int overflow = 0
    cdef int64_t v = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow == 0:
        if 100_000_000_000 <= v <= 9_200_000_000_000:
            out[0] = v * 1_000_000
            return FAULT_NONE
        if 100_000_000_000_000 <= v <= 9_200_000_000_000_000:
            out[0] = v * 1_000
            return FAULT_NONE
        if 100_000_000_000_000_000 <= v <= 9_200_000_000_000_000_000:
            out[0] = v
            return FAULT_NONE
    note[0] = f"exchange time {name} {str(value)[:40]}"
    return FAULT_STAMP


cdef inline int optional_time(object first, object second, int64_t* out, list note) except -1:
    """The transaction time T where there is one, else the event time E, else 0."""
    if first != 0:
        return exchange_time(first, out, "T", note)
    if second != 0:
        return exchange_time(second, out, "E", note)
    out[0] = 0
    return FAULT_NONE
