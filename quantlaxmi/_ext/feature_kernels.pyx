"""The features a strategy may declare, by name.

Each is a function of the books after a message. Its arguments are integers fixed when the strategy
is bound (instrument indices and powers of ten). An exact feature fills ``num`` and ``den``; a real
one fills ``value``. Nothing is divided here: most rows nobody looks at. Every feature has a neutral
twin, which says nothing of the market but keeps the feature's validity.
"""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport book_t, event_t, feature_t
from quantlaxmi._ext.wide cimport *


cdef int mid_basis(
    const event_t* event, const book_t* books, const int64_t* args, feature_t* out
) noexcept nogil:
    # args: spot index, perp index, spot multiplier, perp multiplier (align the price exponents)
    cdef const book_t* spot = &books[args[0]]
    cdef const book_t* perp = &books[args[1]]
    cdef ql_i128 num, den
    if event.instrument != args[0] and event.instrument != args[1]:
        return 0
    if not (spot.valid and perp.valid):
        out.num = 0
        out.den = 0
        return 0
    # A price is at most a tenth of int64, so the sums fit; their products may not.
    if args[2] == 1 and args[3] == 1:
        out.den = spot.bid + spot.ask
        out.num = perp.bid + perp.ask - out.den
        return 0
    den = ql_mul64(spot.bid + spot.ask, args[2])
    num = ql_mul64(perp.bid + perp.ask, args[3])
    if ql_sub(num, den, &num) or not ql_fits64(den) or not ql_fits64(num):
        return 1
    out.den = ql_to_i64(den)
    out.num = ql_to_i64(num)
    return 0


cdef int mid_basis_neutral(
    const event_t* event, const book_t* books, const int64_t* args, feature_t* out
) noexcept nogil:
    # A basis of zero, valid whenever the basis is.
    if event.instrument == args[0] or event.instrument == args[1]:
        out.num = 0
        out.den = 1 if books[args[0]].valid and books[args[1]].valid else 0
    return 0


cdef feature_fn feature_by_name(str name) except NULL:
    if name == "mid_basis":
        return mid_basis
    if name == "mid_basis.neutral":
        return mid_basis_neutral
    raise ValueError(f"feature {name!r} is not known, expected one of {', '.join(NAMES)}")


NAMES = ("mid_basis",)
#: What stands in the place of each feature where it is neutralised, called with its arguments.
NEUTRAL = {"mid_basis": "mid_basis.neutral"}
