"""The short way of a quote: most rows of a market are valid quotes at which nothing is due.

It does what the engine's general way (engine_core.pyx) does with such a row, in the same order,
for all lanes. What is constant over a run of rows is read once, since each store makes the compiler
read all pointers again; the commonest feature is computed in place. A row that needs more (something
is due, the book is not valid, the row is faulty) is left to the general way, untouched.

Where quiet rows are known (quiet_rows.pyx) and nobody has to be asked, because nobody asks for quotes or
all lanes sleep, a run of them is a walk over mids that stores nothing. Its last rows set the books.
"""
from libc.stdint cimport int64_t, uint64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.asking cimport ask_awake, lane_answers
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.feature_kernels cimport mid_basis
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.sleep cimport all_sleep, ql_any_wakes, ql_within
from quantlaxmi._ext.tape cimport *
from quantlaxmi._ext.venue_clock cimport clock_sees, venue_clock_t

cdef enum:
    KIND_QUOTE = 3  # schema.EventKind
    QUIET = 1  # schema.QuoteFlag


cdef inline void _basis(
    const book_t* spot, const book_t* perp, feature_t* out
) noexcept nogil:
    """As `mid_basis` where both prices have one exponent."""
    cdef int64_t den = 0, num = 0
    if spot.valid and perp.valid:
        den = spot.bid + spot.ask
        num = perp.bid + perp.ask - den
    out.den = den
    out.num = num


cdef inline bint _is_basis(const tape_t* m) noexcept nogil:
    return (
        m.n_features == 1 and m.calls[0].fn == mid_basis
        and m.calls[0].args[2] == 1 and m.calls[0].args[3] == 1
    )


cdef inline void _set_book(
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


cdef inline void _note(
    tape_t* m, const columns_t* t, Py_ssize_t i, int64_t message
) noexcept nogil:
    """The message at hand, for who is about to look at it."""
    cdef event_t* event = m.event
    m.message = message
    event.kind = KIND_QUOTE
    event.instrument = t.instrument[i]
    event.seq = m.seq = t.seq[i]
    event.ts_ns = m.ts_ns = t.ts[i]
    event.exch_ts_ns = t.exch[i]


cdef inline bint _is_plain(
    const columns_t* t, Py_ssize_t i, int64_t last, int64_t due, Py_ssize_t n_instruments
) noexcept nogil:
    """Whether nothing is due before the row, and it sets a book with both sides."""
    return (
        0 <= t.instrument[i] < n_instruments and last <= t.ts[i] <= due
        and 0 < t.c[0][i] < t.c[2][i] <= QL_MAX_PRICE
        and (
            t.shift == NULL
            or -QL_MAX_PRICE <= t.shift[i] <= QL_MAX_PRICE - t.c[2][i]
        )
    )


cdef inline Py_ssize_t _first_from(
    const int64_t* seq, Py_ssize_t i, Py_ssize_t end, int64_t before
) noexcept nogil:
    """First row from ``i`` on, before ``end``, that is numbered ``before`` or above."""
    cdef Py_ssize_t step = 1, low = i, middle
    while i + step < end and seq[i + step - 1] < before:
        low = i + step
        step *= 2
    if i + step < end:
        end = i + step
    while low < end:
        middle = (low + end) // 2
        if seq[middle] < before:
            low = middle + 1
        else:
            end = middle
    return low


cdef Py_ssize_t _quiet_run(
    const tape_t* m, const columns_t* t, Py_ssize_t i, Py_ssize_t end, const int64_t* args, bint asks,
    uint64_t* seen,
) noexcept nogil:
    """First row from ``i`` on that has to be looked at; notes the instruments of those before it.

    Where the strategies ask for quotes, all of them sleep through the rows passed over.
    """
    cdef const int64_t* mid2 = t.quiet.mid2
    cdef const short* who = t.quiet.who
    cdef const int64_t* shift = t.shift
    cdef const sleep_t* s = m.sleep
    cdef int64_t due = m.due_ns, spot = -1, perp = -1, of_spot = 0, of_perp = 0, mid
    cdef double low = 0, high = 0, num, den
    cdef short k
    if asks:
        spot, perp = args[0], args[1]
        if not (m.books[spot].valid and m.books[perp].valid):
            return i
        of_spot = m.books[spot].bid + m.books[spot].ask
        of_perp = m.books[perp].bid + m.books[perp].ask
        low, high = s.all_low, s.all_high
    while i < end:
        k, mid = who[i], mid2[i]
        if k < 0 or t.ts[i] > due:
            break
        if shift != NULL:
            # More than is needed: the ask is less than the mid twice.
            if not -QL_MAX_PRICE <= shift[i] <= QL_MAX_PRICE - mid:
                break
            mid += 2 * shift[i]
        if asks:
            of_spot = mid if k == spot else of_spot
            of_perp = mid if k == perp else of_perp
            if of_spot <= 0:
                break
            den, num = <double>of_spot, <double>(of_perp - of_spot)
            if not ql_within(low, high, num, den) and ql_any_wakes(
                s.low, s.high, s.until, s.n, num, den, <double>t.ts[i]
            ):
                break
        seen[0] |= <uint64_t>1 << k
        i += 1
    return i


cdef inline void _set_last(
    tape_t* m, const columns_t* t, Py_ssize_t end, uint64_t seen
) noexcept nogil:
    """Set the books of some instruments by their last rows before ``end``, which are quiet."""
    cdef const short* who = t.quiet.who
    cdef short k
    while seen:
        end -= 1
        k = who[end]
        if (seen >> k) & 1:
            seen &= ~(<uint64_t>1 << k)
            if t.shift != NULL:
                m.markets[k].shift = t.shift[end]
            _set_book(m.books + k, t, end, t.shift[end] if t.shift != NULL else 0)


cdef inline Py_ssize_t _walk(
    tape_t* m, const columns_t* t, Py_ssize_t i, Py_ssize_t end, bint asks, bint basis
) noexcept nogil:
    """Walk over quiet rows from ``i`` on; the first row that has to be looked at."""
    cdef const int64_t* args = m.calls[0].args if basis else NULL
    cdef uint64_t seen = 0
    cdef Py_ssize_t end_of = _quiet_run(m, t, i, end, args, asks, &seen)
    if seen:
        _set_last(m, t, end_of, seen)
        if basis and (seen >> args[0] | seen >> args[1]) & 1:
            _basis(m.books + args[0], m.books + args[1], m.features)
    return end_of


cdef inline int _ask(tape_t* m) noexcept nogil:
    """Ask the strategies about the message noted."""
    cdef engine_t* e
    cdef Py_ssize_t k
    cdef int64_t n
    cdef int status
    if m.sleep != NULL:
        return ask_awake(m)
    for k in range(m.n_lanes):
        e = m.lanes[k]
        if e.failed:
            continue
        e.ctx.now_ns = m.ts_ns
        e.ctx.message = m.message
        n = e.step(
            e.seen_ctx, m.event, m.books, e.seen_positions, m.features, e.state, e.params,
            e.legs_out,
        )
        if n != 0:
            status = lane_answers(m, e, n)
            if status != OK:
                return status
    return OK


cdef int quote_run(
    tape_t* m, columns_t* quotes, int64_t before, int64_t limit, int64_t* done
) noexcept nogil:
    cdef columns_t t = quotes[0]  # nobody else knows this one, so its pointers stay as they are
    cdef book_t* books = m.books
    cdef market_t* markets = m.markets
    cdef venue_clock_t* clocks = m.clocks
    cdef Py_ssize_t i = t.at, end = t.n, spot = -1, perp = -1, k, begun
    cdef int64_t due = m.due_ns, last = m.ts_ns, message = m.message
    cdef bint asks = (m.event_mask >> KIND_QUOTE) & 1, basis = _is_basis(m), walks
    cdef int status = OK
    # News that are late are a lone lane's; rows of a contract that was settled set no book.
    if m.lanes[0].lagging or m.watches or m.n_closed or (m.n_features and not basis):
        return OK
    if basis:
        spot, perp = m.calls[0].args[0], m.calls[0].args[1]
    if limit < end - i:
        end = i + limit
    end = _first_from(t.seq, i, end, before)
    walks = t.quiet != NULL and not (asks and (m.sleep == NULL or not basis))
    while status == OK and i < end:
        if walks and not m.busy and last <= t.ts[i]:
            begun, i = i, _walk(m, &t, i, end, asks, basis)
            if i > begun:
                message, last = message + i - begun, t.ts[i - 1]
            if i == end:
                break
        if not _is_plain(&t, i, last, due, m.n_instruments):
            break
        k, last = t.instrument[i], t.ts[i]
        if t.shift != NULL:
            markets[k].shift = t.shift[i]
        if clock_sees(clocks + k, last, t.exch[i]):
            refresh_tape(m)
            due = m.due_ns
        if not markets[k].has_quotes:
            markets[k].has_quotes = 1
        _set_book(books + k, &t, i, t.shift[i] if t.shift != NULL else 0)
        i += 1
        if m.busy:
            _note(m, &t, i - 1, message)
            status = lanes_see_book(m, k, False)
            due = m.due_ns
            if status != OK:
                break
        message += 1
        if k == spot or k == perp:
            _basis(books + spot, books + perp, m.features)
        if asks and not t.flags[i - 1] & QUIET and not (m.sleep != NULL and all_sleep(m)):
            _note(m, &t, i - 1, message)
            status = _ask(m)
            due = m.due_ns
    if i > t.at:
        _note(m, &t, i - 1, message)
        done[0] += i - t.at
    quotes.at = i
    return status
