"""The rule of calendar_carry as a kernel: the twin of ``on_market`` in strategies.calendar_carry.

``strategies.calendar_carry_kernel`` fills ``params`` and ``state`` by the numbers below: fields of
one number, then rows of the dated terms, of the expiries, and of the strikes of each.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from quantlaxmi._ext._types cimport (
    book_t, ctx_t, event_t, feature_t, fill_notice_t, leg_out_t, nap_t, param_t, position_t, slot_t
)
from quantlaxmi._ext.calendar_check cimport calendar_check, check_t, moment_t, terms_t

#: Bytes of each record as compiled in, compared with ``schema`` when the kernel is loaded.
RECORD_SIZES = {
    "ctx": sizeof(ctx_t),
    "event": sizeof(event_t),
    "book": sizeof(book_t),
    "position": sizeof(position_t),
    "feature": sizeof(feature_t),
    "slot": sizeof(slot_t),
    "param": sizeof(param_t),
    "leg_out": sizeof(leg_out_t),
    "fill_notice": sizeof(fill_notice_t),
    "nap": sizeof(nap_t),
}
#: A literal on purpose: it tells which ABI this binary was built for.
ABI_VERSION = 5

cdef enum:
    P_EXPIRIES = 0  # params: numbers of rows of the tables behind the fields
    P_ROWS = 1
    P_DATED = 2
    P_INTERVAL = 3  # ns, down to P_EXPIRY_EXIT
    P_MIN_FRONT = 4
    P_MIN_GAP = 5
    P_MAX_AGE = 6
    P_MAX_AHEAD = 7
    P_MAX_HOLD = 8
    P_COOLDOWN = 9
    P_OPEN_DELAY = 10
    P_CLOSE_BUFFER = 11
    P_EXPIRY_EXIT = 12
    P_LOTS = 13
    P_INTEREST = 14
    P_CREDIT = 15
    P_RATIONALE = 16
    P_ENTER = 17  # policies of bundles: of an entry, of an exit
    P_LEAVE = 18
    P_FRONT_BPS = 19  # real, down to P_UNIT
    P_BACK_BPS = 20
    P_LEG_PCT = 21
    P_MIN_IV = 22
    P_MAX_IV = 23
    P_SLOPE = 24
    P_SKEW = 25
    P_GAP = 26
    P_MULTIPLE = 27
    P_HEDGE_ERROR = 28
    P_TARGET = 29
    P_STOP = 30
    P_UNIT = 31  # price units in one of the currency
    P_TABLES = 32
    D_FROM = 0  # a row of dated terms: ns of its first moment, of open and close after midnight
    D_OPENS = 1
    D_CLOSES = 2
    D_FLAT = 3
    D_SHARE = 4
    D_WIDTH = 5
    E_END = 0  # an expiry: ns of its end, lot, first row
    E_LOT = 1
    E_FIRST = 2
    E_WIDTH = 3
    R_STRIKE = 0  # a strike: price, instruments of its call and put or -1
    R_CALL = 1
    R_PUT = 2
    R_WIDTH = 3
    S_CHECKED = 0  # state: times of the last check and exit, of the entry
    S_LEFT = 1
    S_SINCE = 2
    S_UNITS = 3  # of the front, as decided
    S_FRICTION = 4  # real
    S_END = 5  # of the front
    S_HELD = 6  # instruments of the last entry's four legs, the first -1 before one
    S_MID2 = 10  # bid + ask of each at the decision
    LEGS = 4
    COLUMNS = 11
    COOLDOWN_BIT = 1 << 15
    MARKET_NEW = 0
    ENTERS = 1  # schema.DecisionType
    EXITS = 2
    STATUS_NO_MEMORY = -1
    STATUS_NO_TERMS = -2
    STATUS_PRICE_RANGE = -3  # above what can be marked in 64 bits

cdef int64_t MAX_PRICE = 400_000_000
cdef int64_t DAY_NS = 86_400_000_000_000
cdef int64_t IST_NS = 19_800_000_000_000


cdef inline int64_t _day(int64_t ts_ns) noexcept nogil:
    """Midnight in India before a time."""
    cdef int64_t local = ts_ns + IST_NS
    cdef int64_t rest = local % DAY_NS
    return local - (rest if rest >= 0 else rest + DAY_NS) - IST_NS


cdef bint _terms(const param_t* p, int64_t now, terms_t* t) noexcept nogil:
    """Limits of the day of a time; false where no row of the dated terms begins before it."""
    cdef const param_t* row = p + P_TABLES
    cdef const param_t* found = NULL
    cdef int64_t k, day = _day(now)
    for k in range(p[P_DATED].value):
        if row[D_FROM].value <= day:
            found = row
        row += D_WIDTH
    if found == NULL:
        return False
    t.opens_ns = day + found[D_OPENS].value + p[P_OPEN_DELAY].value
    t.closes_ns = day + found[D_CLOSES].value - p[P_CLOSE_BUFFER].value
    t.fee_flat, t.fee_share = found[D_FLAT].real, found[D_SHARE].real
    t.min_front_ns, t.min_gap_ns = p[P_MIN_FRONT].value, p[P_MIN_GAP].value
    t.max_age_ns, t.max_ahead_ns = p[P_MAX_AGE].value, p[P_MAX_AHEAD].value
    t.min_open_interest, t.credit = p[P_INTEREST].value, p[P_CREDIT].value
    t.front_lots = p[P_LOTS].value
    t.max_front_spread_bps, t.max_back_spread_bps = p[P_FRONT_BPS].real, p[P_BACK_BPS].real
    t.max_bid_ask_spread_pct = p[P_LEG_PCT].real
    t.min_iv, t.max_iv = p[P_MIN_IV].real, p[P_MAX_IV].real
    t.term_structure_slope, t.skew_threshold = p[P_SLOPE].real, p[P_SKEW].real
    t.min_premium_gap, t.gap_friction_multiple = p[P_GAP].real, p[P_MULTIPLE].real
    t.max_hedge_error = p[P_HEDGE_ERROR].real
    return True


cdef void _put(
    const book_t* books, int64_t instrument, int64_t seq, int64_t** columns, int64_t at, int side
) noexcept nogil:
    """Write one option into the row of a moment: bid, ask, sizes and open interest."""
    cdef const book_t* b = books + instrument
    cdef bint here = instrument >= 0 and b.seq == seq
    cdef int64_t** own = columns + 1 + 5 * side
    own[0][at] = b.bid if here else 0
    own[1][at] = b.ask if here else 0
    own[2][at] = b.bid_qty if here else 0
    own[3][at] = b.ask_qty if here else 0
    own[4][at] = b.oi if here else 0


cdef int64_t _gather(
    const param_t* p, const book_t* books, const event_t* e, moment_t* m, int64_t* room,
    int64_t* call, int64_t* put
) noexcept nogil:
    """Lay the contracts of a message out as a moment; how many rows it has, or a negative status.

    ``room`` is (3 expiries + 1) numbers for ends, lots and first rows, then the columns; ``call``
    and ``put`` take the instruments of each row.
    """
    cdef int64_t n_expiries = p[P_EXPIRIES].value, n_rows = p[P_ROWS].value
    cdef int64_t* ends = room
    cdef int64_t* lots = ends + n_expiries
    cdef int64_t* start = lots + n_expiries
    cdef int64_t* columns[COLUMNS]
    cdef const param_t* expiry = p + P_TABLES + D_WIDTH * p[P_DATED].value
    cdef const param_t* row = expiry + E_WIDTH * n_expiries
    cdef int64_t k, r, last, n = 0, found = 0, begun
    columns[0] = start + n_expiries + 1
    for k in range(1, COLUMNS):
        columns[k] = columns[k - 1] + n_rows
    start[0] = 0
    for k in range(n_expiries):
        begun = n
        last = expiry[E_WIDTH + E_FIRST].value if k + 1 < n_expiries else n_rows
        for r in range(expiry[E_FIRST].value, last):
            call[n], put[n] = row[R_CALL].value, row[R_PUT].value
            if call[n] >= 0 and books[call[n]].seq != e.seq:
                call[n] = -1
            if put[n] >= 0 and books[put[n]].seq != e.seq:
                put[n] = -1
            if call[n] >= 0 or put[n] >= 0:
                columns[0][n] = row[R_STRIKE].value
                _put(books, call[n], e.seq, columns, n, 0)
                _put(books, put[n], e.seq, columns, n, 1)
                if columns[2][n] > MAX_PRICE or columns[7][n] > MAX_PRICE:
                    return STATUS_PRICE_RANGE
                n += 1
            row += R_WIDTH
        if n > begun:
            ends[found], lots[found] = expiry[E_END].value, expiry[E_LOT].value
            found += 1
            start[found] = n
        expiry += E_WIDTH
    m.chain.strike, m.chain.unit = columns[0], p[P_UNIT].real
    m.chain.call_bid, m.chain.call_ask = columns[1], columns[2]
    m.call_bid_qty, m.call_ask_qty, m.call_oi = columns[3], columns[4], columns[5]
    m.chain.put_bid, m.chain.put_ask = columns[6], columns[7]
    m.put_bid_qty, m.put_ask_qty, m.put_oi = columns[8], columns[9], columns[10]
    m.expiry_ns, m.lot, m.start, m.n_expiries = ends, lots, start, found
    m.ts_ns, m.exch_ts_ns = e.ts_ns, e.exch_ts_ns
    return n


cdef inline void _write(
    leg_out_t* leg, int64_t instrument, int64_t signed_qty, int64_t kind, int64_t policy,
    int64_t rationale
) noexcept nogil:
    leg.instrument = instrument
    leg.side = 1 if signed_qty > 0 else -1
    leg.qty = signed_qty if signed_qty > 0 else -signed_qty
    leg.order_type = leg.limit_price = leg.time_in_force = 0
    leg.action = MARKET_NEW
    leg.target = -1
    leg.decision_type, leg.direction, leg.confidence = kind, 0, -1
    leg.rationale, leg.bundle = rationale, policy
    leg.units = 1


cdef int64_t _enter(
    const param_t* p, const moment_t* m, const check_t* c, const int64_t* call, const int64_t* put,
    slot_t* s, leg_out_t* legs
) noexcept nogil:
    """Remember the market and write the legs; what is bought comes first."""
    cdef int64_t front_units = p[P_LOTS].value * m.lot[c.front]
    cdef int64_t back_units = c.back_lots * m.lot[c.back]
    cdef int64_t k, row, j
    for k in range(2):
        row = c.back_row if k else c.front_row
        s[S_HELD + 2 * k].i, s[S_HELD + 2 * k + 1].i = call[row], put[row]
        s[S_MID2 + 2 * k].i = m.chain.call_bid[row] + m.chain.call_ask[row]
        s[S_MID2 + 2 * k + 1].i = m.chain.put_bid[row] + m.chain.put_ask[row]
    s[S_UNITS].i, s[S_FRICTION].f = front_units, c.friction
    s[S_END].i, s[S_SINCE].i = m.expiry_ns[c.front], m.ts_ns
    for k in range(LEGS):
        j = k + 2 if k < 2 else k - 2
        _write(
            &legs[k], s[S_HELD + j].i, -front_units if j < 2 else back_units, ENTERS,
            p[P_ENTER].value, p[P_RATIONALE].value,
        )
    return LEGS


cdef bint _forced(const param_t* p, const terms_t* t, const slot_t* s, int64_t now) noexcept nogil:
    """Whether the time has come to leave, whatever the profit."""
    cdef int64_t closes_ns = t.closes_ns + p[P_CLOSE_BUFFER].value
    if s[S_LEFT].i >= s[S_SINCE].i:
        return True  # an exit was decided, and closed a part
    if now - s[S_SINCE].i >= p[P_MAX_HOLD].value or now > t.closes_ns:
        return True
    if now >= s[S_END].i:
        return True  # what is left of it is no calendar
    return _day(s[S_END].i) <= _day(now) and now > closes_ns - p[P_EXPIRY_EXIT].value


cdef bint _reached(
    const param_t* p, const book_t* books, const position_t* positions, const slot_t* s, int64_t seq
) noexcept nogil:
    """Whether profit or loss have reached target or stop, at mids."""
    cdef int64_t k, total = 0
    cdef const book_t* b
    cdef double profit
    for k in range(LEGS):
        b = books + s[S_HELD + k].i
        if b.seq != seq or b.bid <= 0 or b.ask <= 0:
            return False
        total += positions[s[S_HELD + k].i].qty * (b.bid + b.ask - s[S_MID2 + k].i)
    profit = <double>total / (2.0 * <double>s[S_UNITS].i * p[P_UNIT].real)
    if p[P_TARGET].real != 0 and profit >= s[S_FRICTION].f * p[P_TARGET].real:
        return True
    return p[P_STOP].real != 0 and profit <= -(s[S_FRICTION].f * p[P_STOP].real)


cdef int64_t step(
    ctx_t* ctx, event_t* event, book_t* books, position_t* positions, feature_t* features,
    slot_t* state, param_t* params, leg_out_t* legs
) noexcept nogil:
    """Check the chain, and enter or leave: the number of legs, or a negative status."""
    cdef moment_t m
    cdef terms_t t
    cdef check_t c
    cdef int64_t n_rows = params[P_ROWS].value, now = event.ts_ns
    cdef int64_t k, n, n_legs = 0, held_back = 0
    cdef bint held = False
    cdef size_t size = 3 * params[P_EXPIRIES].value + 1 + (COLUMNS + 2) * n_rows
    cdef int64_t* room
    cdef int64_t* call
    cdef int64_t* put
    if now - state[S_CHECKED].i < params[P_INTERVAL].value:
        return 0
    room = <int64_t*>malloc(size * sizeof(int64_t))
    if room == NULL:
        return STATUS_NO_MEMORY
    call = room + 3 * params[P_EXPIRIES].value + 1 + COLUMNS * n_rows
    put = call + n_rows
    n = _gather(params, books, event, &m, room, call, put)
    if n < 0:
        n_legs = n
    elif n > 0 and not _terms(params, now, &t):
        n_legs = STATUS_NO_TERMS
    elif n > 0:
        state[S_CHECKED].i = now
        for k in range(LEGS if state[S_HELD].i >= 0 else 0):
            held = held or positions[state[S_HELD + k].i].qty != 0
        if now - state[S_LEFT].i < params[P_COOLDOWN].value:
            held_back = COOLDOWN_BIT
        if ctx.in_flight == 0 and held:
            if (
                _forced(params, &t, state, now)
                or _reached(params, books, positions, state, event.seq)
            ):
                state[S_LEFT].i = now
                for k in range(LEGS):
                    n = positions[state[S_HELD + k].i].qty
                    if n != 0:
                        _write(
                            &legs[n_legs], state[S_HELD + k].i, -n, EXITS,
                            params[P_LEAVE].value,
                            params[P_RATIONALE].value,
                        )
                        n_legs += 1
        elif ctx.in_flight == 0:
            calendar_check(&m, &t, held_back, &c)
            if c.blocked == 0:
                n_legs = _enter(params, &m, &c, call, put, state, legs)
    free(room)
    return n_legs


def functions():
    """Return the address of step; on_fill, can_trade and asleep are none."""
    return <size_t>step, None, None, None
