"""Strategies a user brings: a kernel of their own, every kind of event, and failures in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numba
import numpy as np
import pytest

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import (
    DepthEvent,
    FillEvent,
    FundingEvent,
    LegIntent,
    MultiLegOrderIntent,
    OptionsStrategyType,
    QuoteEvent,
    TradeEvent,
)
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import SLOT_DTYPE, EventKind, Side
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import (
    Bounds,
    BoundStrategy,
    CryptoStrategy,
    IndiaOptionsStrategy,
    Strategy,
    StrategyConfig,
    make_params,
    mask_of,
)
from quantlaxmi.strategies.contract import CHECKS, check_strategy
from quantlaxmi.strategies.numba_kernel import compile_kernel

DATA = Path(__file__).parents[2] / "data"


class Config(StrategyConfig, frozen=True, kw_only=True):
    every: Annotated[int, Bounds(ge=1)] = 300
    fail_at: Annotated[int, Bounds(ge=0)] = 0


def step(ctx, event, books, positions, features, state, params, legs_out):
    """Turn the position of instrument 0 over at every so many trades; fills are counted."""
    state[0].i += 1
    if state[0].i == params[1].value:
        return -7
    if state[0].i < params[0].value or ctx.in_flight > 0 or books[0].valid == 0:
        return 0
    state[0].i = 0
    held = positions[0].qty
    legs_out[0].instrument = 0
    legs_out[0].side = -1 if held > 0 else 1
    legs_out[0].qty = held if held > 0 else 1000 + state[1].i
    legs_out[0].order_type = 0
    legs_out[0].limit_price = 0
    legs_out[0].decision_type = 2 if held > 0 else 1
    legs_out[0].direction = legs_out[0].side
    legs_out[0].confidence = -1
    legs_out[0].rationale = 0
    legs_out[0].bundle = 0
    return 1


def on_fill(ctx, notice, books, positions, state, params):
    if notice.qty > 0:
        state[1].i += 1
    return 0


class Kernel(Strategy):
    """Counts market trades."""

    strategy_id = "turnover"
    Config = Config
    rationales = ("count",)

    def bind(self, instruments, *, interpreted=False):
        functions = compile_kernel(step, on_fill, interpreted=interpreted)
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=self.config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(0,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.TRADE]),
            params=make_params([self.config.every, self.config.fail_at]),
            state=np.zeros(2, SLOT_DTYPE),
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            owner=functions.owner,
            strategy=self,
        )


class Python(CryptoStrategy):
    """The same in plain Python."""

    strategy_id = "turnover"
    Config = Config
    rationales = ("count",)
    event_kinds = (EventKind.TRADE,)

    def trades(self, instruments):
        return (0,)

    def on_start(self, ctx):
        self.symbol = ctx.instruments[0].symbol
        self.held = ctx.position(self.symbol)
        self.book = ctx.book(self.symbol)
        self.seen = self.fills = 0

    def on_fill(self, fill: FillEvent):
        assert isinstance(fill, FillEvent) and fill.qty > 0
        self.fills += 1

    def on_market(self, event, ctx):
        assert isinstance(event, TradeEvent)
        self.seen += 1
        if self.seen == self.config.fail_at:
            return 1 // 0
        if self.seen < self.config.every or ctx.in_flight or not self.book.valid:
            return None
        self.seen = 0
        held = self.held.qty
        side = Side.SELL if held > 0 else Side.BUY
        leg = LegIntent(self.symbol, side, held if held > 0 else 1000 + self.fills)
        return ctx.decide(
            [leg],
            rationale="count",
            decision_type=2 if held > 0 else 1,
            direction=int(side),
            bundle=False,
        )


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "planted")


def test_a_kernel_of_ones_own_agrees_with_its_other_forms(segment):
    runs = [
        backtest(segment, Kernel()),
        backtest(segment, Kernel(), interpreted=True),
        backtest(segment, Python()),
    ]
    assert runs[0].n_decisions > 4
    assert len({run.trace.trace_hash for run in runs}) == 1
    assert len({run.trace.outcome_hash for run in runs}) == 1


@pytest.mark.parametrize("kind", [Kernel, Python])
def test_strategies_of_ones_own_keep_the_contract(segment, kind):
    assert len(list(check_strategy(kind, segment, backtest))) == len(CHECKS)


@pytest.mark.parametrize(
    ("kind", "interpreted", "said"),
    [
        (Kernel, False, "-7"),
        (Kernel, True, "-7"),
        (Python, False, "ZeroDivisionError: .* line "),
    ],
)
def test_failures_end_the_run_in_one_line(segment, kind, interpreted, said):
    with pytest.raises(StrategyError, match=rf"'turnover'.* message seq \d+.*{said}") as caught:
        backtest(segment, kind(Config(every=1000, fail_at=77)), interpreted=interpreted)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="compiles nothing")
def test_an_exception_in_a_numba_kernel_ends_the_run(segment):
    def raising(ctx, event, books, positions, features, state, params, legs_out):
        state[0].i += 1
        return 0 // (state[0].i - 50)

    class Raising(Kernel):
        def bind(self, instruments, *, interpreted=False):
            bound = super().bind(instruments, interpreted=True)
            made = compile_kernel(raising)
            values = {n: getattr(bound, n) for n in bound.__dataclass_fields__}
            values |= {"form": "kernel", "step": made.step, "on_fill": None, "owner": made.owner}
            return BoundStrategy(**values)

    with pytest.raises(StrategyError, match="-1000"):
        backtest(segment, Raising())


def test_every_kind_of_event_is_delivered(segment):
    seen = []

    class All(CryptoStrategy):
        strategy_id = "all"
        event_kinds = tuple(EventKind)

        def on_market(self, event, ctx):
            seen.append(event)
            assert event.ts_ns == ctx.now_ns and event.symbol == ctx.symbol

    run = backtest(segment, All())
    assert len(seen) == run.n_messages and not run.n_decisions
    kinds = {type(event) for event in seen}
    assert kinds == {QuoteEvent, DepthEvent, TradeEvent, FundingEvent}
    seqs = [event.seq for event in seen]
    assert seqs == sorted(set(seqs))


def test_options_intents_become_bundles(segment):
    class Pair(IndiaOptionsStrategy):
        strategy_id = "pair"

        def on_start(self, ctx):
            self.done = False

        def on_market(self, event, ctx):
            if self.done or not all(ctx.book(i.symbol).valid for i in ctx.instruments):
                return None
            self.done = True
            first, second = (i.symbol for i in ctx.instruments)
            legs = (LegIntent(first, Side.BUY, 1000), LegIntent(second, Side.SELL, 10))
            return MultiLegOrderIntent(legs, OptionsStrategyType.VERTICAL)

    run = backtest(segment, Pair())
    decision = run.trace.decisions[0]
    assert decision.rationale == "vertical" and decision.bundle and len(decision.legs) == 2
    assert run.n_fills >= 2
