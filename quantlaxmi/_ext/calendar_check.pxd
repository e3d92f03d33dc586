"""The rules of a calendar of straddles over the rows of a chain; see calendar_check.pyx."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.chain_surface cimport chain_t

# Limits of one day; a limit of 0 is off.
cdef struct terms_t:
    int64_t opens_ns, closes_ns, min_front_ns, min_gap_ns, max_age_ns, max_ahead_ns
    int64_t min_open_interest, credit, front_lots
    double max_front_spread_bps, max_back_spread_bps, max_bid_ask_spread_pct
    double min_iv, max_iv, term_structure_slope, skew_threshold
    double min_premium_gap, gap_friction_multiple, max_hedge_error
    double fee_flat, fee_share


# Rows of a moment; expiries ascend, rows of an expiry ascend in strike.
cdef struct moment_t:
    chain_t chain
    const int64_t* call_bid_qty
    const int64_t* call_ask_qty
    const int64_t* put_bid_qty
    const int64_t* put_ask_qty
    const int64_t* call_oi
    const int64_t* put_oi
    const int64_t* expiry_ns  # (n_expiries,)
    const int64_t* lot  # (n_expiries,)
    const int64_t* start  # (n_expiries + 1,)
    Py_ssize_t n_expiries
    int64_t ts_ns, exch_ts_ns


# What was found; rows and expiries are -1, figures 0 where there is none.
cdef struct check_t:
    int64_t blocked, front, back, front_row, back_row, back_lots, open_interest, age_ns
    double front_forward, back_forward, front_straddle, back_straddle
    double front_spread, back_spread, front_iv, back_iv
    double hedge, gap, calendar_gap, slope, skew, friction, hedge_error, leg_spread_pct, size


cdef void calendar_check(
    const moment_t* m, const terms_t* t, int64_t held_back, check_t* out
) noexcept nogil
