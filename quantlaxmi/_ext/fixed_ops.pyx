"""Elementwise fixed-point arithmetic: int64 mantissas and int8 exponents, 128-bit between.

Every kernel takes strided read-only views of one length (a stride of 0 repeats a single element),
writes ``out`` row by row without the GIL and returns ``(status, row)``: (OK, n_rows), or the
status and index of the first failing row, from which on ``out`` is undefined. ``et`` holds the
exponent wanted for each row. `quantlaxmi.fixed` shapes the inputs and raises.
"""
from libc.stdint cimport int8_t, int64_t

from quantlaxmi._ext.signals cimport hear
from quantlaxmi._ext.wide cimport (
    QL_OK,
    QL_OVERFLOW,
    ql_add,
    ql_add_scaled,
    ql_cmp_scaled,
    ql_hi,
    ql_i128,
    ql_join,
    ql_lo,
    ql_mul64,
    ql_quotient,
    ql_scale10,
)

OK, OVERFLOW, INEXACT, ZERO_DIVISOR = range(4)


cdef int _add(
    const int64_t[:] a,        # IN  (n_rows,)
    const int8_t[:] ea,        # IN  (n_rows,)
    const int64_t[:] b,        # IN  (n_rows,)
    const int8_t[:] eb,        # IN  (n_rows,)
    const int8_t[:] et,        # IN  (n_rows,) min(ea, eb)
    bint subtract,
    int64_t[::1] out,          # OUT (n_rows,)
    Py_ssize_t* row,
) except -1 nogil:
    cdef Py_ssize_t i
    cdef int status
    cdef int64_t sign = -1 if subtract else 1
    for i in range(out.shape[0]):
        hear(i)
        # sign * b in 128 bits: -(-2**63) is there too.
        status = ql_add_scaled(
            a[i], ea[i] - et[i], ql_mul64(sign, b[i]), eb[i] - et[i], &out[i]
        )
        if status != QL_OK:
            row[0] = i
            return status
    row[0] = out.shape[0]
    return QL_OK


cdef int _mul(
    const int64_t[:] a,        # IN  (n_rows,)
    const int8_t[:] ea,        # IN  (n_rows,)
    const int64_t[:] b,        # IN  (n_rows,)
    const int8_t[:] eb,        # IN  (n_rows,)
    const int8_t[:] et,        # IN  (n_rows,)
    int rounding,
    int64_t[::1] out,          # OUT (n_rows,)
    Py_ssize_t* row,
) except -1 nogil:
    cdef Py_ssize_t i
    cdef int status
    for i in range(out.shape[0]):
        hear(i)
        status = ql_quotient(
            ql_mul64(a[i], b[i]), ql_mul64(1, 1), ea[i] + eb[i] - et[i], rounding, &out[i]
        )
        if status != QL_OK:
            row[0] = i
            return status
    row[0] = out.shape[0]
    return QL_OK


cdef int _div(
    const int64_t[:] a,        # IN  (n_rows,)
    const int8_t[:] ea,        # IN  (n_rows,)
    const int64_t[:] b,        # IN  (n_rows,)
    const int8_t[:] eb,        # IN  (n_rows,)
    const int8_t[:] et,        # IN  (n_rows,)
    int rounding,
    int64_t[::1] out,          # OUT (n_rows,)
    Py_ssize_t* row,
) except -1 nogil:
    cdef Py_ssize_t i
    cdef int status
    for i in range(out.shape[0]):
        hear(i)
        status = ql_quotient(
            ql_mul64(a[i], 1), ql_mul64(b[i], 1), ea[i] - eb[i] - et[i], rounding, &out[i]
        )
        if status != QL_OK:
            row[0] = i
            return status
    row[0] = out.shape[0]
    return QL_OK


cdef int _compare(
    const int64_t[:] a,        # IN  (n_rows,)
    const int8_t[:] ea,        # IN  (n_rows,)
    const int64_t[:] b,        # IN  (n_rows,)
    const int8_t[:] eb,        # IN  (n_rows,)
    int8_t[::1] out,           # OUT (n_rows,) -1, 0, 1
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        hear(i)
        out[i] = ql_cmp_scaled(a[i], ea[i], b[i], eb[i])
    return QL_OK


cdef int _sum(
    const int64_t[:] a,        # IN  (n_rows,)
    const int8_t[:] ea,        # IN  (n_rows,)
    int64_t exponent,          # at most every ea
    int64_t* hi,
    int64_t* lo,
    Py_ssize_t* row,
) except -1 nogil:
    cdef Py_ssize_t i
    cdef ql_i128 total = ql_join(0, 0), term
    for i in range(a.shape[0]):
        hear(i)
        if ql_scale10(ql_mul64(a[i], 1), ea[i] - exponent, &term) or ql_add(total, term, &total):
            row[0] = i
            return QL_OVERFLOW
    hi[0], lo[0] = ql_hi(total), ql_lo(total)
    row[0] = a.shape[0]
    return QL_OK


cdef int _check_lengths(Py_ssize_t n, tuple others) except -1:
    for other in others:
        if other != n:
            raise ValueError(f"arrays of {n} and {other} rows")
    return 0


def add(
    const int64_t[:] a, const int8_t[:] ea, const int64_t[:] b, const int8_t[:] eb,
    const int8_t[:] et, int64_t[::1] out,
):
    """``a + b`` at ``et = min(ea, eb)``; see the module for the arguments."""
    cdef Py_ssize_t row = 0
    cdef int status
    _check_lengths(out.shape[0], (a.shape[0], ea.shape[0], b.shape[0], eb.shape[0], et.shape[0]))
    with nogil:
        status = _add(a, ea, b, eb, et, False, out, &row)
    return status, row


def sub(
    const int64_t[:] a, const int8_t[:] ea, const int64_t[:] b, const int8_t[:] eb,
    const int8_t[:] et, int64_t[::1] out,
):
    """``a - b`` at ``et = min(ea, eb)``; see the module for the arguments."""
    cdef Py_ssize_t row = 0
    cdef int status
    _check_lengths(out.shape[0], (a.shape[0], ea.shape[0], b.shape[0], eb.shape[0], et.shape[0]))
    with nogil:
        status = _add(a, ea, b, eb, et, True, out, &row)
    return status, row


def mul(
    const int64_t[:] a, const int8_t[:] ea, const int64_t[:] b, const int8_t[:] eb,
    const int8_t[:] et, int rounding, int64_t[::1] out,
):
    """``a * b`` rounded to ``et``; ``rounding`` -1 refuses a rest."""
    cdef Py_ssize_t row = 0
    cdef int status
    _check_lengths(out.shape[0], (a.shape[0], ea.shape[0], b.shape[0], eb.shape[0], et.shape[0]))
    with nogil:
        status = _mul(a, ea, b, eb, et, rounding, out, &row)
    return status, row


def div(
    const int64_t[:] a, const int8_t[:] ea, const int64_t[:] b, const int8_t[:] eb,
    const int8_t[:] et, int rounding, int64_t[::1] out,
):
    """``a / b`` rounded to ``et``; ``rounding`` -1 refuses a rest."""
    cdef Py_ssize_t row = 0
    cdef int status
    _check_lengths(out.shape[0], (a.shape[0], ea.shape[0], b.shape[0], eb.shape[0], et.shape[0]))
    with nogil:
        status = _div(a, ea, b, eb, et, rounding, out, &row)
    return status, row


def compare(
    const int64_t[:] a, const int8_t[:] ea, const int64_t[:] b, const int8_t[:] eb,
    int8_t[::1] out,
):
    """Sign of ``a - b`` by value into ``out``; never fails."""
    _check_lengths(out.shape[0], (a.shape[0], ea.shape[0], b.shape[0], eb.shape[0]))
    with nogil:
        _compare(a, ea, b, eb, out)


def sum128(const int64_t[:] a, const int8_t[:] ea, int exponent):
    """Sum at ``exponent`` (at most every ``ea``) in 128 bits: ``(status, row, hi, lo)``."""
    cdef Py_ssize_t row = 0
    cdef int status
    cdef int64_t hi = 0, lo = 0
    _check_lengths(a.shape[0], (ea.shape[0],))
    with nogil:
        status = _sum(a, ea, exponent, &hi, &lo, &row)
    return status, row, hi, lo
