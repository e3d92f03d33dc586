"""From Python as from the command line: each call works, or is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi.errors import ConfigError, InputError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import DecisionType, OrderAction, OrderType, Side
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.decisions import effect_of
from quantlaxmi.strategies.sdk import CryptoStrategy

create = quantlaxmi.StrategyRegistry().create
PLANTED = Path(__file__).parents[2] / "data" / "planted"


class Cfg(StrategyConfig, frozen=True, kw_only=True):
    every: int = 500
    size: FixedPoint = FixedPoint(1, -2)


class InAndOut(CryptoStrategy):
    """Buys, then sells what it holds, every so many quotes."""

    strategy_id = "in_and_out"
    Config = Cfg
    rationales = ("rule",)
    made: ClassVar[int] = 0

    def on_start(self, ctx):
        self.seen, self.symbol = 0, ctx.instruments[1].symbol
        self.held = ctx.position(self.symbol)

    def on_market(self, event, ctx):
        self.seen += 1
        if self.seen % self.config.every:
            return None
        side = Side.SELL if self.held.qty else Side.BUY
        return ctx.decide([LegIntent(self.symbol, side, np.int64(10))], rationale="rule")


class NoSuper(InAndOut):
    strategy_id = "no_super"

    def __init__(self, config=None):
        self.note = "kept"


class NoSettings(InAndOut):
    strategy_id = "no_settings"

    def __init__(self):
        self.note = "kept"


class NeedsMore(InAndOut):
    strategy_id = "needs_more"

    def __init__(self, config, window):
        super().__init__(config)


class Drops(InAndOut):
    strategy_id = "drops"

    def __init__(self, config=None):
        super().__init__(Cfg(every=7))


def test_a_class_and_a_path_are_a_run() -> None:
    segment = quantlaxmi.open_segment(PLANTED)
    expected = quantlaxmi.backtest(segment, InAndOut()).trace.trace_hash
    for where in (segment, PLANTED, str(PLANTED)):
        for route in (quantlaxmi.backtest, quantlaxmi.replay):
            assert route(where, InAndOut).trace.trace_hash == expected
    assert not quantlaxmi.verify_no_lookahead(PLANTED, InAndOut, n_cuts=2).found


@pytest.mark.parametrize("kind", [NoSuper, NoSettings])
def test_an_init_without_super_has_its_settings(kind) -> None:
    run = quantlaxmi.backtest(PLANTED, kind)
    assert run.n_decisions and run.strategy.instance.note == "kept"
    assert run.strategy.config == Cfg()
    again = quantlaxmi.backtest(PLANTED, kind.made_with(Cfg(every=900)))
    assert 0 < again.n_decisions < run.n_decisions
    assert again.strategy.config.every == 900


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (NeedsMore, "NeedsMore: its __init__ must take the settings alone"),
        (Drops, "Drops does not keep the settings it is given: its __init__ must call super"),
        (CryptoStrategy, "does not define on_market"),
        (int, "was <class 'int'>, expected a strategy with its settings, its class or its name"),
        (None, "strategy was None, expected a strategy"),
        (InAndOut.on_market, "expected a strategy"),
        ("basis_captur", "did you mean basis_capture"),
    ],
)
def test_what_is_no_strategy_is_one_sentence(kind, said: str) -> None:
    with pytest.raises(StrategyError) as told:
        quantlaxmi.backtest(PLANTED, kind)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (None, "segment: was None, expected market data or a segment's folder"),
        (17, "segment: was 17, expected market data"),
        ("no/such/folder", "no/such/folder"),
    ],
)
def test_what_is_no_segment_is_one_sentence(where, said: str) -> None:
    for call in (quantlaxmi.backtest, quantlaxmi.replay, quantlaxmi.run_gates):
        with pytest.raises(InputError) as told:
            call(where, InAndOut)
        assert said in str(told.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Cfg(evry=5), "Cfg (evry): unknown setting; did you mean every?"),
        (lambda: Cfg(5), "Cfg: was given 5 without a name, expected name=value"),
        (lambda: InAndOut.Config(every="x"), "Cfg (every): was 'x', expected a whole number"),
        (lambda: create("basis_capture", sets={"thresh": 1}), "--set"),
        (lambda: create("basis_capture", sets=[4]), "expected key=value"),
        (lambda: quantlaxmi.run_gates(PLANTED, InAndOut, gates="g7"), "was 'g7'"),
        (lambda: quantlaxmi.run_gates(PLANTED, InAndOut, gates=[7]), "was 7"),
    ],
)  # fmt: skip
def test_settings_that_are_none_are_one_sentence(call, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        call()
    assert said in str(told.value) and "\n" not in str(told.value)


def test_sets_may_be_a_mapping_or_one_text() -> None:
    registry = quantlaxmi.StrategyRegistry()
    expected = registry.create("basis_capture", sets=["threshold_bps=4", "min_bid_qty=1"]).config
    for sets in (
        {"threshold_bps": 4, "min_bid_qty": "1"},
        {"threshold_bps": FixedPoint(4, 0), "min_bid_qty": np.int64(1)},
        "threshold_bps=4 min_bid_qty=1",
    ):
        assert registry.create("basis_capture", sets=sets).config == expected


def test_numpy_integers_are_integers() -> None:
    made = Cfg(every=np.int32(500), size=np.int64(2))
    assert made == Cfg(every=500, size=2) and made.config_hash == Cfg(size=2).config_hash
    assert type(made.every) is int
    with pytest.raises(ConfigError):
        Cfg(every=np.bool_(True))


def test_a_decision_is_what_it_does_to_the_position() -> None:
    run = quantlaxmi.backtest(PLANTED, InAndOut)
    kinds = run.exact.decisions["decision_type"].tolist()
    fills = run.exact.fills[["seq", "position"]].tolist()
    expected = []
    for seq in run.exact.decisions["seq"].tolist():
        held = [position for at, position in fills if at < seq]
        expected.append(DecisionType.EXIT if held and held[-1] else DecisionType.ENTER)
    assert kinds == expected and len(set(kinds)) == 2


@pytest.mark.parametrize(
    ("held", "qty", "expected"),
    [
        ({}, {"A": 5}, DecisionType.ENTER),
        ({}, {"A": 5, "B": -5}, DecisionType.ENTER),
        ({"A": 5, "B": -5}, {"A": -5, "B": 5}, DecisionType.EXIT),
        ({"A": 5, "B": -5}, {"A": -5}, DecisionType.EXIT),  # of what it names
        ({"A": 5}, {"A": -3}, DecisionType.ADJUST),
        ({"A": 5}, {"A": 3}, DecisionType.ADJUST),
        ({"A": 5}, {"A": -9}, DecisionType.ADJUST),
        ({"A": 5}, {"A": -5, "B": 5}, DecisionType.ADJUST),
    ],
)
def test_the_type_of_a_decision(held, qty, expected) -> None:
    legs = [LegIntent(s, Side.BUY if q > 0 else Side.SELL, abs(q)) for s, q in qty.items()]
    assert effect_of(legs, lambda symbol: held.get(symbol, 0)) == expected
    twice = [LegIntent(leg.symbol, leg.side, 1) for leg in legs for _ in range(leg.qty)]
    assert effect_of(twice, lambda symbol: held.get(symbol, 0)) == expected


def test_a_changed_order_is_an_adjustment() -> None:
    change = LegIntent("A", Side.BUY, 5, OrderType.LIMIT, 7, action=OrderAction.MODIFY, target=3)
    assert effect_of([change], lambda symbol: 0) == DecisionType.ADJUST
