"""A walk over quiet rows stores nothing; the last row of each instrument sets its book.

Nothing is due meanwhile, no lane has to be looked at, and nobody is asked: because nobody asks for quotes,
or because all lanes sleep. A trade between two rows that changes nothing but the last price is passed
over with them, where nobody asks for trades. Rows of other tables are not: a row behind one of them has
a mark, at which the walk ends (quiet_rows.pyx).

This is a module of its own so that the loop has the processor's registers to itself.
"""
from libc.stdint cimport int64_t, uint64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.columns cimport *
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.sleep cimport ql_any_wakes, ql_within


cdef inline bint _stays_price(int64_t shift, int64_t mid) noexcept nogil:
    """Whether a price that is moved stays within range; the ask is less than the mid twice."""
    return <uint64_t>(shift + QL_MAX_PRICE) <= <uint64_t>(2 * QL_MAX_PRICE - mid)


cdef Py_ssize_t _unasked(
    const tape_t* m, const columns_t* t, Py_ssize_t i, Py_ssize_t end, int marks, uint64_t* seen
) noexcept nogil:
    """First row from ``i`` on that has to be looked at, where nobody asks for quotes."""
    cdef const short* who = t.quiet.who
    cdef int64_t due = m.due_ns
    cdef int stops = QUIET_LOUD
    while i < end and not who[i] & stops and t.ts[i] <= due:
        if t.shift != NULL and not _stays_price(t.shift[i], t.quiet.mid2[i]):
            break
        seen[0] |= <uint64_t>1 << (who[i] & QUIET_WHO)
        stops = marks
        i += 1
    return i


cdef Py_ssize_t _asleep(
    const tape_t* m, const columns_t* t, Py_ssize_t i, Py_ssize_t end, int marks, uint64_t* seen
) noexcept nogil:
    """The same where all lanes sleep through the rows passed over, by the basis of two mids."""
    cdef const int64_t* mid2 = t.quiet.mid2
    cdef const int64_t* shift = t.shift
    cdef const int64_t* ts = t.ts
    cdef const short* who = t.quiet.who
    cdef const sleep_t* s = m.sleep
    cdef int64_t spot = m.calls[0].args[0], perp = m.calls[0].args[1], due = m.due_ns
    cdef int64_t of_spot, of_perp, mid
    cdef uint64_t met = 0
    cdef double low = s.all_low, high = s.all_high, num, den
    cdef int k, stops = QUIET_LOUD
    if not (m.books[spot].valid and m.books[perp].valid):
        return i
    of_spot = m.books[spot].bid + m.books[spot].ask
    of_perp = m.books[perp].bid + m.books[perp].ask
    while i < end:
        k, mid = who[i], mid2[i]
        if k & stops or ts[i] > due:
            break
        if shift != NULL:
            if not _stays_price(shift[i], mid):
                break
            mid += 2 * shift[i]
        k &= QUIET_WHO
        of_spot = mid if k == spot else of_spot
        of_perp = mid if k == perp else of_perp
        if of_spot <= 0:
            break
        den, num = <double>of_spot, <double>(of_perp - of_spot)
        if not ql_within(low, high, num, den) and ql_any_wakes(
            s.low, s.high, s.until, s.n, num, den, <double>ts[i]
        ):
            break
        met |= <uint64_t>1 << k
        stops = marks
        i += 1
    seen[0] = met
    return i


cdef inline void _set_last(
    tape_t* m, const columns_t* t, Py_ssize_t end, uint64_t seen
) noexcept nogil:
    """Set the books of some instruments by their last rows before ``end``, which are quiet."""
    cdef int64_t shift = 0
    cdef int k
    while seen:
        end -= 1
        k = t.quiet.who[end] & QUIET_WHO
        if (seen >> k) & 1:
            seen &= ~(<uint64_t>1 << k)
            if t.shift != NULL:
                shift = m.markets[k].shift = t.shift[end]
            set_book(m.books + k, t, end, shift)


cdef inline void _set_traded(
    tape_t* m, const columns_t* t, columns_t* trades, int64_t before
) noexcept nogil:
    """Read the trades numbered below ``before``: nothing follows from them but the last price."""
    cdef int64_t price
    cdef Py_ssize_t j = trades.at, row, k
    while j < trades.n and trades.seq[j] < before:
        k, row = trades.instrument[j], t.quiet.before_trade[j]
        price = trades.c[0][j]
        if t.shift != NULL:
            price += t.shift[row]
        m.books[k].last_price = m.event.price = price
        m.books[k].last_qty = m.event.qty = trades.c[1][j]
        m.event.side = trades.side[j]
        j += 1
    trades.at = j


cdef Py_ssize_t walk_quiet(
    tape_t* m, const columns_t* t, columns_t* trades, Py_ssize_t i, Py_ssize_t end
) noexcept nogil:
    cdef bint asks = (m.event_mask >> WALK_QUOTE) & 1
    cdef int marks = QUIET_LOUD | QUIET_STOP
    cdef uint64_t seen = 0
    if (m.event_mask >> WALK_TRADE) & 1:
        marks |= QUIET_TRADE
    if asks:
        i = _asleep(m, t, i, end, marks, &seen)
    else:
        i = _unasked(m, t, i, end, marks, &seen)
    if seen:
        _set_last(m, t, i, seen)
        _set_traded(m, t, trades, t.seq[i - 1])
        if is_basis(m):
            basis_of(
                m.books + m.calls[0].args[0], m.books + m.calls[0].args[1], m.features
            )
    return i
