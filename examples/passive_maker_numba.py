"""The rule of `passive_maker.py` as a Numba kernel, with the same trace.

quantlaxmi-crypto backtest --segment-dir seg --strategy examples/passive_maker_numba.py:Maker
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import (
    SLOT_DTYPE,
    DecisionType,
    EventKind,
    OrderAction,
    OrderReason,
    OrderType,
    TimeInForce,
)
from quantlaxmi.strategies.basis_capture import leg_qty
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import Strategy

# The settings are those of the file next to this one, which is in no package.
_spec = importlib.util.spec_from_file_location(
    "examples_passive_maker", Path(__file__).with_name("passive_maker.py")
)
assert _spec is not None and _spec.loader is not None
plain: Any = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = plain
_spec.loader.exec_module(plain)

# params
INSTRUMENT, SIZE, MOST, LEAST_REST_NS = range(4)
# state: the buy's slot of each, then the sell's
ORDER, PRICE, SINCE, CANCELLING = range(0, 8, 2)

LIMIT, POST_ONLY = int(OrderType.LIMIT), int(TimeInForce.POST_ONLY)
CANCEL, ADJUST = int(OrderAction.CANCEL), int(DecisionType.ADJUST)
RESTS, MODIFIED = int(OrderReason.RESTS), int(OrderReason.MODIFIED)
NOT_RESTING = int(OrderReason.NOT_RESTING)


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
    """Cancel what is off its touch; quote the sides that have no order."""
    i = params[INSTRUMENT].value
    if event.instrument != i or books[i].valid == 0:
        return 0
    n = 0
    for k in range(2):
        side = 1 - 2 * k
        touch = books[i].bid if k == 0 else books[i].ask
        leg = legs_out[n]
        if state[ORDER + k].i >= 0:
            if (
                touch != state[PRICE + k].i
                and state[CANCELLING + k].i == 0
                and ctx.now_ns - state[SINCE + k].i >= params[LEAST_REST_NS].value
            ):
                state[CANCELLING + k].i = 1
                leg.instrument = i
                leg.action = CANCEL
                leg.target = state[ORDER + k].i
                n += 1
        elif side * positions[i].qty + params[SIZE].value <= params[MOST].value:
            state[ORDER + k].i = ctx.next_order + n
            state[PRICE + k].i = touch
            state[SINCE + k].i = ctx.now_ns
            leg.instrument = i
            leg.side = side
            leg.qty = params[SIZE].value
            leg.order_type = LIMIT
            leg.limit_price = touch
            leg.time_in_force = POST_ONLY
            n += 1
    legs_out[0].decision_type = ADJUST
    legs_out[0].confidence = -1
    return n


def on_fill(ctx: Any, notice: Any, books: Any, positions: Any, state: Any, params: Any) -> int:
    """Forget an order that ended; a cancel that came before its order may be sent again."""
    for k in range(2):
        if state[ORDER + k].i == notice.order:
            news = notice.reason
            if notice.qty > 0:
                ended = notice.order_left == 0
            else:
                ended = news != RESTS and news != MODIFIED and news != NOT_RESTING
            if ended:
                state[ORDER + k].i = -1
            if ended or news == NOT_RESTING:
                state[CANCELLING + k].i = 0
    return 0


class Maker(Strategy):
    """Quotes both touches of one instrument."""

    strategy_id = "passive_maker"
    Config = plain.MakerConfig
    rationales = ("quote",)

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind to the segment's instruments; the kernel is compiled on first use."""
        functions = compile_kernel(step, on_fill, interpreted=interpreted)
        config = self.config
        k = plain.traded(instruments, config)
        state = np.zeros(8, SLOT_DTYPE)
        state["i"][ORDER : ORDER + 2] = -1
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=(k,),
            universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params(
                [
                    k,
                    leg_qty(config.size, instruments[k], "size"),
                    leg_qty(config.max_position, instruments[k], "max_position"),
                    config.least_rest_ms * plain.MS,
                ]
            ),
            state=state,
            form=functions.form,
            step=functions.step,
            on_fill=functions.on_fill,
            owner=functions.owner,
            strategy=self,
        )
