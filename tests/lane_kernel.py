"""A kernel that can fail, lie about its sleep, or write to the books, for the lanes' tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import SLOT_DTYPE, EventKind
from quantlaxmi.strategies.basis_capture import leg_qty
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import Strategy

SIZE = FixedPoint(1, -2)
PLAIN, FAILS, LIES, WRITES, SLEEPS = range(5)


def step(ctx, event, books, positions, features, state, params, legs_out):
    """In and out of the first instrument, every so many messages."""
    mode, every, since = params[0].value, params[1].value, params[2].value
    if mode == FAILS and event.seq >= since:
        return -7
    if mode == WRITES and event.instrument == 0:
        books[0].ask_qty += 1
        books[0].mid2 += 2 * params[1].value
    if books[0].valid == 0 or ctx.in_flight != 0 or ctx.now_ns < state[0].i:
        return 0
    state[0].i = ctx.now_ns + every
    held = positions[0].qty
    legs_out[0].instrument = 0
    legs_out[0].side = 1 if held <= 0 else -1
    legs_out[0].qty = params[3].value
    legs_out[0].decision_type = 1
    legs_out[0].confidence = -1
    return 1


def asleep(in_flight, positions, state, params, nap):
    """Until the next time; a liar sleeps a little longer."""
    mode = params[0].value
    if mode != SLEEPS and mode != LIES:
        return 0
    nap.until = state[0].i + (params[1].value if mode == LIES else 0)
    return 1


class LaneConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings: what it does, nanoseconds between decisions, the message at which it fails."""

    mode: int = PLAIN
    every: int = 1_000_000_000
    since: int = 0


class InTurns(Strategy):
    """Buys and sells the first instrument by the clock."""

    strategy_id = "in_turns"
    Config = LaneConfig
    rationales = ("its turn",)
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {"every": ("1000000000", "2500000000")}

    def bind(self, instruments, *, interpreted=False):
        functions = compile_kernel(step, asleep=asleep, interpreted=interpreted)
        c = self.config
        return BoundStrategy(
            strategy_id=self.strategy_id, config=c, config_hash=self.config_hash,
            rationales=self.rationales, instruments=(0,), universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params([c.mode, c.every, c.since, leg_qty(SIZE, instruments[0], "size")]),
            state=np.zeros(1, SLOT_DTYPE), form=functions.form, step=functions.step,
            asleep=functions.asleep, owner=functions.owner, strategy=self,
        )  # fmt: skip
