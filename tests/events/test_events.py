"""Typed events, ids and the canonical bytes of one decision."""

from __future__ import annotations

import gc
import inspect
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings

from quantlaxmi import events
from quantlaxmi.errors import TraceError
from quantlaxmi.events import (
    CorrelationContext,
    DecisionEvent,
    DepthEvent,
    FundingEvent,
    IndiaMarketEvent,
    QuoteEvent,
    ReplayEvent,
    TradeEvent,
    rationale_hash,
)
from quantlaxmi.events.ids import Stage, derived_id, run_id, uuid8
from quantlaxmi.schema import OrderType, Side
from quantlaxmi.trace.header import Correlator
from tests import trace_cases as cases
from tests.depth import examples
from tests.naive import canonical as naive

MARKET_EVENTS = {
    QuoteEvent: "seq ts_ns exch_ts_ns symbol bid bid_qty ask ask_qty correlation",
    DepthEvent: "seq ts_ns exch_ts_ns symbol bid bid_qty ask ask_qty valid depth_valid correlation",
    TradeEvent: "seq ts_ns exch_ts_ns symbol price qty side correlation",
    FundingEvent: "seq ts_ns exch_ts_ns symbol mark index rate next_funding_ns correlation",
}
STRUCTS = [v for v in vars(events).values() if inspect.isclass(v) and issubclass(v, msgspec.Struct)]


@pytest.mark.parametrize("kind", MARKET_EVENTS, ids=lambda k: k.__name__)
def test_market_events_keep_their_positional_order(kind: type) -> None:
    assert " ".join(kind.__struct_fields__) == MARKET_EVENTS[kind]


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda k: k.__name__)
def test_events_are_frozen_and_untracked(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.gc is False


def test_market_events_are_not_tracked_by_the_collector() -> None:
    context = CorrelationContext("s", symbol="BTCUSDT")
    event = QuoteEvent(1, 2, 3, "BTCUSDT", 4, 5, 6, 7, context)
    assert not gc.is_tracked(event)
    with pytest.raises(AttributeError):
        event.bid = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    "event",
    [
        QuoteEvent(1, 2, 3, "A", 4, 5, 6, 7, CorrelationContext("s", UUID(int=5))),
        DepthEvent(1, 2, 3, "A", 4, 5, 6, 7, False, True),
        TradeEvent(1, 2, 3, "A", 4, 5, Side.SELL),
        FundingEvent(1, 2, 3, "A", 4, 5, 6, 7),
    ],
    ids=lambda e: type(e).__name__,
)
def test_unions_tell_their_members_apart(event: ReplayEvent) -> None:
    raw = msgspec.json.encode(event)
    assert msgspec.json.decode(raw, type=ReplayEvent) == event
    if not isinstance(event, FundingEvent):
        assert msgspec.json.decode(raw, type=IndiaMarketEvent) == event


@settings(max_examples=examples(100), deadline=None)
@given(cases.decisions(max_size=2))
def test_canonical_bytes_match_naive(drawn: list[DecisionEvent]) -> None:
    for event in drawn:
        raw = event.canonical_bytes()
        assert raw == naive.decision_bytes(cases.plain(event))
        (read,) = naive.read_decisions(raw)
        wanted = cases.plain(event)
        assert read["rationale_hash"] == rationale_hash(wanted["rationale"])
        assert read["confidence"] == wanted["confidence"]
        for leg, told in zip(wanted["legs"], read["legs"], strict=True):
            assert told == {k: leg[k] for k in told}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"confidence": -1}, "confidence was -1"),
        ({"sequence": -1}, "does not fit"),
        ({"seq": 2**63}, "does not fit"),
        ({"direction": 128}, "does not fit"),
        ({"rationale": "\ud800"}, "does not fit"),
    ],
)
def test_canonical_bytes_refuse_values_out_of_range(changes: dict, words: str) -> None:
    with pytest.raises(TraceError, match=words) as caught:
        msgspec.structs.replace(cases.decision(0), **changes).canonical_bytes()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "limit"), [(OrderType.MARKET, 5), (OrderType.LIMIT, None)])
def test_limit_prices_belong_to_limit_orders(kind: OrderType, limit: int | None) -> None:
    event = cases.decision(0)
    leg = msgspec.structs.replace(event.legs[0], order_type=kind, limit_price=limit)
    with pytest.raises(TraceError, match=r"decision 0, leg 0"):
        msgspec.structs.replace(event, legs=(leg,)).canonical_bytes()


def test_decision_properties_are_those_of_the_first_leg() -> None:
    event = cases.decision(1)
    assert (event.symbol, event.target_qty) == ("BTCUSDT", -(10**6))
    assert event.reference_price == (6_000_000_000_000 + 6_000_001_000_000) * 5
    assert event.legs[0].snapshot.spread == 1_000_000
    assert event.decision_id is None
    assert event.strategy_id == ""


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("number", [0, 1, 2**64 - 1])
def test_ids_match_naive(stage: Stage, number: int) -> None:
    digest = bytes(range(200, 232))
    found = derived_id(digest, stage, number)
    assert found.hex == naive.derived_id(digest, stage, number)
    assert found.version == 8
    assert found.variant == "specified in RFC 4122"
    assert run_id(digest).hex == naive.uuid8(digest)


def test_ids_differ_between_stages_and_numbers() -> None:
    digest = bytes(32)
    made = {derived_id(digest, stage, n) for stage in Stage for n in range(100)}
    assert len(made) == 300


def test_short_digests_make_no_id() -> None:
    with pytest.raises(ValueError, match="15 bytes"):
        uuid8(bytes(15))


def test_correlation_leads_from_fill_to_decision() -> None:
    header = cases.header()
    correlator = Correlator(header)
    context = correlator.context(1, decision=3, order=7, fill=9)
    assert context.symbol == "BTCUSDT-PERP"
    assert context.venue == "binance-usdm"
    assert context.strategy_id == "basis_capture"
    assert context.session_id == header.segment_digest.hex()
    assert context.run_id == header.run_id
    assert context.decision_id == correlator.context(0, decision=3).decision_id
    assert context.order_id == derived_id(header.header_hash, Stage.ORDER, 7)
    assert context.fill_id == derived_id(header.header_hash, Stage.FILL, 9)
    assert correlator.context(decision=-1).decision_id is None
