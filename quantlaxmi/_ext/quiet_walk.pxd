"""A walk over rows of quotes at which nothing happens, and over the trades between them."""
from libc.stdint cimport int64_t
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport tape_t
from quantlaxmi._ext.feature_kernels cimport mid_basis
from quantlaxmi._ext._types cimport book_t, feature_t

cdef enum:
    WALK_TRADE = 1  # schema.EventKind
    WALK_QUOTE = 3


cdef inline void basis_of(const book_t* spot, const book_t* perp, feature_t* out) noexcept nogil:
    """As `mid_basis` where both prices have one exponent."""
    cdef int64_t den = 0, num = 0
    if spot.valid and perp.valid:
        den = spot.bid + spot.ask
        num = perp.bid + perp.ask - den
    out.den = den
    out.num = num


cdef inline bint is_basis(const tape_t* m) noexcept nogil:
    return (
        m.n_features == 1 and m.calls[0].fn == mid_basis
        and m.calls[0].args[2] == 1 and m.calls[0].args[3] == 1
    )


cdef inline void set_book(
    book_t* b, const columns_t* t, Py_ssize_t i, int64_t shift
) noexcept nogil:
    """What the row says of a book, which has both sides, uncrossed."""
    b.valid = t.c[1][i] > 0 and t.c[3][i] > 0
    b.bid = t.c[0][i] + shift
    b.bid_qty = t.c[1][i]
    b.ask = t.c[2][i] + shift
    b.ask_qty = t.c[3][i]
    b.ts_ns = t.ts[i]
    b.exch_ts_ns = t.exch[i]
    b.seq = t.seq[i]
    if b.valid:
        b.mid2 = b.bid + b.ask


# Walk over quiet rows from ``i`` on, before ``end``, and over quiet trades between them; the first row
# that has to be looked at. The first one is before every row of other tables that was not read. The
# books, the features and the trades that were read are then as of the last row.
cdef Py_ssize_t walk_quiet(
    tape_t* m, const columns_t* t, columns_t* trades, Py_ssize_t i, Py_ssize_t end
) noexcept nogil
