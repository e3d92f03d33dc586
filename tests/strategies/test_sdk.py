"""The plain-Python form: its context, and what becomes of the decisions it returns."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from quantlaxmi import schema
from quantlaxmi.errors import StrategyError
from quantlaxmi.events import LegIntent, MultiLegOrderIntent, OptionsStrategyType
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import (
    BundlePolicy,
    DecisionType,
    OrderAction,
    OrderType,
    Side,
    TimeInForce,
)
from quantlaxmi.strategies import (
    CryptoStrategy,
    FeatureSpec,
    IndiaOptionsStrategy,
    StrategyConfig,
    write_decision,
)
from quantlaxmi.strategies.sdk import failed, start
from quantlaxmi.strategies.views import view
from tests.strategy_harness import PAIR, fill, instrument, memory_of, quote_row, set_quote


class Noting(CryptoStrategy):
    strategy_id = "noting"
    rationales = ("because", "again")

    def __init__(self, config=None):
        super().__init__(config)
        self.seen = 0

    def features(self, instruments):
        return (FeatureSpec("mid_basis", (0, 1)),)

    def on_start(self, ctx):
        self.ctx = ctx
        self.book = ctx.book("BTCUSDT")

    def on_market(self, event, ctx):
        self.seen += 1


class Options(IndiaOptionsStrategy):
    strategy_id = "options"

    def on_market(self, event, ctx):
        return None


def begun(kind=Noting, universe=PAIR):
    bound = kind().bind(universe)
    memory = memory_of(bound)
    names = ("ctx", "books", "positions", "features", "event")
    return bound, memory, start(bound, *(memory[name] for name in names))


def test_context_shows_the_engines_memory_live():
    bound, memory, ctx = begun()
    set_quote(memory, quote_row(17, 1, 100, 3, 102, 4), 5)
    book, position, feature = ctx.book("BTCUSDT-PERP"), ctx.position("BTCUSDT"), ctx.feature(0)
    assert (ctx.now_ns, ctx.in_flight, ctx.symbol) == (17, 0, "BTCUSDT-PERP")
    assert (book.bid, book.bid_qty, book.ask, book.ask_qty, book.valid) == (100, 3, 102, 4, 1)
    set_quote(memory, quote_row(18, 1, 101, 3, 104, 4), 6)
    memory["positions"]["qty"][0], memory["ctx"]["in_flight"] = -9, 2
    memory["features"]["num"] = 12
    assert (book.bid, position.qty, ctx.in_flight, feature.num) == (101, -9, 2, 12)
    assert ctx.instrument("BTCUSDT") is PAIR[0] and ctx.instruments == PAIR
    assert bound.instance.position("BTCUSDT") == FixedPoint(-9, -8)


def test_context_names_what_is_not_there():
    _, _, ctx = begun()
    for call in (ctx.book, ctx.position, ctx.instrument):
        with pytest.raises(StrategyError, match=r"'ETH' is not in the segment \(it has BTCUSDT, "):
            call("ETH")
    with pytest.raises(StrategyError, match="feature 1 was asked for, the strategy declares 1"):
        ctx.feature(1)
    with pytest.raises(StrategyError, match="only within a run"):
        Noting().position("BTCUSDT")


def test_every_run_begins_as_new():
    bound, memory, ctx = begun()
    bound.instance.on_market(None, ctx)
    assert bound.instance.seen == 1
    names = ("ctx", "books", "positions", "features", "event")
    again = start(bound, *(memory[name] for name in names))
    assert bound.instance.seen == 0 and bound.instance.ctx is again


def test_decide_records_the_market_and_is_written():
    bound, memory, ctx = begun()
    set_quote(memory, quote_row(17, 0, 90, 5, 91, 6), 41)
    legs = [LegIntent("BTCUSDT", Side.BUY, 5), LegIntent("BTCUSDT-PERP", Side.SELL, 7)]
    decision = ctx.decide(
        legs,
        rationale="again",
        decision_type=DecisionType.EXIT,
        direction=-1,
        confidence=2500,
        bundle=False,
    )
    assert (decision.seq, decision.ts_ns, decision.symbol) == (41, 17, "BTCUSDT")
    assert decision.reference_price == 905 and decision.legs[0].snapshot.ask_qty == 6
    decision.canonical_bytes()
    out = view(memory["legs_out"])
    assert write_decision(decision, out, bound) == 2
    assert memory["legs_out"].tolist()[:2] == [
        (0, 1, 5, 0, 0, 0, 0, -1, 2, -1, 2500, 1, 0, 1),
        (1, -1, 7, 0, 0, 0, 0, -1, 2, -1, 2500, 1, 0, 1),
    ]
    assert write_decision(None, out, bound) == 0


def test_limit_legs_keep_their_price():
    bound, memory, ctx = begun()
    leg = LegIntent("BTCUSDT", Side.BUY, 5, OrderType.LIMIT, 77)
    write_decision(ctx.decide([leg], rationale="again"), view(memory["legs_out"]), bound)
    assert memory["legs_out"][0].item()[3:5] == (1, 77)


def leg(**changes):
    values = {"symbol": "BTCUSDT", "side": Side.BUY, "qty": 5}
    return LegIntent(**{**values, **changes})


@pytest.mark.parametrize(
    ("legs", "changes", "said"),
    [
        ([], {}, "had 0 legs, must have 1 to 64"),
        ([leg()] * 65, {}, "had 65 legs"),
        ([leg(), leg()], {}, "a bundle names 'BTCUSDT' twice"),
        ([leg(qty=0)], {}, "leg 0: qty was 0, must be a positive mantissa"),
        ([leg(qty=-5)], {}, "qty was -5"),
        ([leg(qty=5.0)], {}, "qty was 5.0"),
        ([leg(qty=True)], {}, "qty was True"),
        ([leg(qty=1 << 63)], {}, "must be a positive mantissa"),
        ([leg(side=0)], {}, "side was 0"),
        ([leg(order_type=7)], {}, "order_type was 7"),
        ([leg(limit_price=7)], {}, "a market order has no limit_price"),
        ([leg(order_type=OrderType.LIMIT)], {}, "limit_price was None"),
        ([leg(order_type=OrderType.LIMIT, limit_price=0)], {}, "limit_price was 0"),
        ([leg(symbol="BTCUSDT-240927", qty=6)], {}, "not one it declares to trade"),
        ([leg()], {"rationale": "whim"}, "rationale 'whim' is not one of the texts"),
        ([leg()], {"direction": 2}, "direction was 2"),
        ([leg()], {"direction": "up"}, "direction was 'up'"),
        ([leg()], {"decision_type": 9}, "decision_type was 9"),
        ([leg()], {"confidence": -1}, "confidence was -1"),
        ([leg()], {"confidence": 0.5}, "confidence was 0.5"),
        ([leg()], {"units": 2}, "units were 2, which a bundle with a policy alone has"),
        (
            [leg()],
            {"policy": "some"},
            "policy was 'some', expected one of all_or_none, ",
        ),
        (
            [leg()],
            {"policy": "legs", "units": 0},
            "units were 0, expected a whole number",
        ),
        ([leg()], {"policy": "legs", "units": 1.5}, "units were 1.5"),
        ([leg()], {"policy": "legs", "bundle": False}, "policy was 'legs' and bundle False"),
        ([leg(qty=1 << 62)], {"policy": "legs", "units": 2}, "must be a positive mantissa"),
        (
            [leg(order_type=OrderType.LIMIT, limit_price=9)],
            {"policy": "legs"},
            "a bundle takes new orders that end on arrival",
        ),
        (
            [leg(action=OrderAction.NEW_NET)],
            {"policy": "legs"},
            "leg 0: a bundle with a policy of units has no net orders",
        ),
    ],
)
def test_decisions_that_break_the_contract_are_one_sentence(legs, changes, said):
    class Two(Noting):
        def trades(self, instruments):
            return (0, 1)

    universe = (*PAIR, instrument(symbol="BTCUSDT-240927"))
    bound, memory, ctx = begun(Two, universe)
    values = {"rationale": "because", **changes}
    out = view(memory["legs_out"])
    with pytest.raises(StrategyError) as caught:
        write_decision(ctx.decide(legs, **values), out, bound)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not memory["legs_out"].view(np.int64).any()


def test_symbols_outside_the_segment_are_refused():
    bound, memory, ctx = begun()
    with pytest.raises(StrategyError, match="'ETHUSDT' is not in the segment"):
        ctx.decide([leg(symbol="ETHUSDT")], rationale="because")
    made = ctx.decide([leg()], rationale="because")
    odd = msgspec.structs.replace(made, legs=(leg(symbol="ETHUSDT"),))
    with pytest.raises(StrategyError, match="leg 0: symbol 'ETHUSDT' is not in the segment"):
        write_decision(odd, view(memory["legs_out"]), bound)
    odd = msgspec.structs.replace(made, legs=("BTCUSDT",))
    with pytest.raises(StrategyError, match="leg 0: was str"):
        write_decision(odd, view(memory["legs_out"]), bound)


@pytest.mark.parametrize("returned", [1, True, "buy", [leg()], leg()])
def test_other_returns_are_refused(returned):
    bound, memory, _ = begun()
    with pytest.raises(StrategyError, match="on_market returned"):
        write_decision(returned, view(memory["legs_out"]), bound)


def test_lots_are_the_engine_s_to_refuse():
    bound, memory, ctx = begun(Noting, (instrument(lot=10), PAIR[1]))
    out = view(memory["legs_out"])
    assert write_decision(ctx.decide([leg()], rationale="because"), out, bound) == 1


def test_options_intents_are_bundles():
    bound, memory, _ = begun(Options)
    intent = MultiLegOrderIntent(
        (leg(), leg(symbol="BTCUSDT-PERP", side=Side.SELL)), OptionsStrategyType.CALENDAR
    )
    assert write_decision(intent, view(memory["legs_out"]), bound) == 2
    first = memory["legs_out"][0]
    assert first["decision_type"] == DecisionType.ENTER
    assert (first["bundle"], first["units"]) == (BundlePolicy.ALL_OR_NONE, 1)
    assert bound.rationales[first["rationale"]] == "calendar"


def test_an_intent_has_the_quantities_of_one_unit():
    bound, memory, ctx = begun(Options)
    legs = (leg(), leg(symbol="BTCUSDT-PERP", side=Side.SELL, qty=3))
    intent = MultiLegOrderIntent(legs, OptionsStrategyType.STRADDLE, units=4, policy="whole_units")
    assert write_decision(intent, view(memory["legs_out"]), bound) == 2
    told = memory["legs_out"][:2].copy()
    assert told["qty"].tolist() == [5, 3]
    assert told["units"].tolist() == [4, 4]
    assert set(told["bundle"].tolist()) == {BundlePolicy.WHOLE_UNITS}
    # A decision of the context has those of all units, as its record has, and is written alike.
    decision = ctx.decide(legs, rationale="straddle", units=4, policy="whole_units")
    assert [x.qty for x in decision.legs] == [20, 12] and decision.bundle
    assert write_decision(decision, view(memory["legs_out"]), bound) == 2
    assert memory["legs_out"][:2].tobytes() == told.tobytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"units": 0}, "units were 0"),
        ({"units": True}, "units were True"),
        ({"policy": "matched"}, "policy was 'matched'"),
        ({"policy": None, "units": 3}, "units were 3"),
        ({"units": 1 << 62}, "leg 0: qty was 5, which is not that of"),
    ],
)
def test_intents_that_are_no_units_are_one_sentence(changes, said):
    bound, memory, _ = begun(Options)
    intent = MultiLegOrderIntent((leg(),), OptionsStrategyType.CUSTOM, **changes)
    with pytest.raises(StrategyError) as caught:
        write_decision(intent, view(memory["legs_out"]), bound)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not memory["legs_out"].view(np.int64).any()


def test_a_bundle_of_units_has_one_currency():
    rupees = instrument(symbol="BTCUSDT-PERP", currency="INR")
    bound, memory, _ = begun(Options, (PAIR[0], rupees))
    legs = (leg(), leg(symbol="BTCUSDT-PERP"))
    with pytest.raises(StrategyError, match="leg 1: a bundle with a policy of units has one curr"):
        intent = MultiLegOrderIntent(legs, OptionsStrategyType.CUSTOM)
        write_decision(intent, view(memory["legs_out"]), bound)


def test_failures_name_file_and_line():
    class Broken(Noting):
        def on_start(self, ctx):
            return 1 // 0

    with pytest.raises(StrategyError, match=r"'noting' failed at on_start: ZeroDiv.*sdk.py line"):
        begun(Broken)
    bound, _, _ = begun()
    assert str(failed(bound, StrategyError("why"), "message seq 3")) == "why (at message seq 3)"


def test_settings_must_be_the_strategys_own():
    class Other(StrategyConfig, frozen=True, kw_only=True):
        pass

    with pytest.raises(StrategyError, match="config was Other, must be StrategyConfig"):
        Noting(Other())


def test_fills_are_told_as_events():
    bound, memory, _ = begun()
    assert bound.instance.on_fill(fill(bound, memory, 0, 1, 5)) is None
    assert bound.event_mask == 1 << schema.EventKind.QUOTE


def test_legs_that_rest_and_change_are_not_bundled():
    bound, memory, ctx = begun()
    memory["ctx"]["next_order"] = 7
    out = view(memory["legs_out"])
    post = ctx.limit("BTCUSDT", Side.SELL, 5, 92, TimeInForce.POST_ONLY)
    legs = [post, ctx.modify("BTCUSDT", 4, 3, 91), ctx.cancel("BTCUSDT-PERP", 2)]
    decision = ctx.decide(legs, rationale="again")
    assert ctx.next_order == 7 and not decision.bundle
    assert write_decision(decision, out, bound) == 3
    fields = ["instrument", "qty", "order_type", "limit_price", "action", "time_in_force", "target"]
    assert memory["legs_out"][fields].tolist()[:3] == [
        (0, 5, 1, 92, 0, 2, -1),
        (0, 3, 1, 91, 1, 0, 4),
        (1, 0, 0, 0, 2, 0, 2),
    ]
    taker = ctx.limit("BTCUSDT", Side.SELL, 5, 92, TimeInForce.IOC)
    assert ctx.decide([taker], rationale="again").bundle
    bundled = ctx.decide([post], rationale="again", bundle=True)
    with pytest.raises(StrategyError, match="a bundle takes new orders that end on arrival"):
        write_decision(bundled, out, bound)
