"""The rule of `sma_trend.py` as a Numba kernel, with the same trace.

quantlaxmi-crypto run-gates --segment-dir seg --strategy examples/sma_trend_numba.py:Trend
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import SLOT_DTYPE, DecisionType, EventKind, OrderAction
from quantlaxmi.strategies.basis_capture import leg_qty
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import Strategy

# The settings are those of the file next to this one, which is in no package.
_spec = importlib.util.spec_from_file_location(
    "examples_sma_trend", Path(__file__).with_name("sma_trend.py")
)
assert _spec is not None and _spec.loader is not None
plain: Any = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = plain
_spec.loader.exec_module(plain)

# params
INSTRUMENT, QTY, FAST, SLOW, BOTH_SIDES, EVERY_NS = range(6)
# state: how many closes were taken, the next one's time, both sums, then the last closes in a ring
TAKEN, NEXT_NS, FAST_SUM, SLOW_SUM, FIRST = range(5)

NEW_NET = int(OrderAction.NEW_NET)
ENTER, EXIT, ADJUST = (
    int(kind) for kind in (DecisionType.ENTER, DecisionType.EXIT, DecisionType.ADJUST)
)


def step(
    ctx: Any,
    event: Any,
    books: Any,
    positions: Any,
    features: Any,
    state: Any,
    params: Any,
    legs_out: Any,
) -> int:
    """Take a close now and then, and hold the side of the trend."""
    i = params[INSTRUMENT].value
    if books[i].valid == 0 or ctx.now_ns < state[NEXT_NS].i:
        return 0
    fast, slow = params[FAST].value, params[SLOW].value
    state[NEXT_NS].i = ctx.now_ns + params[EVERY_NS].value
    taken = state[TAKEN].i
    close = books[i].bid + books[i].ask
    slot = FIRST + taken % slow
    state[SLOW_SUM].i += close - state[slot].i
    left = 0
    if taken >= fast:
        left = state[FIRST + (taken - fast) % slow].i
    state[FAST_SUM].i += close - left
    state[slot].i = close
    state[TAKEN].i = taken + 1
    if taken + 1 < slow or ctx.in_flight != 0:
        return 0
    trend = state[FAST_SUM].i * slow - state[SLOW_SUM].i * fast
    side = 0
    if trend > 0:
        side = 1
    elif trend < 0 and params[BOTH_SIDES].value != 0:
        side = -1
    held = positions[i].qty
    wanted = side * params[QTY].value
    if wanted == held:
        return 0
    leg = legs_out[0]
    leg.instrument = i
    leg.side = 1 if wanted > held else -1
    leg.qty = wanted - held if wanted > held else held - wanted
    leg.action = NEW_NET
    leg.decision_type = EXIT if wanted == 0 else (ENTER if held == 0 else ADJUST)
    leg.direction = side
    leg.confidence = -1
    leg.bundle = 1
    return 1


class Trend(Strategy):
    """Follows the difference of two moving means."""

    strategy_id = "sma_trend"
    Config = plain.TrendConfig
    rationales = ("cross",)

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind to the segment's instruments; the kernel is compiled on first use."""
        functions = compile_kernel(step, interpreted=interpreted)
        config = self.config
        k = plain.traded(instruments, config)
        params = [
            k,
            leg_qty(config.size, instruments[k], "size"),
            config.fast,
            config.slow,
            int(config.both_sides),
            config.every_seconds * plain.SECOND,
        ]
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(k,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params(params),
            state=np.zeros(FIRST + config.slow, SLOT_DTYPE),
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            can_trade=functions.can_trade,
            owner=functions.owner,
            strategy=self,
        )
