"""The short way of a quote: most rows of a market are valid quotes at which nothing is due.

It does what the engine's general way (engine_core.pyx) does with such a row, in the same order,
for all lanes. What is constant over a run of rows is read once, since each store makes the compiler
read all pointers again; the commonest feature is computed in place. A row that needs more (something
is due, the book is not valid, the row is faulty) is left to the general way, untouched.

Where quiet rows are known (quiet_rows.pyx) and nobody has to be asked, a run of them is a walk over mids
(quiet_walk.pyx).
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.asking cimport ask_awake, lane_answers
from quantlaxmi._ext.columns cimport columns_t
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.leg_checks cimport QL_MAX_PRICE
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.quiet_walk cimport basis_of, is_basis, set_book, walk_quiet
from quantlaxmi._ext.signals cimport MOST_STEPS
from quantlaxmi._ext.sleep cimport all_sleep
from quantlaxmi._ext.tape cimport *
from quantlaxmi._ext.venue_clock cimport clock_sees, venue_clock_t

cdef enum:
    KIND_QUOTE = 3  # schema.EventKind
    QUIET = 1  # schema.QuoteFlag


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
    tape_t* m, columns_t* quotes, columns_t* trades, int64_t rest, int64_t limit, int64_t* done
) noexcept nogil:
    cdef columns_t t = quotes[0]  # nobody else knows this one, so its pointers stay as they are
    cdef book_t* books = m.books
    cdef market_t* markets = m.markets
    cdef venue_clock_t* clocks = m.clocks
    cdef Py_ssize_t i = t.at, end = t.n, spot = -1, perp = -1, k, begun, traded
    cdef int64_t due = m.due_ns, last = m.ts_ns, message = m.message, before
    cdef bint asks = (m.event_mask >> KIND_QUOTE) & 1, basis = is_basis(m), walks
    cdef int status = OK
    # News that are late are a lone lane's; rows of a contract that was settled set no book.
    if m.lanes[0].lagging or m.watches or m.n_closed or (m.n_features and not basis):
        return OK
    if basis:
        spot, perp = m.calls[0].args[0], m.calls[0].args[1]
    end = i + limit if limit < end - i else end
    before = next_before(trades, rest)
    walks = t.quiet != NULL and not (asks and (m.sleep == NULL or not basis))
    while status == OK and i < end and t.seq[i] < before:
        if walks and not m.busy and last <= t.ts[i]:
            begun, traded = i, trades.at
            i = walk_quiet(m, &t, trades, i, end)
            last = t.ts[i - 1] if i > begun else last
            done[0] += trades.at - traded
            message += i - begun + trades.at - traded
            before = next_before(trades, rest)
            if i == end or t.seq[i] >= before:
                break
        if not _is_plain(&t, i, last, due, m.n_instruments):
            break
        k, last = t.instrument[i], t.ts[i]
        if t.shift != NULL:
            markets[k].shift = t.shift[i]
        if clock_sees(clocks + k, last, t.exch[i]):
            refresh_tape(m)
            due = m.due_ns
        markets[k].has_quotes = 1
        set_book(books + k, &t, i, t.shift[i] if t.shift != NULL else 0)
        i += 1
        if m.busy:
            _note(m, &t, i - 1, message)
            status = lanes_see_book(m, k, False)
            due = m.due_ns
            end = i if m.steps >= MOST_STEPS else end  # whoever called listens
            if status != OK:
                break
        message += 1
        if k == spot or k == perp:
            basis_of(books + spot, books + perp, m.features)
        if asks and not t.flags[i - 1] & QUIET and not (m.sleep != NULL and all_sleep(m)):
            _note(m, &t, i - 1, message)
            status = _ask(m)
            due = m.due_ns
            end = i if m.steps >= MOST_STEPS else end
    if i > t.at:
        _note(m, &t, i - 1, message)
        done[0] += i - t.at
    quotes.at = i
    return status
