"""What the kernels of the draws share: arrays as pointers, values of bundles, 128-bit sums.

Sums are exact: the caller proves that they fit 128 bits. They leave as (high, low) words.
"""
from libc.stdint cimport int64_t, uint64_t
from quantlaxmi._ext.philox cimport philox_block
from quantlaxmi._ext.wide cimport *


cdef struct bundles_t:
    const int64_t* columns  # by row, then by column
    Py_ssize_t n_rows
    Py_ssize_t n_columns
    const int64_t* term_first
    const int64_t* term_column
    const int64_t* term_coefficient


cdef inline const int64_t* line_of(const int64_t[::1] values) noexcept:
    """The first value; whoever holds the array keeps it."""
    return &values[0] if values.shape[0] else NULL


cdef inline const int64_t* table_of(const int64_t[:, ::1] values) noexcept:
    return &values[0, 0] if values.shape[0] and values.shape[1] else NULL


cdef inline const uint64_t* words_of(const uint64_t[:, ::1] values) noexcept:
    return &values[0, 0] if values.shape[0] and values.shape[1] else NULL


cdef inline int set_bundles(bundles_t* b, bundles) except -1:
    """Read the first four fields of anything that has bundles' arrays."""
    b.columns = table_of(bundles.columns)
    b.n_rows, b.n_columns = bundles.columns.shape
    b.term_first, b.term_column = line_of(bundles.term_first), line_of(bundles.term_column)
    b.term_coefficient = line_of(bundles.term_coefficient)
    return 0


cdef inline int64_t bundle_value(const bundles_t* b, int64_t bundle, int64_t row) noexcept nogil:
    """Sum of coefficient times column at a row over a bundle's terms."""
    cdef int64_t value = 0, k
    for k in range(b.term_first[bundle], b.term_first[bundle + 1]):
        value += b.term_coefficient[k] * b.columns[row * b.n_columns + b.term_column[k]]
    return value


cdef inline void add_value(ql_i128* sum, int64_t x) noexcept nogil:
    ql_add(sum[0], ql_mul64(x, 1), sum)


cdef inline void add_square(ql_i128* sum, int64_t x) noexcept nogil:
    ql_add(sum[0], ql_mul64(x, x), sum)


cdef inline void write_sums(uint64_t* out, const ql_i128* sums, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(n):
        out[2 * k] = <uint64_t>ql_hi(sums[k])
        out[2 * k + 1] = <uint64_t>ql_lo(sums[k])


cdef inline void fill_words(uint64_t key, int64_t draw, Py_ssize_t n, uint64_t* out) noexcept nogil:
    """Words 0, 1, ... of a draw; there is room for one more than n."""
    cdef Py_ssize_t i
    for i in range((n + 1) >> 1):
        philox_block(key, <uint64_t>draw, <uint64_t>i, out + 2 * i)
