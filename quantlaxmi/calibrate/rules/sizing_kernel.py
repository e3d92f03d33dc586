"""Rules that enter by a coin and whose size or exit follows from what they have won or lost.

``state`` has a few words of memory. After them stands the schedule: at each row 0, or a side times
the most rows that a position is held. A row is one call of `step` with the traded book valid.
"""

from __future__ import annotations

from typing import Any

from quantlaxmi.calibrate.rules.legs import entry, trade

# params: prices are of twice the mid
RULE, QTY, STEP, LEVELS, ROWS = range(5)
# state: losses in a row, units held, and what was paid for them
ROW, LEAVE, LOSSES, SIDE, UNITS, PAID, LAST, FIRST = range(8)
# rules
MARTINGALE, AVERAGING, CUTTING = range(3)


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
    if books[0].valid == 0:
        return 0
    row = state[ROW].i
    state[ROW].i = row + 1
    if row >= params[ROWS].value or ctx.in_flight != 0:
        return 0
    rule, qty, distance = params[RULE].value, params[QTY].value, params[STEP].value
    levels = params[LEVELS].value
    held = positions[0].qty
    mid = books[0].bid + books[0].ask
    if held == 0:
        coin = state[FIRST + row].i
        if coin == 0:
            return 0
        side, hold = entry(coin)
        units = 1
        if rule == MARTINGALE:
            units <<= state[LOSSES].i
        state[SIDE].i, state[LEAVE].i = side, row + hold
        state[UNITS].i, state[PAID].i, state[LAST].i = units, units * mid, mid
        return int(trade(legs_out, 0, 0, 0, side * units * qty, 1))
    side, units = state[SIDE].i, state[UNITS].i
    gain = side * (units * mid - state[PAID].i)
    leaves = row >= state[LEAVE].i
    if rule != MARTINGALE:  # take what is won early, hold what is lost
        leaves = leaves or gain >= distance
    if leaves:
        if rule == MARTINGALE:
            lost = state[LOSSES].i + 1
            state[LOSSES].i = 0 if gain >= 0 else (lost if lost < levels else 0)
        return int(trade(legs_out, 0, 0, held, 0, 1))
    if rule == AVERAGING and units < levels and side * (state[LAST].i - mid) >= distance:
        state[UNITS].i, state[PAID].i, state[LAST].i = units + 1, state[PAID].i + mid, mid
        return int(trade(legs_out, 0, 0, held, held + side * qty, 1))
    return 0
