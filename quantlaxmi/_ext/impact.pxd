"""C declarations of impact.h."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport book_t
from quantlaxmi._ext.wide cimport ql_i128

cdef extern from "impact.h" nogil:
    int ql_impact_rate(int64_t fixed, int64_t root, int64_t qty, int64_t touch, ql_i128* rate)
    int ql_impact_price(int64_t price, int64_t side, ql_i128 rate, int64_t* out)

# Of one instrument, basis points at 10**-8.
cdef struct impact_t:
    int64_t fixed
    int64_t root


cdef inline int impact_rate(
    const impact_t* m, const book_t* book, int64_t side, int64_t qty, ql_i128* rate
) noexcept nogil:
    """Rate of an order of ``qty`` that meets a valid book; nonzero where it does not fit."""
    return ql_impact_rate(m.fixed, m.root, qty, book.ask_qty if side > 0 else book.bid_qty, rate)
