"""The records of schema.py for C. tests/ext/test_schema.py holds the two equal."""
from libc.stdint cimport int64_t

cdef packed struct ctx_t:
    int64_t abi_version
    int64_t now_ns
    int64_t n_instruments
    int64_t message
    int64_t in_flight
    int64_t latency_ns
    int64_t next_order
    int64_t user

cdef packed struct event_t:
    int64_t kind
    int64_t instrument
    int64_t seq
    int64_t ts_ns
    int64_t exch_ts_ns
    int64_t flags
    int64_t price
    int64_t qty
    int64_t side

cdef packed struct book_t:
    int64_t valid
    int64_t bid
    int64_t bid_qty
    int64_t ask
    int64_t ask_qty
    int64_t ts_ns
    int64_t exch_ts_ns
    int64_t seq
    int64_t last_price
    int64_t last_qty
    int64_t mark
    int64_t funding_rate
    int64_t next_funding_ns
    int64_t mid2
    int64_t depth_valid
    int64_t oi
    int64_t iv

cdef packed struct position_t:
    int64_t qty
    int64_t pending_qty
    int64_t n_fills

cdef packed struct feature_t:
    int64_t num
    int64_t den
    double value

cdef packed struct slot_t:
    int64_t i
    double f

cdef packed struct param_t:
    int64_t value
    int64_t exponent
    double real

cdef packed struct leg_out_t:
    int64_t instrument
    int64_t side
    int64_t qty
    int64_t order_type
    int64_t limit_price
    int64_t action
    int64_t time_in_force
    int64_t target
    int64_t decision_type
    int64_t direction
    int64_t confidence
    int64_t rationale
    int64_t bundle
    int64_t units

cdef packed struct fill_notice_t:
    int64_t decision
    int64_t instrument
    int64_t side
    int64_t qty
    int64_t price
    int64_t ts_ns
    int64_t flags
    int64_t order_left
    int64_t order
    int64_t reason

# How long a kernel sleeps: ``step`` returns 0 and changes nothing while the first feature's num/den is
# at least ``low`` and at most ``high``, or before ``until``, unless the strategy is told something.
cdef packed struct nap_t:
    double low
    double high
    int64_t until

cdef packed struct decision_t:
    int64_t sequence
    int64_t seq
    int64_t ts_ns
    int64_t decision_type
    int64_t direction
    int64_t confidence
    int64_t rationale
    int64_t bundle
    int64_t first_leg
    int64_t n_legs
    int64_t units

cdef packed struct leg_t:
    int64_t decision
    int64_t instrument
    int64_t action
    int64_t side
    int64_t order_type
    int64_t time_in_force
    int64_t qty
    int64_t limit_price
    int64_t target
    int64_t reference_price
    int64_t bid
    int64_t bid_qty
    int64_t ask
    int64_t ask_qty
    int64_t quote_ts_ns

cdef packed struct order_t:
    int64_t order
    int64_t decision
    int64_t leg
    int64_t kind
    int64_t status
    int64_t reason
    int64_t instrument
    int64_t side
    int64_t order_type
    int64_t time_in_force
    int64_t qty
    int64_t filled_qty
    int64_t limit_price
    int64_t ts_ns
    int64_t seq

cdef packed struct fill_t:
    int64_t order
    int64_t decision
    int64_t leg
    int64_t instrument
    int64_t side
    int64_t price
    int64_t qty
    int64_t ts_ns
    int64_t seq
    int64_t flags
    int64_t fee_hi
    int64_t fee_lo
    int64_t cash_hi
    int64_t cash_lo
    int64_t position
    int64_t realized_hi
    int64_t realized_lo

cdef packed struct funding_paid_t:
    int64_t instrument
    int64_t ts_ns
    int64_t seq
    int64_t position
    int64_t mark
    int64_t rate
    int64_t amount_hi
    int64_t amount_lo
    int64_t fills_before

cdef packed struct borrow_paid_t:
    int64_t instrument
    int64_t since_ns
    int64_t ts_ns
    int64_t seq
    int64_t position
    int64_t mid2
    int64_t amount_hi
    int64_t amount_lo
    int64_t fills_before

cdef packed struct bundle_t:
    int64_t decision
    int64_t ts_ns
    int64_t policy
    int64_t units_wanted
    int64_t units_filled
    int64_t legs_short
    int64_t cost_hi
    int64_t cost_lo

cdef packed struct settled_t:
    int64_t instrument
    int64_t ts_ns
    int64_t seq
    int64_t position
    int64_t price
    int64_t intrinsic
    int64_t amount_hi
    int64_t amount_lo
    int64_t fee_hi
    int64_t fee_lo
    int64_t fills_before

cdef packed struct risk_t:
    int64_t decision
    int64_t instrument
    int64_t rule
    int64_t value
    int64_t limit
    int64_t ts_ns
    int64_t seq

# step returns the number of legs written (0: no decision) or a negative status.
ctypedef int64_t (*step_fn)(ctx_t*, event_t*, book_t*, position_t*, feature_t*, slot_t*, param_t*, leg_out_t*) noexcept nogil
ctypedef int64_t (*on_fill_fn)(ctx_t*, fill_notice_t*, book_t*, position_t*, slot_t*, param_t*) noexcept nogil
# 1 where the strategy's own filters would let it trade now, whatever its position.
ctypedef int64_t (*can_trade_fn)(ctx_t*, event_t*, book_t*, feature_t*, param_t*) noexcept nogil
# 1 where the record says how long the kernel sleeps, by orders in flight, positions and its own state.
ctypedef int64_t (*asleep_fn)(int64_t, position_t*, slot_t*, param_t*, nap_t*) noexcept nogil
