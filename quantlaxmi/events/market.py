"""Market events: what strategies receive, and the book that a decision saw.

Names are public through ``quantlaxmi.events``.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from quantlaxmi.events.ids import CorrelationContext
from quantlaxmi.schema import Side

__all__ = [
    "ChainEvent",
    "DepthEvent",
    "FundingEvent",
    "IndiaMarketEvent",
    "MarketSnapshot",
    "QuoteEvent",
    "ReplayEvent",
    "SettlementEvent",
    "TradeEvent",
]


class QuoteEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Best bid and ask as the venue sent them.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns, exch_ts_ns : int
        Receive and venue time, ns since the epoch; venue time 0 where the source has none.
    symbol : str
        Symbol of the instrument.
    bid, ask : int
        Mantissas at the instrument's price exponent.
    bid_qty, ask_qty : int
        Mantissas at the instrument's quantity exponent.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.

    Examples
    --------
    >>> quote = QuoteEvent(7, 1_700_000_000_000_000_000, 0, "BTCUSDT", 10000, 5, 10001, 3)
    >>> quote.ask - quote.bid
    1
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    symbol: str
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    correlation: CorrelationContext | None = None


class DepthEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The book after a whole depth message. Units as in `QuoteEvent`.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns : int
        Receive time, ns since the epoch.
    exch_ts_ns : int
        Venue time, ns since the epoch; 0 where the source has none.
    symbol : str
        Symbol of the instrument.
    bid, bid_qty, ask, ask_qty : int
        The top: the rebuilt depth's until the instrument's first quote, the latest quote's after.
    valid : bool
        Whether the top can be traded on: both sides there, uncrossed, with sizes.
    depth_valid : bool
        Whether the rebuilt depth is complete; False from a sequence gap to the next snapshot,
        while nothing beyond the top is known.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    symbol: str
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    valid: bool
    depth_valid: bool
    correlation: CorrelationContext | None = None


class TradeEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One trade of the market. Units as in `QuoteEvent`.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns : int
        Receive time, ns since the epoch.
    exch_ts_ns : int
        Venue time, ns since the epoch; 0 where the source has none.
    symbol : str
        Symbol of the instrument.
    price : int
        Mantissa at the instrument's price exponent.
    qty : int
        Mantissa at the instrument's quantity exponent, positive.
    side : Side
        Side of the aggressor.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    symbol: str
    price: int
    qty: int
    side: Side
    correlation: CorrelationContext | None = None


class FundingEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Announced funding of a perpetual.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns : int
        Receive time, ns since the epoch.
    exch_ts_ns : int
        Venue time, ns since the epoch; 0 where the source has none.
    symbol : str
        Symbol of the instrument.
    mark, index : int
        Mantissas at the instrument's price exponent; index 0 where the source has none.
    rate : int
        Mantissa at ``schema.RATE_EXPONENT``, for one settlement.
    next_funding_ns : int
        When it is settled, ns since the epoch.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    symbol: str
    mark: int
    index: int
    rate: int
    next_funding_ns: int
    correlation: CorrelationContext | None = None


class MarketSnapshot(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One instrument's top of book as a decision saw it. Units as in `QuoteEvent`.

    Attributes
    ----------
    symbol : str
        Symbol of the instrument.
    bid, bid_qty, ask, ask_qty : int
        Mantissas at the instrument's exponents.
    quote_ts_ns : int
        Receive time of the book's last change.
    """

    symbol: str
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    quote_ts_ns: int

    @property
    def reference_price(self) -> int:
        """The mid, exact, at the instrument's price exponent - 1."""
        return (self.bid + self.ask) * 5

    @property
    def spread(self) -> int:
        """Ask - bid at the instrument's price exponent."""
        return self.ask - self.bid


class ChainEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A whole snapshot of an option chain was read: the books of all its rows are new.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns, exch_ts_ns : int
        When it was collected, and the exchange's own stamp, ns since the epoch.
    n_rows : int
        Contracts in it. Others keep the books that they had.

    Examples
    --------
    >>> ChainEvent(7, 1_756_438_256_000_000_000, 1_756_438_165_000_000_000, 1528).n_rows
    1528
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    n_rows: int


class SettlementEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A contract has ended: the price that its underlying came to is known, positions are paid.

    Attributes
    ----------
    seq : int
        Market row key: global message number of the segment.
    ts_ns, exch_ts_ns : int
        When it was known, and the exchange's own stamp, ns since the epoch.
    symbol : str
        Symbol of the instrument that ended.
    price : int
        Settlement price of the underlying, a mantissa at the instrument's price exponent.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    seq: int
    ts_ns: int
    exch_ts_ns: int
    symbol: str
    price: int
    correlation: CorrelationContext | None = None


#: What a crypto strategy receives.
ReplayEvent: TypeAlias = QuoteEvent | DepthEvent | TradeEvent | FundingEvent
#: What an Indian options strategy receives.
IndiaMarketEvent: TypeAlias = QuoteEvent | DepthEvent | TradeEvent | ChainEvent | SettlementEvent
