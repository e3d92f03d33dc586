"""Outcome events: what became of decisions - orders, fills, funding paid, refusals, attribution.

Names are public through ``quantlaxmi.events``.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from quantlaxmi.events.ids import CorrelationContext
from quantlaxmi.schema import (
    FillFlag,
    OrderReason,
    OrderStatus,
    OrderType,
    RiskRule,
    Side,
    TimeInForce,
)

#: Basis points of an attribution are integers at 10**BPS_EXPONENT.
BPS_EXPONENT: Final = -4


class OrderEvent(msgspec.Struct, frozen=True, gc=False):
    """One step in the life of an order; its four kinds are the subclasses.

    Attributes
    ----------
    order : int
        Order number of the run; all events of an order share it, those of requests to change it
        too.
    decision : int
        Sequence of the decision that sent it, or the last to give it a new price or a larger total;
        -1 where there is none (flattening).
    leg : int
        Index into the run's legs, one of that decision's; -1 for trims and flattening.
    symbol : str
        Symbol of the instrument.
    side : Side
        Buy or sell.
    order_type : OrderType
        Market or limit.
    qty, filled_qty : int
        Mantissas at the instrument's quantity exponent; of a request the quantity asked for, and 0.
    limit_price : int or None
        Mantissa at the price exponent; None for market orders.
    status : OrderStatus
        State of the order after this step.
    reason : OrderReason
        Cause of this step.
    ts_ns : int
        Time in ns since the epoch, by the clock of the recording.
    seq : int
        Market row key of the last message the engine had applied.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    time_in_force : TimeInForce
        Of a limit order, else GTC.
    """

    order: int
    decision: int
    leg: int
    symbol: str
    side: Side
    order_type: OrderType
    qty: int
    filled_qty: int
    limit_price: int | None
    status: OrderStatus
    reason: OrderReason
    ts_ns: int
    seq: int
    correlation: CorrelationContext | None = None
    time_in_force: TimeInForce = TimeInForce.GTC


class OrderNew(OrderEvent, frozen=True, gc=False, tag=True):
    """An order was sent."""


class OrderModify(OrderEvent, frozen=True, gc=False, tag=True):
    """A request to change an order's price or quantity: sent, carried out or rejected."""


class OrderCancel(OrderEvent, frozen=True, gc=False, tag=True):
    """A request to cancel an order: sent, carried out or rejected."""


class OrderUpdate(OrderEvent, frozen=True, gc=False, tag=True):
    """The filled quantity or the status of an order changed."""


class OrderNotice(msgspec.Struct, frozen=True, gc=False, tag=True):
    """News of an order other than a fill, as a strategy is told of it.

    Attributes
    ----------
    order : int
        Order number; of a request, that of the order it was to change.
    decision : int
        As in `OrderEvent`.
    symbol : str
        Symbol of the instrument.
    side : Side
        Buy or sell.
    reason : OrderReason
        Cause of this step.
    qty : int
        What was cancelled or refused; what rests, for ``RESTS`` and ``MODIFIED``; 0 for
        ``NOT_RESTING``.
    ts_ns : int
        Time of the news, ns since the epoch.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    order: int
    decision: int
    symbol: str
    side: Side
    reason: OrderReason
    qty: int
    ts_ns: int
    correlation: CorrelationContext | None = None


class FillEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One fill.

    Attributes
    ----------
    fill : int
        Index of the fill in the run.
    order, decision, leg : int
        As in `OrderEvent`.
    symbol : str
        Symbol of the instrument.
    side : Side
        Buy or sell.
    price, qty : int
        Mantissas at the instrument's exponents; qty is positive. It is what of the order was
        filled. With `FillFlag.BASE_FEE` less is received, and ``position`` grows by that.
    ts_ns : int
        Time in ns since the epoch, by the clock of the recording.
    seq : int
        Market row key of the last message that the engine had applied.
    flags : FillFlag
        Whether it made or took, and why it was made: a trim, flattening, a close and so on.
    fee : int
        Paid when positive, a rebate when negative; at the ledger scale of ``fee_asset``. Of a fee
        that was taken in base it is the value at the fill's price.
    fee_asset : str
        Currency in which the ledger has the fee: the instrument's.
    position : int
        Position in the instrument after the fill, signed mantissa.
    realized : int
        Realized PnL of the instrument after the fill, before fees and funding, ledger scale.
    cash : int
        Cash after the fill, ledger scale.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    fill: int
    order: int
    decision: int
    leg: int
    symbol: str
    side: Side
    price: int
    qty: int
    ts_ns: int
    seq: int
    flags: FillFlag
    fee: int
    fee_asset: str
    position: int
    realized: int
    cash: int
    correlation: CorrelationContext | None = None


class FundingPayment(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Funding settled on a position.

    Attributes
    ----------
    symbol : str
        Symbol of the instrument.
    ts_ns : int
        Time in ns since the epoch, by the clock of the recording.
    seq : int
        Market row key of the last message that the engine had applied.
    position, mark, rate : int
        Signed quantity mantissa, price mantissa, rate at ``schema.RATE_EXPONENT``.
    amount : int
        Received when positive, at the ledger scale.
    fills_before : int
        Fills of the run that had happened when it was settled.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    symbol: str
    ts_ns: int
    seq: int
    position: int
    mark: int
    rate: int
    amount: int
    fills_before: int
    correlation: CorrelationContext | None = None


class BorrowPayment(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Interest on spot that was sold and not held, over a time of constant position.

    Attributes
    ----------
    symbol : str
        Symbol of the instrument.
    since_ns, ts_ns : int
        The time; it is paid at its end.
    seq : int
        Market row key of the last message that the engine had applied.
    position : int
        Signed quantity mantissa, below 0.
    mid2 : int
        Bid + ask of the last valid book at its end, price mantissas.
    amount : int
        Paid, at the ledger scale.
    fills_before : int
        Fills of the run that had happened when it was paid.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    symbol: str
    since_ns: int
    ts_ns: int
    seq: int
    position: int
    mid2: int
    amount: int
    fills_before: int
    correlation: CorrelationContext | None = None


class SettlementPayment(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A position ended with its contract and was paid what that came to.

    The fill of the same run whose number is ``fills_before`` books it.

    Attributes
    ----------
    symbol : str
        Symbol of the instrument.
    ts_ns : int
        When the price was known, ns since the epoch.
    seq : int
        Market row key of the settlement.
    position : int
        Signed quantity mantissa that was held.
    price : int
        Settlement price of the underlying, price mantissa; 0 where it was settled at the mark.
    intrinsic : int
        What the contract came to, price mantissa.
    amount : int
        ``position * intrinsic`` received, at the ledger scale; below 0 paid.
    fee : int
        Tax on it, at the ledger scale.
    fills_before : int
        Fills of the run that had happened before.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    symbol: str
    ts_ns: int
    seq: int
    position: int
    price: int
    intrinsic: int
    amount: int
    fee: int
    fills_before: int
    correlation: CorrelationContext | None = None


class RiskEvent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A rule of the venue or a risk limit refused an order, or a trim left a bundle unmatched.

    Attributes
    ----------
    decision : int
        Sequence of the decision; -1 where there is none.
    symbol : str
        Symbol of the instrument.
    rule : RiskRule
        The rule that refused.
    value, limit : int
        What was found and what is allowed, in the rule's own unit.
    ts_ns : int
        Time in ns since the epoch, by the clock of the recording.
    seq : int
        Market row key of the last message that the engine had applied.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    decision: int
    symbol: str
    rule: RiskRule
    value: int
    limit: int
    ts_ns: int
    seq: int
    correlation: CorrelationContext | None = None


class TradeAttribution(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The profit and the costs of one fill.

    ``gross - slippage - fee + funding - borrow == cash_effect``, exactly, in integers at
    ``exponent``. Basis points are derived from these and rounded half-even to 10**BPS_EXPONENT.

    Attributes
    ----------
    decision_id : UUID or None
        None for a fill that flattens at the end of the data.
    fill_id : UUID
        Id of the fill.
    symbol : str
        Symbol of the instrument.
    gross : int
        Cash at the decision's mid: -side * qty * mid.
    slippage : int
        side * qty * (price - mid): adverse when positive.
    fee, funding, borrow : int
        Fee paid; funding received, and interest on sold spot paid, since the previous fill of the
        instrument.
    cash_effect : int
        What the fill, with the funding and interest before it, did to cash.
    edge : int
        What the fill realised from mid to mid, by average cost at the mids; 0 for one that opens.
    exponent : int
        Scale of the seven amounts: ledger exponent - 1, because mids can be half units.
    gross_edge_bps, fee_drag_bps, slippage_bps, realized_edge_bps, spread_at_decision_bps : int
        ``edge``, ``fee``, ``slippage`` and ``edge - slippage - fee + funding - borrow`` over the
        notional at the decision's mid; the spread over the mid.
    quote_age_at_decision_ms : int
        Age of the quote at the decision, in milliseconds.
    book_depth_at_decision : int
        Quantity displayed on the side taken, at the instrument's quantity exponent.
    correlation : CorrelationContext or None
        Run, decision and order of the event; None where it was made without.
    """

    decision_id: UUID | None
    fill_id: UUID
    symbol: str
    gross: int
    slippage: int
    fee: int
    funding: int
    borrow: int
    cash_effect: int
    edge: int
    exponent: int
    gross_edge_bps: int
    fee_drag_bps: int
    slippage_bps: int
    realized_edge_bps: int
    spread_at_decision_bps: int
    quote_age_at_decision_ms: int
    book_depth_at_decision: int
    correlation: CorrelationContext | None = None
