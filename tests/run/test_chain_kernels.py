"""One rule over an option chain in every form: compiled by Numba, interpreted, plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.events import LegIntent
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns, run_log
from quantlaxmi.schema import SLOT_DTYPE, DecisionType, EventKind, Side
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import CryptoStrategy, Strategy
from tests.market_builder import MemorySegment
from tests.random_chains import random_chain
from tests.run.test_chain_runs import chain_costs
from tests.run.test_engine_properties import same_runs
from tests.run.test_lanes import check_lanes
from tests.traded import CHAINS

CHAIN = int(EventKind.CHAIN)


def step(ctx, event, books, positions, features, state, params, legs_out):
    """At every second snapshot: trade the valid book with the most open interest, by turns."""
    if event.kind != CHAIN:
        state[1].i += event.price
        return 0
    state[0].i += event.qty
    if state[0].i % 2 == 0 or ctx.in_flight != 0:
        return 0
    best = -1
    for i in range(ctx.n_instruments):
        if books[i].valid != 0 and (best < 0 or books[i].oi > books[best].oi):
            best = i
    if best < 0:
        return 0
    legs_out[0].instrument = best
    legs_out[0].side = 1 if (state[0].i + state[1].i + books[best].iv) % 3 == 0 else -1
    legs_out[0].qty = params[0].value
    legs_out[0].decision_type = 3
    legs_out[0].confidence = -1
    return 1


class Kernel(Strategy):
    strategy_id = "most_open"
    rationales = ("its turn",)
    size = 2

    def bind(self, instruments, *, interpreted=False):
        functions = compile_kernel(step, interpreted=interpreted)
        return BoundStrategy(
            strategy_id=self.strategy_id, config=self.config, config_hash=self.config_hash,
            rationales=self.rationales, instruments=tuple(range(len(instruments))),
            universe=tuple(instruments), state=np.zeros(2, SLOT_DTYPE),
            params=make_params([self.size]),
            event_mask=mask_of([EventKind.CHAIN, EventKind.SETTLEMENT]),
            form=functions.form, step=functions.step, owner=functions.owner, strategy=self,
        )  # fmt: skip


class Plain(CryptoStrategy):
    strategy_id = "most_open"
    rationales = ("its turn",)
    event_kinds = (EventKind.CHAIN, EventKind.SETTLEMENT)

    def on_start(self, ctx):
        self.rows = self.prices = 0
        self.books = [(one.symbol, ctx.book(one.symbol)) for one in ctx.instruments]

    def on_market(self, event, ctx):
        if type(event).__name__ == "SettlementEvent":
            self.prices += event.price
            return None
        self.rows += event.n_rows
        valid = [(symbol, book) for symbol, book in self.books if book.valid]
        if self.rows % 2 == 0 or ctx.in_flight or not valid:
            return None
        symbol, book = max(valid, key=lambda one: one[1].oi)
        side = Side.BUY if (self.rows + self.prices + book.iv) % 3 == 0 else Side.SELL
        return ctx.decide(
            [LegIntent(symbol, side, 2)],
            rationale="its turn",
            decision_type=DecisionType.ADJUST,
            bundle=False,
        )


@pytest.mark.parametrize("seed", range(4))
def test_every_form_and_both_routes_have_one_trace(seed):
    segment = MemorySegment(random_chain(seed, 90), CHAINS["chain"], (3, 17, 40, 41))
    config = RunConfig.of(costs=chain_costs(seed), latency_ns=3, settle_at="mark")
    first = run_columns(segment, Kernel(), config)
    assert len(first.exact.fills) > 5
    for again in (
        run_columns(segment, Kernel(), config, interpreted=True),
        run_log(segment, Kernel(), config),
        run_columns(segment, Plain(), config),
        run_log(segment, Plain(), config),
    ):
        same_runs(first, again)


@pytest.mark.parametrize("seed", range(6))
def test_lanes_over_a_chain_are_runs_by_themselves(seed):
    """Snapshots, cut in the middle too, and settlements reach every lane."""
    segment = MemorySegment(random_chain(seed, 90), CHAINS["chain"])
    config = RunConfig.of(costs=chain_costs(seed), latency_ns=3, settle_at="mark")
    sizes = [type("Kernel", (Kernel,), {"size": size})() for size in (1, 2, 5, 30)]
    passes = ((True, 10**9), (False, 10**9), (True, 3))
    check_lanes(segment, [one.bind(CHAINS["chain"]) for one in sizes], config, passes)
