"""Rules that take sides by a schedule, whatever the direction of prices.

``state`` has a few words of memory. After them stands the schedule, one number a row. A row is one
call of `step` with the traded books valid.
"""

from __future__ import annotations

from typing import Any

from quantlaxmi.calibrate.rules.legs import entry, trade

# params
RULE, QTY, PAIR, THRESHOLD, ROWS = range(5)
# state
ROW, LEAVE, MID, LOUDNESS, FIRST = range(5)
# rules
FOLLOW, LOUD, QUIET, NARROW = range(4)


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
    rule, qty, limit = params[RULE].value, params[QTY].value, params[THRESHOLD].value
    held = positions[0].qty
    wanted = held
    if rule == FOLLOW:
        wanted = state[FIRST + row].i * qty
    else:
        mid = books[0].bid + books[0].ask
        move = mid - state[MID].i
        if state[MID].i == 0:
            move = 0
        if move < 0:
            move = -move
        state[MID].i = mid
        # An average of about eight rows, at 256 times its value; shifts round alike in both forms.
        state[LOUDNESS].i += (256 * move - state[LOUDNESS].i) >> 3
        coin = state[FIRST + row].i
        if held != 0:
            if row >= state[LEAVE].i:
                wanted = 0
        elif coin != 0 and row > 16:
            if rule == LOUD:
                is_open = state[LOUDNESS].i > 256 * limit
            elif rule == QUIET:
                is_open = state[LOUDNESS].i < 256 * limit
            else:
                is_open = books[0].ask - books[0].bid <= limit
            if is_open:
                side, hold = entry(coin)
                wanted = side * qty
                state[LEAVE].i = row + hold
    if ctx.in_flight != 0 or wanted == held:
        return 0
    legs = 2 if pair != 0 else 1
    for k in range(legs):
        trade(legs_out, k, k, held if k == 0 else -held, wanted if k == 0 else -wanted, legs)
        legs_out[k].direction = 1 if wanted > held else -1
    return legs
