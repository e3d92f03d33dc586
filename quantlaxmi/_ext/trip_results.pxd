"""What trips of a random entry earn, cost and receive, wherever they begin.

The caller proves that all products and the PnL of one trip fit int64.
"""
from libc.stdint cimport int64_t, uint64_t
from quantlaxmi._ext.draw_sums cimport *
from quantlaxmi._ext.wide cimport *


cdef struct terms_t:
    bundles_t bundles  # on tradeable rows only; in `identity`, on the actions' own rows
    # Trips.
    const int64_t* first
    const int64_t* bundle
    const int64_t* offset
    const int64_t* occupied
    Py_ssize_t n_trips
    int64_t free_rows
    # What turns gross into net.
    int known
    int64_t scale
    const int64_t* costs
    Py_ssize_t n_rows
    const int64_t* cost
    const int64_t* mirror_cost
    const int64_t* constant
    const int64_t* settled
    const int64_t* position
    const int64_t* mirror_position
    const int64_t* paid
    Py_ssize_t n_paid
    # Interest on the spans of the trips.
    const int64_t* span_first
    const int64_t* begin
    const int64_t* end
    const int64_t* column
    const int64_t* quantity
    const int64_t* arrivals
    const int64_t* mids
    Py_ssize_t n_mids
    const uint64_t* den
    const int64_t* span_scale


cdef struct result_t:
    int64_t gross
    int64_t cost
    int64_t funding


cdef inline int set_trips(terms_t* t, bundles, trips) except -1:
    set_bundles(&t.bundles, bundles)
    t.first, t.bundle, t.offset = line_of(trips.first), line_of(trips.bundle), line_of(trips.offset)
    t.occupied, t.n_trips, t.free_rows = line_of(trips.occupied), len(trips.occupied), trips.free
    return 0


cdef inline int set_net(terms_t* t, net) except -1:
    t.known, t.scale = bool(net.known), net.scale
    t.costs, t.n_rows = table_of(net.costs), net.costs.shape[1]
    t.cost, t.mirror_cost = line_of(net.cost), line_of(net.mirror_cost)
    t.constant, t.settled = line_of(net.constant), line_of(net.settled)
    t.position, t.mirror_position = line_of(net.position), line_of(net.mirror_position)
    t.paid, t.n_paid = table_of(net.paid), net.paid.shape[1]
    return 0


cdef inline int set_interest(terms_t* t, interest) except -1:
    t.span_first, t.begin, t.end = (
        line_of(interest.first), line_of(interest.begin), line_of(interest.end)
    )
    t.column, t.quantity = line_of(interest.column), line_of(interest.quantity)
    t.arrivals = line_of(interest.arrivals)
    t.mids, t.n_mids = table_of(interest.mids), interest.mids.shape[1]
    t.den, t.span_scale = words_of(interest.den), line_of(interest.scale)
    return 0


cdef inline int64_t trip_interest(const terms_t* t, int64_t trip, int64_t start, int turned) noexcept nogil:
    """Interest of one trip that begins at a row, in units of net."""
    cdef int64_t total = 0, s, short, row, held, c
    for s in range(t.span_first[trip], t.span_first[trip + 1]):
        short = t.quantity[s] if turned else -t.quantity[s]
        if short > 0:
            row = start + t.offset[t.end[s]]
            held = t.arrivals[row] - t.arrivals[start + t.offset[t.begin[s]]]
            c = t.column[s]
            total += t.span_scale[c] * ql_to_i64(
                ql_div_half_even(
                    ql_mul64(t.mids[c * t.n_mids + row] * short, held),
                    ql_join(<int64_t>t.den[2 * c], <int64_t>t.den[2 * c + 1]),
                )
            )
    return total


cdef inline result_t trip_result(
    const terms_t* t, int64_t trip, int64_t start, int turned
) noexcept nogil:
    """Gross, cost with interest, and funding of one trip that begins at a row, turned or not."""
    cdef result_t r
    cdef int64_t a, row, value, column, after, now, position = -1, since = 0
    r.gross = r.cost = r.funding = 0
    for a in range(t.first[trip], t.first[trip + 1]):
        row = start + t.offset[a]
        value = bundle_value(&t.bundles, t.bundle[a], row)
        r.gross += -value if turned else value
        if t.known:
            r.cost += t.constant[a]
            column = t.mirror_cost[a] if turned else t.cost[a]
            if column >= 0:
                r.cost += t.costs[column * t.n_rows + row]
            after = t.mirror_position[a] if turned else t.position[a]
            if position >= 0 or after >= 0:
                now = t.settled[row]
                if position >= 0:
                    r.funding += t.paid[position * t.n_paid + now]
                    r.funding -= t.paid[position * t.n_paid + since]
                position = after
                since = now
    if t.known:
        r.cost += trip_interest(t, trip, start, turned)
    return r
