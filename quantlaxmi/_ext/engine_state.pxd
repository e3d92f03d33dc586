"""The state of a run: what a replay carries from one message to the next."""
from libc.stdint cimport int64_t, uint64_t
from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t, charges_t
from quantlaxmi._ext.buffers cimport buffer_t, push
from quantlaxmi._ext.feature_kernels cimport feature_call_t
from quantlaxmi._ext.impact cimport impact_t
from quantlaxmi._ext.matching cimport market_t
from quantlaxmi._ext.own_takes cimport takes_t
from quantlaxmi._ext.probe_state cimport grid_row_t, probe_t, settlement_t
from quantlaxmi._ext.scan_margin cimport scan_t
from quantlaxmi._ext.venue_clock cimport met_t, venue_clock_t
from quantlaxmi._ext.wide cimport *

cdef extern from "<stdint.h>" nogil:
    const int64_t NEVER "INT64_MAX"
    const int64_t LOWEST "INT64_MIN"

cdef enum:
    # schema.OrderEventKind, OrderStatus, OrderReason, FillFlag
    ORDER_NEW = 1
    ORDER_MODIFY = 2
    ORDER_CANCEL = 3
    ORDER_UPDATE = 4
    PENDING = 0
    FILLED = 1
    PARTIAL = 2
    CANCELLED = 3
    RESTING = 4
    REJECTED = 5
    WHY_DECISION = 0
    WHY_FILLED = 1
    WHY_SIZE = 2
    WHY_BOOK = 3
    WHY_TRIM = 4
    WHY_FLATTEN = 5
    WHY_END = 6
    WHY_REFUSED = 7
    WHY_IMMEDIATE = 8
    WHY_WOULD_TAKE = 9
    WHY_RESTS = 10
    WHY_CANCELLED = 11
    WHY_MODIFIED = 12
    WHY_NOT_RESTING = 13
    WHY_MAX_LOSS = 14
    WHY_MARGIN_CALL = 16
    WHY_HEDGE_OUT = 18
    WHY_SETTLED = 17
    FLAG_TRIM = 1
    FLAG_FLATTEN = 2
    FLAG_DEPTH = 4
    FLAG_MAKER = 8
    FLAG_CLOSE = 16
    FLAG_AFTER_OWN = 32
    FLAG_BASE_FEE = 64
    FLAG_IN_BAR = 128
    FLAG_STOP_FIRST = 256
    FLAG_HEDGE_OUT = 512
    NO_BUNDLE = 0  # schema.BundlePolicy
    MATCHED = 1
    ALL_OR_NONE = 2
    WHOLE_UNITS = 3
    LEGS = 4
    FLAG_SETTLED = 1024
    UNKNOWN = -1
    MARKET_ORDER = 0  # schema.OrderType
    LIMIT_ORDER = 1
    ACT_NEW = 0  # schema.OrderAction
    ACT_MODIFY = 1
    ACT_CANCEL = 2
    ACT_CLOSE = 3  # the engine's own: cancel what rests, close what is held, in one currency
    ACT_TRIM = 4  # the engine's own: an order that takes back what a bundle filled too much
    ACT_NEW_NET = 5  # a leg's alone: check_legs makes it a new order
    GTC = 0  # schema.TimeInForce
    IOC = 1
    POST_ONLY = 2
    IN_BAR_STOP = 3
    IN_BAR_LIMIT = 4
    IN_BAR_TARGET = 5
    IN_BAR_STOP_FIRST = 6
    MAX_LEGS = 64  # schema.MAX_LEGS
    MAKER_FEE = 0
    TAKER_FEE = 1

cdef enum Status:
    OK = 0
    NO_MEMORY = -1
    OVERFLOW = -2
    TIME_REVERSED = -3
    STRATEGY_FAILED = -4  # the strategy's own negative status is in ``detail``
    BAD_LEG = -5
    BAD_ROW = -6  # a row names an instrument the segment does not have
    BAD_TARGET = -7  # a leg names no order of its instrument
    BAD_BUNDLE = -8  # a leg that may rest, or a change of an order, in a bundle
    BAD_UNITS = -10  # units, policy, a net order or a second currency that no bundle can have
    STOPPED = -11  # what a long loop heard raised, and is still to be raised
    UNSETTLED = -9  # a position has outlived its contract, ``detail``, and no price settled it


cdef struct pending_t:
    int64_t arrival
    int64_t order
    int64_t decision
    int64_t leg
    int64_t instrument
    int64_t side
    int64_t order_type
    int64_t time_in_force
    int64_t qty
    int64_t limit_price
    int64_t action
    int64_t target
    int64_t bundle  # BundlePolicy
    int64_t n_legs


# A bundle of which legs are on their way.
cdef struct open_bundle_t:
    int64_t decision
    int64_t policy
    int64_t units
    int64_t first_leg  # of its decision
    int64_t n_legs
    int64_t n_open  # legs that have not ended
    int64_t filled[MAX_LEGS]  # of its order
    int64_t moved[MAX_LEGS]  # its position; less than filled where a fee was in base


# What requests must know of any order of the run, by its number.
cdef struct order_state_t:
    int64_t instrument
    int64_t side  # 0: the number is that of a request, not of an order
    int64_t qty
    int64_t limit_price  # 0: a market order
    int64_t live  # it is in flight or rests
    int64_t executed  # it has a fill
    int64_t most  # scratch of risk_checks: the largest total a change may give it


# An order in the queue at its price.
cdef struct resting_t:
    pending_t order
    int64_t left
    int64_t ahead  # displayed size before it; UNKNOWN until its price is the touch
    int64_t shown  # displayed at its price when the book last changed, UNKNOWN: not displayed
    int64_t traded  # at its price since then
    int64_t since  # the venue's clock when it arrived; before all times where nobody can tell


cdef struct funding_due_t:
    int64_t at  # next settlement by the venue's clock, NEVER where none is announced
    int64_t settled  # last settlement made, by the same
    int64_t mark
    int64_t rate


# What an instrument comes to when it ends.
cdef struct contract_t:
    int64_t right  # of an option: 1 call, -1 put; 0 for all else, which comes to the price itself
    int64_t strike
    int64_t ends_ns  # NEVER: it does not end
    int64_t closed  # it was settled: its book is closed for good


# Interest on a short position of an instrument that is borrowed to be sold (borrow.pyx).
cdef struct borrow_t:
    ql_i128 num  # half-even(bid + ask times quantity times ns times num / den), ledger units
    ql_i128 den  # 0: it is not borrowed
    int64_t since  # time up to which interest was paid


# What became of an order, as its strategy is told.
cdef struct report_t:
    int64_t qty  # filled at `price`; 0: something else became of it
    int64_t price
    int64_t ts_ns
    int64_t flags
    int64_t left  # what may still fill
    int64_t reason


# What may be sent; 0 is no rule. Money is at the ledger's scale.
cdef struct rule_t:  # of one instrument
    int64_t tick
    int64_t lot
    ql_i128 min_notional
    int64_t closing_exempt  # the venue takes a closing order of any worth
    int64_t not_tradable  # an index: nobody can trade it
    int64_t max_position
    int64_t has_max_notional
    ql_i128 max_notional


cdef struct rate_t:
    int64_t limit  # orders within the window
    int64_t window_ns
    int64_t* times  # ring of the last ``limit`` sending times
    int64_t head  # oldest within the window
    int64_t n


# An order with which the engine closed, and the mid it is measured against.
cdef struct close_order_t:
    int64_t order
    int64_t mid


# Stated capital and what was made of it; money at ledger exponent - 1 (see margin.pyx).
cdef struct margin_t:
    int64_t on  # 0: none is stated
    ql_i128 capital
    ql_i128 leverage_num
    ql_i128 leverage_den
    ql_i128 peak  # highest equity so far
    ql_i128 drawdown  # largest fall from a peak
    ql_i128 most_used
    ql_i128 called_equity  # of the margin call
    ql_i128 called_used


cdef enum Stop:  # why nothing more is sent in a currency
    BY_LOSS = 1
    BY_MARGIN = 2


cdef struct guard_t:
    rule_t* rules  # NULL: nothing is checked
    rate_t rates[2]
    int64_t max_book_age_ns
    int64_t has_max_loss
    ql_i128 least_result  # minus the largest loss, at ledger exponent - 1
    ql_i128 money_unit  # ledger units of one money unit of a risk row
    int64_t closes  # a loss closes: see loss_close.pyx
    margin_t margin
    int64_t watches  # a loss, or margin, is looked at after every message
    int64_t n_closes
    int64_t no_short  # what would have to be borrowed is not sold
    char* stopped  # by currency: 0, or why (Stop)
    char* closing  # by currency: a close is on its way
    int64_t* close_mid  # by instrument, at price exponent - 1, when the close was sent
    buffer_t close_orders  # close_order_t
    buffer_t rows  # risk_t


# A latency: a constant, or an element of a table, drawn by number.
cdef struct draws_t:
    int64_t constant
    const int64_t* values
    Py_ssize_t n  # 0: the constant
    uint64_t key


# What happened to an order and the strategy has not heard.
cdef struct news_t:
    int64_t due
    int64_t instrument
    int64_t qty  # changes of what the strategy sees
    int64_t pending_qty
    int64_t n_fills
    int64_t in_flight
    int64_t told  # with a notice
    int64_t fill  # number of the latest fill then
    fill_notice_t notice


# Latencies that are drawn, and with a response latency what the strategy knows (latency_news.pyx).
cdef struct delays_t:
    draws_t entry
    draws_t response
    position_t* known  # true positions when last looked at, by instrument
    int64_t known_in_flight
    int64_t seen_in_flight
    Py_ssize_t head
    buffer_t news  # news_t by time, then as they happened


# By lane; numbers of lanes that are not there sleep for ever (sleep.pyx).
cdef struct sleep_t:
    double* low
    double* high
    double* until
    Py_ssize_t n  # a multiple of four
    double all_low  # bounds that lie in those of every lane that a time does not keep asleep
    double all_high


# A market as its rows are read. All its lanes share it: nothing in it depends on what a lane does,
# but when the next lane has something due, and whether any has to be looked at.
cdef struct tape_t:
    event_t* event
    book_t* books
    feature_t* features
    feature_call_t* calls
    market_t* markets
    venue_clock_t* clocks  # by instrument
    funding_due_t* dues
    contract_t* contracts  # by instrument
    Py_ssize_t n_closed  # contracts that were settled
    int64_t n_rows  # of the snapshot at hand, read so far
    Py_ssize_t n_instruments
    Py_ssize_t n_features
    int64_t event_mask
    int64_t ts_ns  # of the last message
    int64_t seq
    int64_t message
    int64_t funding_ns  # earliest settlement by the receive clock
    int64_t due_ns  # the same, or what is due earlier in a lane
    int64_t busy  # a lane has own takes, resting orders or trims that wait for a book
    int64_t watches  # a lane looks at losses or margin after every message
    engine_t** lanes
    Py_ssize_t n_lanes
    Py_ssize_t n_alive  # lanes that have not failed
    Py_ssize_t steps  # since signals were looked at: rows that many orders wait for take long
    sleep_t* sleep  # NULL: every lane is asked at every message


# One lane of a market: a strategy, its orders, accounts and results. ``ts_ns`` and ``seq`` of a lane,
# and the message in its context, are brought up to date when something happens in it (tape.pyx).
cdef struct engine_t:
    tape_t* tape
    Py_ssize_t lane  # its number
    int64_t failed  # the status that ended it
    probe_t* probe  # NULL in a run that trades
    void* owner  # the Python object that observes, with a probe
    ctx_t* ctx
    event_t* event  # the tape's, as are books, features, markets, clocks
    book_t* books
    position_t* positions
    feature_t* features
    slot_t* state
    param_t* params
    leg_out_t* legs_out
    int64_t fee_part[MAX_LEGS]  # of each leg that is a net order, what its fee in base will take
    fill_notice_t* notice
    ctx_t* seen_ctx  # what the strategy is shown: the same, unless news are late
    position_t* seen_positions
    impact_t* impact  # by instrument; NULL: none
    delays_t* delays  # NULL: every latency is latency_ns, and news are heard at once
    int64_t lagging  # news are late
    int64_t told_fill  # fill that on_fill is told of
    step_fn step
    on_fill_fn on_fill
    asleep_fn asleep  # NULL: it never sleeps
    int64_t latency_ns
    Py_ssize_t n_instruments
    market_t* markets
    takes_t* takes  # by instrument, of bids and of asks
    int64_t n_takes
    account_t* accounts
    charges_t* charges  # different ones; accounts point at them
    ql_i128* cash
    venue_clock_t* clocks
    met_t* met  # by instrument
    int64_t trades_by_receipt  # trades act by receive time, whatever they are stamped with
    scan_t* scan  # NULL: no margin is asked for
    int64_t leg_latency_ns  # of a bundle's leg after the one before it
    int64_t in_bar  # legs may be met inside the bar that ended: whoever asks keeps the rule
    borrow_t* loans  # by instrument; NULL: nothing is borrowed
    ql_i128 rate_den
    int64_t due_ns  # earliest pending arrival, or of news
    int64_t ts_ns  # of the last message
    int64_t seq
    int64_t settles_at_mark  # what no price settled is settled at its last mid at the end
    int64_t first_seq  # orders decided before this message are refused: warm-up
    int64_t detail
    int64_t pending_head
    buffer_t pending
    buffer_t owed  # pending_t: rests of trims that wait for a book; they count as in flight
    buffer_t open_bundles  # open_bundle_t, ascending in decision
    buffer_t bundles  # bundle_t
    buffer_t states  # order_state_t by order number
    buffer_t* queues  # resting_t, [2 * instrument + (1 for sells)]; best price, then oldest, first
    int64_t n_resting
    int64_t pro_rata  # cancelled size is taken from before and behind our orders alike
    buffer_t decisions
    buffer_t legs
    buffer_t orders
    buffer_t fills
    buffer_t funding
    buffer_t borrow
    buffer_t settled
    guard_t guard


cdef inline void due_at(engine_t* e, int64_t at) noexcept nogil:
    """Something will be due in a lane."""
    if at < e.due_ns:
        e.due_ns = at
        if at < e.tape.due_ns:
            e.tape.due_ns = at
