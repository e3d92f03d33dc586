"""Decimal text to int64 mantissas, exactly and never through a float.

Accepted: an optional sign, digits with at most one point (``1.`` and ``.5`` too, as in C and
Decimal), and an optional ``e`` or ``E`` with a signed integer, because venues written in Java print
``0E-8``. Everything else is refused: NaN, infinities, two signs, a lone point, spaces, underscores,
digits outside ASCII. Zeros beyond the wanted exponent are dropped; any other digit there is an
error unless a rounding is asked for.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t

from quantlaxmi._ext.decimal_words cimport (
    QL_LITTLE_ENDIAN, eight_bytes, eight_digits, short_number
)
from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.wide cimport QL_EXACT, ql_rounds_away

import numpy as np

from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow

cdef extern from *:
    """
    static const int64_t QL_POW10[19] = {
        1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL, 100000000LL,
        1000000000LL, 10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL,
        100000000000000LL, 1000000000000000LL, 10000000000000000LL, 100000000000000000LL,
        1000000000000000000LL};
    /* The largest mantissa that behind so many zeros still fits. */
    static const uint64_t QL_MOST[19] = {
        9223372036854775807ULL, 922337203685477580ULL, 92233720368547758ULL,
        9223372036854775ULL, 922337203685477ULL, 92233720368547ULL, 9223372036854ULL,
        922337203685ULL, 92233720368ULL, 9223372036ULL, 922337203ULL, 92233720ULL, 9223372ULL,
        922337ULL, 92233ULL, 9223ULL, 922ULL, 92ULL, 9ULL};
    """
    const int64_t* QL_POW10
    const uint64_t* QL_MOST

# Exponents in the text are capped here: far beyond any that gives a finite int64, and small
# enough that adding text lengths to it stays inside int64.
cdef int64_t _EXPONENT_CAP = 1 << 60

cdef struct scan_t:
    int negative
    Py_ssize_t first      # index of the first digit that is not 0
    Py_ssize_t last       # index of the last one
    Py_ssize_t n_kept     # digits from first to last
    int64_t low           # power of ten of the digit at last
    int64_t written       # power of ten of the last digit as written


cdef int parse_mantissa(const char* s, Py_ssize_t n, int exponent, int64_t* out) noexcept nogil:
    cdef Py_ssize_t i = 0, start, digits, fraction
    cdef uint64_t value = 0, block
    cdef unsigned char c
    cdef bint negative = False
    cdef int64_t shift
    if n <= 0:
        return DECIMAL_EMPTY
    if s[0] == b'-' or s[0] == b'+':
        negative = s[0] == b'-'
        i = 1
    if QL_LITTLE_ENDIAN and 4 <= n - i <= 15 and short_number(s + i, n - i, &value, &fraction):
        shift = -<int64_t>exponent - fraction
        if 0 <= shift <= 18 and value <= QL_MOST[shift]:
            value *= <uint64_t>QL_POW10[shift]
            out[0] = -<int64_t>value if negative else <int64_t>value
            return DECIMAL_OK
    value = 0
    start = i
    while i < n:
        c = <unsigned char>s[i] - 48
        if c > 9:
            break
        value = value * 10 + c
        i += 1
    digits = i - start
    shift = -<int64_t>exponent
    if i < n and s[i] == b'.':
        i += 1
        start = i
        if QL_LITTLE_ENDIAN and n - i >= 8 and eight_digits(eight_bytes(s + i), &block):
            value = value * 100000000 + block
            i += 8
        while i < n:
            c = <unsigned char>s[i] - 48
            if c > 9:
                break
            value = value * 10 + c
            i += 1
        digits += i - start
        shift -= i - start
    # At most 18 digits in all: neither the sum above nor the product below can wrap.
    if i != n or digits == 0 or shift < 0 or digits + shift > 18:
        return parse_mantissa_rounded(s, n, exponent, QL_EXACT, out)
    value *= <uint64_t>QL_POW10[shift]
    out[0] = -<int64_t>value if negative else <int64_t>value
    return DECIMAL_OK


cdef int _scan(const char* s, Py_ssize_t n, scan_t* r) noexcept nogil:
    """Check the grammar and find the significant digits; DECIMAL_OK, _EMPTY or _MALFORMED."""
    cdef Py_ssize_t i = 0, point = -1, digits = 0, end
    cdef unsigned char c
    cdef int64_t power = 0
    cdef bint power_negative = False
    r.negative = 0
    r.first = r.last = -1
    if n <= 0:
        return DECIMAL_EMPTY
    if s[0] == b'-' or s[0] == b'+':
        r.negative = s[0] == b'-'
        i = 1
    while i < n:
        c = <unsigned char>s[i]
        if 48 <= c <= 57:
            digits += 1
            if c != 48:
                if r.first < 0:
                    r.first = i
                r.last = i
        elif c == b'.' and point < 0:
            point = i
        else:
            break
        i += 1
    if digits == 0:
        return DECIMAL_MALFORMED
    end = i
    if i < n:
        if s[i] != b'e' and s[i] != b'E':
            return DECIMAL_MALFORMED
        i += 1
        if i < n and (s[i] == b'-' or s[i] == b'+'):
            power_negative = s[i] == b'-'
            i += 1
        if i == n:
            return DECIMAL_MALFORMED
        while i < n:
            c = <unsigned char>s[i]
            if not 48 <= c <= 57:
                return DECIMAL_MALFORMED
            if power < _EXPONENT_CAP // 16:
                power = power * 10 + (c - 48)
            i += 1
        if power_negative:
            power = -power
    if point < 0:
        point = end
    r.written = power - (end - point - 1 if end > point else 0)
    if r.first < 0:
        r.n_kept = 0
        r.low = r.written
        return DECIMAL_OK
    r.n_kept = r.last - r.first + 1 - (r.first < point < r.last)
    # Digits before the point count up from 0 at its left; behind it they count down from -1.
    r.low = power + (point - r.last - 1 if r.last < point else point - r.last)
    return DECIMAL_OK


cdef int parse_mantissa_rounded(
    const char* s, Py_ssize_t n, int exponent, int rounding, int64_t* out
) noexcept nogil:
    cdef scan_t r
    cdef int status = _scan(s, n, &r)
    cdef int64_t keep, shift
    cdef Py_ssize_t i
    cdef uint64_t value = 0, limit
    cdef unsigned char c
    cdef int half
    if status != DECIMAL_OK:
        return status
    if r.n_kept == 0:
        out[0] = 0
        return DECIMAL_OK
    shift = r.low - exponent                 # zeros to append; negative: digits to drop
    keep = r.n_kept + shift                  # digits of the mantissa
    if shift < 0 and rounding == QL_EXACT:
        return DECIMAL_INEXACT
    if keep > 19:
        return DECIMAL_OVERFLOW
    i = r.first
    if shift < 0:
        half = -1                            # the rest against one half; below while keep < 0
        while keep > 0:                      # 19 digits at most: no wrap in uint64
            if s[i] != b'.':
                value = value * 10 + (<unsigned char>s[i] - 48)
                keep -= 1
            i += 1
        if r.n_kept + shift >= 0:
            if s[i] == b'.':
                i += 1
            c = <unsigned char>s[i] - 48
            # The last significant digit is not 0, so any digit behind this one breaks a tie.
            half = -1 if c < 5 else (1 if c > 5 or i < r.last else 0)
        value += ql_rounds_away(rounding, r.negative, <int>(value & 1), half)
    else:
        while i <= r.last:
            if s[i] != b'.':
                value = value * 10 + (<unsigned char>s[i] - 48)
            i += 1
        while shift > 0:
            value *= 10
            shift -= 1
    limit = (<uint64_t>1 << 63) - (0 if r.negative else 1)
    if value > limit:
        return DECIMAL_OVERFLOW
    # Negated as unsigned, so that -2**63 is reached without overflow.
    out[0] = <int64_t>(0 - value) if r.negative else <int64_t>value
    return DECIMAL_OK


cdef object _raise(object text, int status, int exponent, object row):
    shown = text.decode("ascii", "backslashreplace") if isinstance(text, bytes) else text
    place = "" if row is None else f"at row {row} "
    if status == DECIMAL_OVERFLOW:
        raise FixedPointOverflow("parse_decimal", (shown[:60], exponent), row)
    if status == DECIMAL_INEXACT:
        reason = f"has digits beyond 10**{exponent}, and no rounding was asked for"
    elif status == DECIMAL_EMPTY:
        reason = "is empty; a decimal number was expected"
    else:
        reason = "is not a decimal number"
    raise DecimalTextError(shown, place + reason)


cdef int _view(object text, const char** s, Py_ssize_t* n) except -1:
    """Borrow the bytes of a str or bytes; text without an UTF-8 form is left empty and refused."""
    if isinstance(text, str):
        try:
            s[0] = PyUnicode_AsUTF8AndSize(text, n)
        except UnicodeEncodeError:  # a lone surrogate
            raise DecimalTextError(ascii(text), "is not a decimal number") from None
    elif isinstance(text, bytes):
        s[0] = PyBytes_AS_STRING(text)
        n[0] = PyBytes_GET_SIZE(text)
    else:
        raise TypeError(f"decimal text must be str or bytes, was {type(text).__name__}")
    return 0


cdef int _check(object exponent, object rounding) except? -100:
    if not -128 <= exponent <= 127:
        raise FixedPointError(f"exponent {exponent} is outside -128..127")
    if rounding is None:
        return QL_EXACT
    if not 0 <= rounding <= 5:
        raise FixedPointError(f"rounding {rounding} is none of quantlaxmi.fixed.Rounding")
    return rounding


def parse_decimal(text, exponent, rounding=None):
    """Mantissa of one decimal text at ``10**exponent``.

    Parameters
    ----------
    text : str or bytes
        ASCII decimal number; see the module's description for the grammar.
    exponent : int
        Wanted power of ten, -128..127.
    rounding : Rounding or int, optional
        Rule for digits beyond ``exponent``; without one they must be zeros.

    Returns
    -------
    int
        ``text == mantissa * 10**exponent``, exactly unless rounded.

    Raises
    ------
    DecimalTextError
        The text is empty, malformed, or has more digits than the exponent keeps.
    FixedPointOverflow
        The mantissa does not fit int64.
    FixedPointError
        The exponent or the rounding is out of range.
    """
    cdef const char* s = NULL
    cdef Py_ssize_t n = 0
    cdef int64_t out = 0
    cdef int mode = _check(exponent, rounding), status
    cdef int e = exponent
    _view(text, &s, &n)
    if mode == QL_EXACT:
        status = parse_mantissa(s, n, e, &out)
    else:
        status = parse_mantissa_rounded(s, n, e, mode, &out)
    if status != DECIMAL_OK:
        _raise(text, status, e, None)
    return out


def parse_decimals(texts, exponent, rounding=None):
    """Mantissas of many decimal texts at one exponent.

    Parameters
    ----------
    texts : sequence of str or bytes, length n_rows
    exponent : int
        Wanted power of ten, -128..127.
    rounding : Rounding or int, optional
        Rule for digits beyond ``exponent``; without one they must be zeros.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        Mantissas at ``10**exponent``.

    Raises
    ------
    DecimalTextError, FixedPointOverflow
        As `parse_decimal`, naming the first failing row.
    """
    cdef int mode = _check(exponent, rounding), status
    cdef int e = exponent
    cdef list rows = texts if type(texts) is list else list(texts)
    cdef Py_ssize_t n_rows = len(rows), row, n = 0
    result = np.empty(n_rows, dtype=np.int64)
    cdef int64_t[::1] out = result
    cdef const char* s = NULL
    for row in range(n_rows):
        hear(row)
        text = rows[row]
        _view(text, &s, &n)
        if mode == QL_EXACT:
            status = parse_mantissa(s, n, e, &out[row])
        else:
            status = parse_mantissa_rounded(s, n, e, mode, &out[row])
        if status != DECIMAL_OK:
            _raise(text, status, e, row)
    return result


def natural_exponent(text):
    """Exponent a text is written at: ``-2`` for ``"1.50"``, ``3`` for ``"2e3"``.

    Where the mantissa at that exponent would not fit int64, or the exponent int8, trailing zeros
    are given up until both do.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    int
        In -128..127; `parse_decimal` at it succeeds.

    Raises
    ------
    DecimalTextError
        The text is empty, malformed, or needs digits below ``10**-128``.
    FixedPointOverflow
        No exponent makes the value fit.
    """
    cdef const char* s = NULL
    cdef Py_ssize_t n = 0
    cdef scan_t r
    cdef int64_t out = 0, finest, coarsest, e
    _view(text, &s, &n)
    cdef int status = _scan(s, n, &r)
    if status != DECIMAL_OK:
        _raise(text, status, 0, None)
    finest = min(max(r.written, -128), 127)
    if r.n_kept == 0:
        return finest
    coarsest = min(r.low, 127)
    if coarsest < -128:
        _raise(text, DECIMAL_INEXACT, -128, None)
    for e in range(finest, coarsest + 1):
        status = parse_mantissa(s, n, <int>e, &out)
        if status == DECIMAL_OK:
            return e
    return _raise(text, DECIMAL_OVERFLOW, <int>coarsest, None)
