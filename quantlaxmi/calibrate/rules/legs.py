"""How the kernels of calibration rules write a market order, and how a row of a schedule is read.

Both forms of a kernel call these: compiled by Numba, or run by Python.
"""

from __future__ import annotations

from typing import Any

from numba.extending import register_jitable

from quantlaxmi.schema import OrderAction

__all__ = ["entry", "trade"]

NEW_NET = int(OrderAction.NEW_NET)


@register_jitable
def trade(legs_out: Any, k: int, instrument: int, held: int, wanted: int, legs: int) -> int:
    """Write leg `k` of `legs`: the change of an instrument's position from `held` to `wanted`."""
    change = wanted - held
    legs_out[k].instrument = instrument
    legs_out[k].side = 1 if change > 0 else -1
    legs_out[k].qty = change if change > 0 else -change
    legs_out[k].order_type = 0
    legs_out[k].limit_price = 0
    legs_out[k].action = NEW_NET
    legs_out[k].time_in_force = 0
    legs_out[k].target = 0
    legs_out[k].decision_type = 2 if wanted == 0 else (1 if held == 0 else 3)
    legs_out[k].direction = 1 if change > 0 else -1
    legs_out[k].confidence = -1
    legs_out[k].rationale = 0
    legs_out[k].bundle = 1 if legs > 1 else 0
    return k + 1


@register_jitable
def entry(coin: int) -> tuple[int, int]:
    """Side and rows of a schedule's entry: a signed number of rows."""
    if coin > 0:
        return 1, coin
    return -1, -coin
