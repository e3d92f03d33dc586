"""The seventeen rules of a calendar of straddles, compiled: the twin of options.calendar_rules.

Every float is computed by the same operations in the same order as there, so that the figures have
the same bits and the same rules forbid.
"""
from libc.stdint cimport int64_t

import numpy as np

from quantlaxmi._ext.black76 cimport QL_OK
from quantlaxmi._ext.chain_surface cimport (
    chain_forward, chain_nearest, chain_skew, chain_slice, chain_straddle, slice_t, straddle_t
)

cdef enum:
    SESSION = 1 << 0  # bits of options.calendar_rules.CalendarRule
    AGE = 1 << 1
    QUOTED = 1 << 2
    FRONT_SPREAD = 1 << 3
    BACK_SPREAD = 1 << 4
    LEG_SPREAD = 1 << 5
    OPEN_INTEREST = 1 << 6
    IV_RANGE = 1 << 7
    CALENDAR_GAP = 1 << 8
    TERM_SLOPE = 1 << 9
    SKEW = 1 << 10
    HEDGE_ERROR = 1 << 11
    SIZE = 1 << 12
    GAP_FLOOR = 1 << 13
    GAP_FRICTION = 1 << 14
    LEAST_SECONDS = 60

cdef int64_t SECOND_NS = 1_000_000_000
cdef double YEAR_SECONDS = 31536000.0
cdef double LEAST_HEDGE = 0.5
cdef double MOST_HEDGE = 2.0
cdef double MOST_LOTS = 1e12


cdef int64_t _half_even(double value) noexcept nogil:
    """A number of at least 0 to the nearest whole one, of two the even one."""
    cdef int64_t below = <int64_t>value
    cdef double rest = value - <double>below
    if rest > 0.5 or (rest == 0.5 and below % 2 == 1):
        return below + 1
    return below


cdef double _years(const moment_t* m, Py_ssize_t e) noexcept nogil:
    cdef int64_t left = m.expiry_ns[e] - m.ts_ns
    cdef int64_t seconds = left // SECOND_NS if left > 0 else 0
    if seconds <= 0:
        return 0
    return <double>(seconds if seconds > LEAST_SECONDS else LEAST_SECONDS) / YEAR_SECONDS


cdef int _straddle(
    const moment_t* m, Py_ssize_t e, double years, slice_t* s, straddle_t* out, int64_t* row
) noexcept nogil:
    """Forward, row at the money and straddle of an expiry; its status."""
    s[0] = chain_slice(m.start[e], m.start[e + 1], 0, years)
    chain_forward(&m.chain, s)
    s[0] = chain_slice(m.start[e], m.start[e + 1], s.forward, years)
    row[0] = chain_nearest(&m.chain, s)
    return chain_straddle(&m.chain, s, row[0], out)


cdef void _leg(
    check_t* out, int64_t bid, int64_t ask, int64_t touch, int64_t oi, int64_t lot, double units,
    bint first,
) noexcept nogil:
    """Take one of the four options into the widest spread, least interest and smallest touch."""
    cdef double spread = 200.0 * <double>(ask - bid) / <double>(bid + ask)
    cdef double size = <double>touch / units
    cdef int64_t interest = oi // lot
    if spread > out.leg_spread_pct:
        out.leg_spread_pct = spread
    if first or interest < out.open_interest:
        out.open_interest = interest
    if first or size < out.size:
        out.size = size


cdef void _legs(const moment_t* m, const terms_t* t, check_t* out) noexcept nogil:
    """Add lots, friction, and what the touches of the four legs show."""
    cdef int64_t front_lot = m.lot[out.front], back_lot = m.lot[out.back]
    cdef double front_units = <double>(t.front_lots * front_lot)
    cdef double wanted = out.hedge * front_units
    cdef double lots = wanted / <double>back_lot
    cdef double back_units, premium, fees, spreads, error
    cdef int64_t k = out.front_row, j = out.back_row
    out.back_lots = _half_even(lots if lots < MOST_LOTS else MOST_LOTS)
    if out.back_lots < 1:
        out.back_lots = 1
    back_units = <double>out.back_lots * <double>back_lot
    premium = out.front_straddle + out.hedge * out.back_straddle
    fees = (8.0 * t.fee_flat + t.fee_share * (front_units * premium)) / front_units
    spreads = out.front_spread + out.hedge * out.back_spread
    out.friction = spreads + fees
    error = back_units / wanted - 1.0
    out.hedge_error = error if error >= 0 else -error
    _leg(out, m.chain.call_bid[k], m.chain.call_ask[k], m.call_bid_qty[k], m.call_oi[k],
         front_lot, front_units, True)
    _leg(out, m.chain.put_bid[k], m.chain.put_ask[k], m.put_bid_qty[k], m.put_oi[k],
         front_lot, front_units, False)
    _leg(out, m.chain.call_bid[j], m.chain.call_ask[j], m.call_ask_qty[j], m.call_oi[j],
         back_lot, back_units, False)
    _leg(out, m.chain.put_bid[j], m.chain.put_ask[j], m.put_ask_qty[j], m.put_oi[j],
         back_lot, back_units, False)


cdef int64_t _limits(const check_t* f, const terms_t* t, bint smiles) noexcept nogil:
    """Rules that the figures do not meet."""
    cdef double low = f.front_iv if f.front_iv < f.back_iv else f.back_iv
    cdef double high = f.front_iv if f.front_iv > f.back_iv else f.back_iv
    cdef double gap = -f.gap if t.credit else f.gap
    cdef double front_bps = f.front_spread / f.front_forward * 1e4
    cdef double back_bps = f.back_spread / f.back_forward * 1e4
    cdef int64_t blocked = 0
    if 0 < t.max_front_spread_bps < front_bps:
        blocked |= FRONT_SPREAD
    if 0 < t.max_back_spread_bps < back_bps:
        blocked |= BACK_SPREAD
    if 0 < t.max_bid_ask_spread_pct < f.leg_spread_pct:
        blocked |= LEG_SPREAD
    if f.open_interest < t.min_open_interest:
        blocked |= OPEN_INTEREST
    if low < t.min_iv or 0 < t.max_iv < high:
        blocked |= IV_RANGE
    if f.calendar_gap <= 0:
        blocked |= CALENDAR_GAP
    if t.term_structure_slope != 0 and f.slope > t.term_structure_slope:
        blocked |= TERM_SLOPE
    if t.skew_threshold != 0 and (not smiles or f.skew < t.skew_threshold):
        blocked |= SKEW
    if 0 < t.max_hedge_error < f.hedge_error:
        blocked |= HEDGE_ERROR
    if f.size < 1:
        blocked |= SIZE
    if gap < t.min_premium_gap:
        blocked |= GAP_FLOOR
    if t.gap_friction_multiple > 0 and gap < t.gap_friction_multiple * f.friction:
        blocked |= GAP_FRICTION
    return blocked


cdef void _expiries(const moment_t* m, const terms_t* t, check_t* out) noexcept nogil:
    """Expiries to sell and to buy."""
    cdef Py_ssize_t k
    for k in range(m.n_expiries):
        if out.front < 0:
            if m.expiry_ns[k] - m.ts_ns >= t.min_front_ns:
                out.front = k
        elif m.expiry_ns[k] - m.expiry_ns[out.front] >= t.min_gap_ns:
            out.back = k
            return


cdef void calendar_check(
    const moment_t* m, const terms_t* t, int64_t held_back, check_t* out
) noexcept nogil:
    """Evaluate every rule at a moment, whatever the ones before it say."""
    cdef straddle_t front, back
    cdef slice_t near, far
    cdef double front_years, back_years, front_skew = 0, back_skew = 0
    cdef int64_t front_row, back_row
    cdef bint smiles
    out[0] = check_t(
        held_back, -1, -1, -1, -1, 0, 0, m.ts_ns - m.exch_ts_ns,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    )
    if not t.opens_ns <= m.ts_ns <= t.closes_ns:
        out.blocked |= SESSION
    if (t.max_age_ns != 0 and out.age_ns > t.max_age_ns) or out.age_ns < -t.max_ahead_ns:
        out.blocked |= AGE
    _expiries(m, t, out)
    if out.back < 0:
        out.blocked |= QUOTED
        return
    front_years, back_years = _years(m, out.front), _years(m, out.back)
    if (
        _straddle(m, out.front, front_years, &near, &front, &front_row) != QL_OK
        or _straddle(m, out.back, back_years, &far, &back, &back_row) != QL_OK
    ):
        out.blocked |= QUOTED
        return
    out.front_row, out.back_row = front_row, back_row
    out.front_forward, out.back_forward = near.forward, far.forward
    out.front_straddle, out.back_straddle = front.price, back.price
    out.front_spread, out.back_spread = front.spread, back.spread
    out.front_iv, out.back_iv = (front.call + front.put) * 0.5, (back.call + back.put) * 0.5
    out.hedge = front.vega / back.vega if back.vega > 0 else MOST_HEDGE
    out.hedge = LEAST_HEDGE if out.hedge < LEAST_HEDGE else out.hedge
    out.hedge = MOST_HEDGE if out.hedge > MOST_HEDGE else out.hedge
    out.gap = out.hedge * back.price - front.price
    out.calendar_gap = (
        out.back_iv * out.back_iv * back_years - out.front_iv * out.front_iv * front_years
    )
    out.slope = out.front_iv - out.back_iv
    smiles = chain_skew(&m.chain, &near, &front_skew) == QL_OK
    smiles = chain_skew(&m.chain, &far, &back_skew) == QL_OK and smiles
    if smiles:
        out.skew = back_skew if back_skew < front_skew else front_skew
    _legs(m, t, out)
    out.blocked |= _limits(out, t, smiles)


def check(columns, expiry_ns, lot, start, double unit, now, whole, real):
    """Evaluate the rules at a moment that is given by columns; for tests.

    Parameters
    ----------
    columns : ndarray of int64, shape (11, n_rows)
        IN: strike; bid, ask, size of bid, size of ask and open interest of calls, then of puts.
    expiry_ns, lot : ndarray of int64, shape (n_expiries,)
        IN
    start : ndarray of int64, shape (n_expiries + 1,)
        IN
    unit : float
        Price units in one of the currency.
    now : tuple of int
        Time, exchange's time, rules that the run adds.
    whole : tuple of int
        The first nine fields of ``terms_t``.
    real : tuple of float
        The others.

    Returns
    -------
    tuple of tuple of int and tuple of float
        The fields of ``check_t``.
    """
    cdef const int64_t[:, ::1] c = np.ascontiguousarray(columns, np.int64)
    cdef const int64_t[::1] ends = expiry_ns, lots = lot, first = start
    cdef moment_t m
    cdef terms_t t
    cdef check_t f
    if c.shape[0] != 11 or c.shape[1] == 0 or ends.shape[0] == 0:
        raise ValueError("a moment has eleven columns, and rows")
    if lots.shape[0] != ends.shape[0] or first.shape[0] != ends.shape[0] + 1:
        raise ValueError("expiries, lots and first rows differ in length")
    if first[0] != 0 or first[ends.shape[0]] != c.shape[1]:
        raise ValueError("the first rows of the expiries do not span the rows")
    m.chain.strike, m.chain.unit = &c[0, 0], unit
    m.chain.call_bid, m.chain.call_ask = &c[1, 0], &c[2, 0]
    m.call_bid_qty, m.call_ask_qty, m.call_oi = &c[3, 0], &c[4, 0], &c[5, 0]
    m.chain.put_bid, m.chain.put_ask = &c[6, 0], &c[7, 0]
    m.put_bid_qty, m.put_ask_qty, m.put_oi = &c[8, 0], &c[9, 0], &c[10, 0]
    m.expiry_ns, m.lot, m.start = &ends[0], &lots[0], &first[0]
    m.n_expiries = ends.shape[0]
    m.ts_ns, m.exch_ts_ns = now[0], now[1]
    (t.opens_ns, t.closes_ns, t.min_front_ns, t.min_gap_ns, t.max_age_ns, t.max_ahead_ns,
     t.min_open_interest, t.credit, t.front_lots) = whole
    (t.max_front_spread_bps, t.max_back_spread_bps, t.max_bid_ask_spread_pct, t.min_iv, t.max_iv,
     t.term_structure_slope, t.skew_threshold, t.min_premium_gap, t.gap_friction_multiple,
     t.max_hedge_error, t.fee_flat, t.fee_share) = real
    calendar_check(&m, &t, now[2], &f)
    return (
        (f.blocked, f.front, f.back, f.front_row, f.back_row, f.back_lots, f.open_interest,
         f.age_ns),
        (f.front_forward, f.back_forward, f.front_straddle, f.back_straddle, f.front_spread,
         f.back_spread, f.front_iv, f.back_iv, f.hedge, f.gap, f.calendar_gap, f.slope, f.skew,
         f.friction, f.hedge_error, f.leg_spread_pct, f.size),
    )
