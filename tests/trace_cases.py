"""Headers, decisions and traces that the trace's tests share."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from quantlaxmi.events import DecisionEvent, DecisionLeg, MarketSnapshot
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import (
    BORROW_PAID_DTYPE,
    BUNDLE_DTYPE,
    FILL_DTYPE,
    FUNDING_PAID_DTYPE,
    ORDER_DTYPE,
    RISK_DTYPE,
    SETTLED_DTYPE,
    BundlePolicy,
    DecisionType,
    InstrumentKind,
    OrderAction,
    OrderType,
    Side,
    TimeInForce,
)
from quantlaxmi.trace import DecisionTrace, DecisionTraceBuilder
from quantlaxmi.trace.header import TraceHeader

I64 = st.integers(-(2**63), 2**63 - 1)
NATURAL = st.integers(0, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def instrument(symbol: str, kind: InstrumentKind, **changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "venue": "binance",
        "venue_symbol": "BTCUSDT",
        "price_exponent": -8,
        "qty_exponent": -8,
        "currency": "USDT",
        "base": "BTC",
        "tick": 1_000_000,
        "lot": 1_000,
    }
    return Instrument(symbol=symbol, kind=kind, **{**fields, **changes})


def header(**changes: Any) -> TraceHeader:
    fields: dict[str, Any] = {
        "segment_digest": bytes(range(32)),
        "strategy_id": "basis_capture",
        "config_hash": b"\x01" * 32,
        "cost_hash": b"\x02" * 32,
        "latency_hash": b"\x03" * 32,
        "risk_hash": b"\x04" * 32,
        "seed": 7,
        "instruments": (
            instrument("BTCUSDT", InstrumentKind.SPOT),
            instrument("BTCUSDT-PERP", InstrumentKind.PERP, venue="binance-usdm"),
        ),
        "rationales": ("basis above threshold", "basis inside exit threshold"),
    }
    return TraceHeader(**{**fields, **changes})


@st.composite
def legs(draw: st.DrawFn, n_instruments: int = 2) -> DecisionLeg:
    k = draw(st.integers(0, n_instruments - 1))
    symbol = header().instruments[k].symbol
    action = draw(st.sampled_from([OrderAction.NEW, OrderAction.MODIFY, OrderAction.CANCEL]))
    kind = draw(st.sampled_from(OrderType))
    if action != OrderAction.NEW:
        kind = OrderType.LIMIT if action == OrderAction.MODIFY else OrderType.MARKET
    new_limit = action == OrderAction.NEW and kind is OrderType.LIMIT
    return DecisionLeg(
        k,
        symbol,
        draw(st.sampled_from(Side)),
        kind,
        0 if action == OrderAction.CANCEL else draw(st.integers(1, 2**63 - 1)),
        draw(I64) if kind is OrderType.LIMIT else None,
        draw(I64),
        MarketSnapshot(symbol, draw(I64), draw(I64), draw(I64), draw(I64), draw(I64)),
        action,
        draw(st.sampled_from(TimeInForce)) if new_limit else TimeInForce.GTC,
        None if action == OrderAction.NEW else draw(NATURAL),
    )


@st.composite
def decisions(draw: st.DrawFn, max_size: int = 4) -> list[DecisionEvent]:
    return [
        DecisionEvent(
            sequence,
            draw(I64),
            draw(I64),
            draw(st.sampled_from(DecisionType)),
            draw(st.integers(-128, 127)),
            draw(st.none() | NATURAL),
            draw(TEXT),
            policy is not BundlePolicy.NONE,
            tuple(draw(st.lists(legs(), min_size=1, max_size=8))),
            policy=policy or BundlePolicy.MATCHED,
            units=draw(st.integers(1, 2**63 - 1)) if policy > BundlePolicy.MATCHED else 1,
        )
        for sequence, policy in enumerate(
            draw(st.lists(st.sampled_from(BundlePolicy), max_size=max_size))
        )
    ]


def plain(decision: DecisionEvent) -> dict[str, Any]:
    """A decision as the naive twin takes it."""
    out: dict[str, Any] = {k: getattr(decision, k) for k in decision.__struct_fields__}
    out["bundle"] = int(decision.bundle and decision.policy)
    out["legs"] = [
        {
            **{k: getattr(g, k) for k in g.__struct_fields__ if k != "snapshot"},
            **msgspec.structs.asdict(g.snapshot),
        }
        for g in decision.legs
    ]
    return out


def plain_header(h: TraceHeader) -> dict[str, Any]:
    """A header as the naive twin takes it."""
    out = {k: getattr(h, k) for k in h.__struct_fields__}
    out["instruments"] = [msgspec.structs.asdict(i) for i in h.instruments]
    return out


def build(
    events: list[DecisionEvent], h: TraceHeader | None = None, **outcomes: Any
) -> DecisionTrace:
    builder = DecisionTraceBuilder(header() if h is None else h)
    for event in events:
        builder.record(event)
    return builder.finalize(**outcomes)


def decision(sequence: int, **changes: Any) -> DecisionEvent:
    """A plain pair trade, long spot and short perp, then out of it."""
    book = MarketSnapshot("BTCUSDT", 6_000_000_000_000, 500, 6_000_001_000_000, 700, 90 + sequence)
    perp = MarketSnapshot("BTCUSDT-PERP", 6_006_000_000_000, 40, 6_006_010_000_000, 50, 95)
    enter = sequence % 2 == 0
    side = Side.BUY if enter else Side.SELL
    fields: dict[str, Any] = {
        "sequence": sequence,
        "seq": 10 + 5 * sequence,
        "ts_ns": 1_723_075_200_000_000_000 + sequence * 1_000_000,
        "decision_type": DecisionType.ENTER if enter else DecisionType.EXIT,
        "direction": 1 if enter else -1,
        "confidence": None,
        "rationale": header().rationales[0 if enter else 1],
        "bundle": True,
        "legs": (
            DecisionLeg(
                0, "BTCUSDT", side, OrderType.MARKET, 10**6, None, book.reference_price, book
            ),
            DecisionLeg(
                1,
                "BTCUSDT-PERP",
                Side(-side),
                OrderType.LIMIT,
                10**6,
                perp.bid,
                perp.reference_price,
                perp,
            ),
        ),
    }
    return DecisionEvent(**{**fields, **changes})


def outcomes(n: int) -> dict[str, np.ndarray]:
    """Rows of the outcomes of ``n`` pair trades; all fields in range."""
    orders, fills = np.zeros(4 * n, ORDER_DTYPE), np.zeros(2 * n, FILL_DTYPE)
    orders["order"] = np.arange(4 * n) // 2
    orders["leg"] = orders["order"]
    orders["decision"] = orders["order"] // 2
    orders["instrument"] = orders["order"] % 2
    orders["kind"] = np.tile([1, 4], 2 * n)
    orders["status"] = np.tile([0, 1], 2 * n)
    orders["reason"] = np.tile([0, 1], 2 * n)
    orders["side"] = 1 - 2 * (orders["order"] % 2)
    orders["order_type"] = orders["order"] % 2
    orders["qty"] = 10**6
    orders["limit_price"] = 6_006_000_000_000 * orders["order_type"]
    orders["ts_ns"] = 1_723_075_200_000_000_000 + np.arange(4 * n)
    fills["order"] = np.arange(2 * n)
    fills["leg"] = fills["order"]
    fills["decision"] = fills["order"] // 2
    fills["instrument"] = fills["order"] % 2
    fills["side"] = 1 - 2 * (fills["order"] % 2)
    fills["price"], fills["qty"] = 6_000_000_000_000, 10**6
    fills["fee_lo"] = 6 * 10**15
    fills["cash_hi"], fills["cash_lo"] = -1, -(10**18)
    fills["realized_hi"], fills["realized_lo"] = 1, -5
    fills["position"] = fills["side"] * 10**6
    funding, risk = np.zeros(min(n, 1), FUNDING_PAID_DTYPE), np.zeros(min(n, 1), RISK_DTYPE)
    funding["instrument"], funding["rate"], funding["amount_hi"] = 1, 10_000, -1
    funding["amount_lo"] = -77
    risk["rule"], risk["value"], risk["limit"] = 2, 5, 4
    borrow = np.zeros(min(n, 1), BORROW_PAID_DTYPE)
    borrow["position"], borrow["mid2"], borrow["amount_lo"] = -5, 12_000_000_000_000, 123
    tables = {"orders": orders, "fills": fills, "funding": funding, "risk": risk}
    bundles = np.zeros(min(n, 1), BUNDLE_DTYPE)
    bundles["policy"], bundles["units_wanted"], bundles["cost_lo"] = 2, 3, 7
    settled = np.zeros(min(n, 2), SETTLED_DTYPE)
    settled["position"], settled["intrinsic"], settled["fee_lo"] = 75, 12_345, 7
    return {**tables, "borrow": borrow, "bundles": bundles, "settled": settled}


def pair_trace(n: int = 4, h: TraceHeader | None = None) -> DecisionTrace:
    """Trace of ``n`` decisions with their outcomes."""
    return build([decision(k) for k in range(n)], h, **outcomes(n))
