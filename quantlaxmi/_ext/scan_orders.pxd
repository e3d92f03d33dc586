"""Whether there is margin for orders."""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.scan_margin cimport scan_out_t, scan_t
from quantlaxmi._ext.wide cimport *

# A portfolio without and with orders, and what there is for its margin.
cdef struct ask_t:
    scan_out_t before
    scan_out_t after
    double had
    double there

# ``scan.qty`` is what is held, ``there`` capital and cash: orders count as filled at their touch.
cdef void count_order(
    scan_t* s, const book_t* books, Py_ssize_t i, int64_t signed_qty, double* there
) noexcept nogil
# What was counted so far is there without the orders that are asked for.
cdef void begin_ask(scan_t* s, const book_t* books, int64_t ts_ns, ask_t* ask) noexcept nogil
# Whether there is margin with them, or as much as without them.
cdef bint has_margin(scan_t* s, const book_t* books, int64_t ts_ns, ask_t* ask) noexcept nogil
cdef double money_of(ql_i128 value) noexcept nogil
