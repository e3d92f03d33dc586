"""The rules of the null strategies, over kernel records: compiled by Numba, or run by Python.

``state`` has a few words of memory. After them stands the schedule, one number a row, or the last
mids of the momentum strategy. A row is one call of `step` with the traded books valid.
"""

from __future__ import annotations

from typing import Any

# params
RULE, QTY, PAIR, THRESHOLD, LOOKBACK, EVERY, ROWS = range(7)
# state
ROW, LEAVE, MID, LOUDNESS, FIRST = range(5)
# rules
FOLLOW, LOUD, QUIET, NARROW, MOMENTUM = range(5)


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
    """Decide on one quote: the number of legs written."""
    pair = params[PAIR].value
    if books[0].valid == 0 or (pair != 0 and books[1].valid == 0):
        return 0
    row = state[ROW].i
    state[ROW].i = row + 1
    if row >= params[ROWS].value:
        return 0
    rule, qty = params[RULE].value, params[QTY].value
    held = positions[0].qty
    mid = books[0].bid + books[0].ask
    wanted = held
    if rule == FOLLOW:
        wanted = state[FIRST + row].i * qty
    elif rule == MOMENTUM:
        back = params[LOOKBACK].value
        slot = FIRST + row % back
        move = mid - state[slot].i
        state[slot].i = mid
        if row < back or row % params[EVERY].value != 0:
            return 0
        wanted = 0
        if move > params[THRESHOLD].value:
            wanted = qty
        elif move < -params[THRESHOLD].value:
            wanted = -qty
    else:
        move = mid - state[MID].i
        if state[MID].i == 0:
            move = 0
        if move < 0:
            move = -move
        state[MID].i = mid
        # An average of about eight rows, at 256 times its value; shifts round alike in both forms.
        state[LOUDNESS].i += (256 * move - state[LOUDNESS].i) >> 3
        if held != 0:
            if row >= state[LEAVE].i:
                wanted = 0
        else:
            coin = state[FIRST + row].i
            limit = params[THRESHOLD].value
            if rule == LOUD:
                is_open = state[LOUDNESS].i > 256 * limit
            elif rule == QUIET:
                is_open = state[LOUDNESS].i < 256 * limit
            else:
                is_open = books[0].ask - books[0].bid <= limit
            if is_open and coin != 0 and row > 16:
                wanted = qty if coin > 0 else -qty
                state[LEAVE].i = row + (coin if coin > 0 else -coin)
    if ctx.in_flight != 0 or wanted == held:
        return 0
    change = wanted - held
    legs = 2 if pair != 0 else 1
    for k in range(legs):
        signed = change if k == 0 else -change
        legs_out[k].instrument = k
        legs_out[k].side = 1 if signed > 0 else -1
        legs_out[k].qty = signed if signed > 0 else -signed
        legs_out[k].order_type = 0
        legs_out[k].limit_price = 0
        legs_out[k].action = 0
        legs_out[k].time_in_force = 0
        legs_out[k].target = 0
        legs_out[k].decision_type = 2 if wanted == 0 else (1 if held == 0 else 3)
        legs_out[k].direction = 1 if change > 0 else -1
        legs_out[k].confidence = -1
        legs_out[k].rationale = 0
        legs_out[k].bundle = 1 if legs > 1 else 0
    return legs
