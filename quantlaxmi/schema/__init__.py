"""Record dtypes, tables and enumerations: the one place where layouts are declared for Python.

``_ext/_types.pxd`` declares the same records for C; ``tests/ext/test_schema.py`` compares them.
Kernel-facing records hold 64-bit fields only: compiled and interpreted code differ in others.
Units: ``*_ns`` are nanoseconds since the Unix epoch, ``price``/``qty`` are mantissas at their
instrument's exponents, ``*_hi``/``*_lo`` the halves (``lo`` unsigned) of a signed 128-bit integer.
"""

from __future__ import annotations

import enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.schema.tables import MANY_ROWS as MANY_ROWS
from quantlaxmi.schema.tables import OPTIONAL_TABLES as OPTIONAL_TABLES
from quantlaxmi.schema.tables import TABLES as TABLES

#: Types of columns: 64-bit integers, 64-bit words, integers of any size.
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
IntColumn = NDArray[np.object_]

SCHEMA_VERSION: Final = 1
#: Layout of a trace's rows and records.
TRACE_SCHEMA_VERSION: Final = 2
#: Changes only when the same inputs may give other decisions, fills or money.
SEMANTICS_VERSION: Final = 6
#: Changes with any kernel-facing record or signature; checked when a kernel is loaded.
KERNEL_ABI_VERSION: Final = 5
#: Versions that are loaded: 5 has longer records of books and legs; older kernels are built again.
KERNEL_ABI_VERSIONS: Final = (5,)
#: Most legs one decision may carry.
MAX_LEGS: Final = 64
#: Exponent of funding rates and of rates in bps given by configuration.
RATE_EXPONENT: Final = -8
#: Exponent of the implied volatilities that a venue publishes: 0.123456 a year is 123456.
IV_EXPONENT: Final = -6


class EventKind(enum.IntEnum):
    """Kinds of market message; also the rank that orders messages with equal receive time."""

    TRADE = 1
    DEPTH = 2
    QUOTE = 3
    FUNDING = 4
    CHAIN = 5  # a snapshot of many instruments
    SETTLEMENT = 6


class Side(enum.IntEnum):
    """Side of an order, fill or aggressor."""

    BUY = 1
    SELL = -1


class OrderType(enum.IntEnum):
    MARKET = 0
    LIMIT = 1


class OrderAction(enum.IntEnum):
    """Request of a leg: a new order, another price or quantity for one, or its cancel."""

    NEW = 0
    MODIFY = 1
    CANCEL = 2
    NEW_NET = 5  # in no record: the engine makes it the new order that leaves `qty` after its fee


class TimeInForce(enum.IntEnum):
    """Treatment of the part of a limit order that takes nothing on arrival."""

    GTC = 0  # rests until it is filled or cancelled
    IOC = 1  # is cancelled
    POST_ONLY = 2  # rests; the order is cancelled whole where any of it would take
    IN_BAR_STOP = 3  # these are met inside the bar that ended; all but the limit close only
    IN_BAR_LIMIT = 4
    IN_BAR_TARGET = 5
    IN_BAR_STOP_FIRST = 6  # a stop, where the target lay in the bar too


class InstrumentKind(enum.StrEnum):
    SPOT = "spot"
    PERP = "perp"
    FUTURE = "future"
    CALL = "call"
    PUT = "put"
    INDEX = "index"  # not traded: what others are written on


#: Kinds that an order may name.
TRADED_KINDS: Final = tuple(kind for kind in InstrumentKind if kind != InstrumentKind.INDEX)


class BundlePolicy(enum.IntEnum):
    """What becomes of a bundle whose legs did not all fill."""

    NONE = 0  # the legs are no bundle
    MATCHED = 1  # every leg keeps the smallest share that one filled, in whole lots
    ALL_OR_NONE = 2  # all units, or nothing is kept
    WHOLE_UNITS = 3  # as many units as every leg can fill
    LEGS = 4  # every leg keeps what it filled


class DecisionType(enum.IntEnum):
    """Effect of a decision on the bundle it names."""

    ENTER = 1
    EXIT = 2
    ADJUST = 3


class OrderEventKind(enum.IntEnum):
    NEW = 1
    MODIFY = 2
    CANCEL = 3
    UPDATE = 4


class OrderStatus(enum.IntEnum):
    PENDING = 0
    FILLED = 1
    PARTIAL = 2
    CANCELLED = 3
    RESTING = 4
    REJECTED = 5  # of a request to modify or cancel: nothing was changed


class OrderReason(enum.IntEnum):
    """Why an order event happened."""

    DECISION = 0
    FILLED = 1
    SIZE_EXHAUSTED = 2
    BOOK_INVALID = 3
    TRIM = 4
    FLATTEN = 5
    END_OF_DATA = 6
    REFUSED = 7  # by a rule of the venue or a risk limit, before it was sent
    IMMEDIATE = 8  # what an immediate-or-cancel order did not take on arrival
    WOULD_TAKE = 9  # a post-only order would have taken
    RESTS = 10  # it joined the queue at its price
    CANCELLED = 11  # as the strategy asked
    MODIFIED = 12  # as the strategy asked
    NOT_RESTING = 13  # what was to be changed had ended, or was not there yet
    MAX_LOSS = 14  # closed or cancelled by the engine, because the largest loss was passed
    MARGIN_CALL = 16  # closed or cancelled by the engine, because equity was below margin used
    SETTLED = 17  # the contract had ended: the position was paid, an order cancelled
    HEDGE_OUT = 18  # the engine trades out what a bundle's policy forbids it to keep


class RiskRule(enum.IntEnum):
    """Rule that refused an order; it sets the unit of a risk row's ``value`` and ``limit``."""

    LOT = 1  # quantity is no multiple of the lot: quantity mantissas
    TICK = 2  # limit price is no multiple of the tick: price mantissas
    MIN_NOTIONAL = 3  # worth less than the venue takes: money
    MAX_POSITION = 4  # position if all that is in flight on this side fills: quantity mantissas
    MAX_NOTIONAL = 5  # the same at the touch: money
    ORDERS_PER_SECOND = 6  # orders within the last second, this one included
    ORDERS_PER_MINUTE = 7
    STALE_BOOK = 8  # age of the book in nanoseconds, -1 for one that is not valid
    MAX_LOSS = 9  # result so far, open positions at the mid: money, negative
    TRIM_REST = 10  # nothing refused: an excess below a lot that a trim left standing
    NO_BOOK = 11  # the instrument had no valid book yet, so that nothing could be valued: zeros
    SHORT_SPOT = 12  # spot would be sold that is not held: position if it fills, and 0, mantissas
    TRIM_SHORT = 13  # nothing refused: what a trim could not take, of what it should: mantissas
    MARGIN_CALL = 14  # equity, and the margin used that it was below: money
    MARGIN = 15  # margin by scan with the order, the largest there is where unknown; what there is
    NOT_TRADABLE = 16  # the instrument is an index, which nobody can trade: zeros


#: Money in risk rows is at this exponent, or at the ledger's where that is coarser.
RISK_MONEY_EXPONENT: Final = -8


class FillFlag(enum.IntFlag):
    NONE = 0
    TRIM = 1
    FLATTEN = 2
    DEPTH = 4  # taken beyond the touch, from the recorded depth
    MAKER = 8
    CLOSE = 16  # the engine closed a position: the largest loss was passed, or a margin call
    AFTER_OWN = 32  # size that the run itself had taken before was passed over to get here
    BASE_FEE = 64  # the fee was taken from what was bought; the quantity is what is left
    IN_BAR = 128  # inside the bar that ended, by the rule of execution/bar_orders.py
    STOP_FIRST = 256  # its stop was taken, and its target lay in the same bar
    SETTLED = 1024  # the contract ended: paid at what it came to, not traded
    HEDGE_OUT = 512  # it traded out what a bundle's policy forbids it to keep


class DepthFlag(enum.IntFlag):
    LAST = 1
    SNAPSHOT = 2


class QuoteFlag(enum.IntFlag):
    QUIET = 1  # the book changes, but no strategy is asked


class ChainFlag(enum.IntFlag):
    LAST = 1
    UNCHANGED = 2  # on every row of a snapshot in which nothing but its time differs


def _record(*fields: str, real: tuple[str, ...] = ()) -> np.dtype:
    return np.dtype([(f, "<f8" if f in real else "<i8") for f in fields])


# --- kernel-facing records (all 64-bit) --------------------------------------------------------

CTX_DTYPE: Final = _record(
    "abi_version",
    "now_ns",
    "n_instruments",
    "message",  # messages seen before this one
    "in_flight",  # orders sent and not yet finished
    "latency_ns",
    "next_order",  # number of the next decision's first leg; its other legs follow
    "user",  # engine's own; kernels leave it alone
)
EVENT_DTYPE: Final = _record(
    "kind", "instrument", "seq", "ts_ns", "exch_ts_ns", "flags", "price", "qty", "side"
)
BOOK_DTYPE: Final = _record(
    "valid",  # 1 when bid and ask can be traded on
    "bid",
    "bid_qty",
    "ask",
    "ask_qty",
    "ts_ns",  # receive time of the last change
    "exch_ts_ns",
    "seq",
    "last_price",
    "last_qty",
    "mark",
    "funding_rate",
    "next_funding_ns",
    "mid2",  # bid + ask when the book was last valid, 0 before
    "depth_valid",  # 1 while the rebuilt depth stands: no gap since its snapshot
    "oi",  # open interest and the venue's implied volatility at IV_EXPONENT, of the last snapshot
    "iv",
)
POSITION_DTYPE: Final = _record("qty", "pending_qty", "n_fills")
FEATURE_DTYPE: Final = _record("num", "den", "value", real=("value",))
SLOT_DTYPE: Final = _record("i", "f", real=("f",))  # strategy state
PARAM_DTYPE: Final = _record("value", "exponent", "real", real=("real",))
LEG_OUT_DTYPE: Final = _record(
    "instrument",
    "side",
    "qty",
    "order_type",
    "limit_price",
    "action",  # OrderAction
    "time_in_force",  # TimeInForce, of limit orders
    "target",  # number of the order to modify or cancel; not read for a new order
    # the fields below belong to the decision and are read from the first leg
    "decision_type",
    "direction",
    "confidence",  # at 10**-4; negative: none
    "rationale",  # index into the strategy's table of rationale texts
    "bundle",  # BundlePolicy
    "units",  # of a bundle with a policy: `qty` of each leg is that of one unit; 0 is 1
)
FILL_NOTICE_DTYPE: Final = _record(
    "decision",
    "instrument",
    "side",
    "qty",  # filled; 0 for other news
    "price",
    "ts_ns",
    "flags",
    "order_left",  # after a fill what may still fill; else what the news is about
    "order",
    "reason",  # OrderReason
)
#: How long a kernel sleeps: bounds of the first feature's num/den, and a time.
NAP_DTYPE: Final = _record("low", "high", "until", real=("low", "high"))

# --- result records ---------------------------------------------------------------------------

DECISION_DTYPE: Final = _record(
    "sequence",
    "seq",  # market row key: global seq of the message decided on
    "ts_ns",
    "decision_type",
    "direction",
    "confidence",
    "rationale",
    "bundle",  # BundlePolicy
    "first_leg",
    "n_legs",
    "units",  # of a bundle with a policy; 1 otherwise
)
LEG_DTYPE: Final = _record(
    "decision",
    "instrument",
    "action",
    "side",
    "order_type",
    "time_in_force",
    "qty",
    "limit_price",
    "target",  # -1 for a new order
    "reference_price",  # mid of the last valid book, at price exponent - 1
    "bid",
    "bid_qty",
    "ask",
    "ask_qty",
    "quote_ts_ns",
)
ORDER_DTYPE: Final = _record(
    "order",  # order number; its rows share it
    "decision",
    "leg",  # index into the legs table, -1 for trims and flattening
    "kind",
    "status",
    "reason",
    "instrument",
    "side",
    "order_type",
    "time_in_force",
    "qty",
    "filled_qty",
    "limit_price",
    "ts_ns",
    "seq",  # market row key of the last message applied
)
FILL_DTYPE: Final = _record(
    "order",
    "decision",
    "leg",
    "instrument",
    "side",
    "price",
    "qty",
    "ts_ns",
    "seq",
    "flags",
    "fee_hi",
    "fee_lo",
    "cash_hi",  # cash after this fill, ledger scale
    "cash_lo",
    "position",  # position of the instrument after this fill
    "realized_hi",  # realized PnL of the instrument after this fill, before fees and funding
    "realized_lo",
)
FUNDING_PAID_DTYPE: Final = _record(
    *("instrument", "ts_ns", "seq", "position", "mark", "rate", "amount_hi", "amount_lo"),
    "fills_before",
)
#: Interest on spot that was sold and not held, over a time of constant position.
BORROW_PAID_DTYPE: Final = _record(
    "instrument",
    "since_ns",  # the position was held from here
    "ts_ns",  # to here, when it was paid
    "seq",
    "position",  # below 0
    "mid2",  # bid + ask of the last valid book at ts_ns
    "amount_hi",  # paid, not below 0
    "amount_lo",
    "fills_before",
)
#: What became of a bundle with a policy, when its last leg had ended.
BUNDLE_DTYPE: Final = _record(
    "decision",
    "ts_ns",  # when its last leg had ended
    "policy",  # BundlePolicy
    "units_wanted",
    "units_filled",  # that the bundle keeps
    "legs_short",  # legs that did not fill whole
    "cost_hi",  # of its fills with HEDGE_OUT: slippage and fees, at ledger exponent - 1
    "cost_lo",
)
#: Positions that ended with their contract; each has a fill at ``intrinsic``, ``fills_before`` its
#: number.
SETTLED_DTYPE: Final = _record(
    "instrument",
    "ts_ns",
    "seq",
    "position",  # that was held
    "price",  # settlement price of the underlying; 0 as well where it was settled at the mark
    "intrinsic",  # what the contract came to, a price
    "amount_hi",  # position * intrinsic, received; below 0 paid
    "amount_lo",
    "fee_hi",  # tax on it
    "fee_lo",
    "fills_before",
)
RISK_DTYPE: Final = _record("decision", "instrument", "rule", "value", "limit", "ts_ns", "seq")
