"""Typed events: market events, decisions and outcomes, for strategies and readers of traces.

All prices and quantities are integer mantissas at their instrument's exponents; money is an
integer at the scale its field names. All types are frozen and hold only immutable values, so no
reference cycle can form and the collector need not track them (``gc=False``). The engine keeps
packed rows; objects are made only when somebody asks for one.

Fields are positional in the order written: the engine makes one market event per row for
plain-Python strategies.
"""

from quantlaxmi.events.decisions import (
    CONFIDENCE_EXPONENT,
    RECORD_TAG,
    DecisionEvent,
    DecisionLeg,
    LegIntent,
    MultiLegOrderIntent,
    OptionsStrategyType,
    rationale_hash,
)
from quantlaxmi.events.ids import CorrelationContext
from quantlaxmi.events.market import (
    ChainEvent,
    DepthEvent,
    FundingEvent,
    IndiaMarketEvent,
    MarketSnapshot,
    QuoteEvent,
    ReplayEvent,
    SettlementEvent,
    TradeEvent,
)
from quantlaxmi.events.outcomes import (
    BPS_EXPONENT,
    BorrowPayment,
    FillEvent,
    FundingPayment,
    OrderCancel,
    OrderEvent,
    OrderModify,
    OrderNew,
    OrderNotice,
    OrderUpdate,
    RiskEvent,
    SettlementPayment,
    TradeAttribution,
)

__all__ = [
    "BPS_EXPONENT",
    "CONFIDENCE_EXPONENT",
    "RECORD_TAG",
    "BorrowPayment",
    "ChainEvent",
    "CorrelationContext",
    "DecisionEvent",
    "DecisionLeg",
    "DepthEvent",
    "FillEvent",
    "FundingEvent",
    "FundingPayment",
    "IndiaMarketEvent",
    "LegIntent",
    "MarketSnapshot",
    "MultiLegOrderIntent",
    "OptionsStrategyType",
    "OrderCancel",
    "OrderEvent",
    "OrderModify",
    "OrderNew",
    "OrderNotice",
    "OrderUpdate",
    "QuoteEvent",
    "ReplayEvent",
    "RiskEvent",
    "SettlementEvent",
    "SettlementPayment",
    "TradeAttribution",
    "TradeEvent",
    "rationale_hash",
]
