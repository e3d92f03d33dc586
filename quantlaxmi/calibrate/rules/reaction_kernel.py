"""Rules that react to prices, spreads, sizes or funding.

``state`` has a few words of memory; after them a ring of the last mids (`MOMENTUM`), or a schedule
of one number a row (`FUNDING`). A row is one call of `step` with the traded book valid.
"""

from __future__ import annotations

from typing import Any

from quantlaxmi.calibrate.rules.legs import trade

# params: prices are of twice the mid; SENSE is 1 to follow a move, -1 to fade it
RULE, QTY, THRESHOLD, EXIT, LOOKBACK, EVERY, HOLD, ROWS, SENSE = range(9)
# state
ROW, LEAVE, MID, FIRST = range(4)
# rules
MOMENTUM, LEVEL, JUMP, LEAD, IMBALANCE, FUNDING = range(6)


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
    rule, qty, limit = params[RULE].value, params[QTY].value, params[THRESHOLD].value
    source = 1 if rule == LEAD else 0
    if books[0].valid == 0 or books[source].valid == 0 or event.instrument != source:
        return 0
    row = state[ROW].i
    state[ROW].i = row + 1
    if row >= params[ROWS].value:
        return 0
    held = positions[0].qty
    wanted = held
    mid = books[source].bid + books[source].ask
    side = 0  # of what is looked at, where it is beyond the limit
    if rule == MOMENTUM:
        back = params[LOOKBACK].value
        slot = FIRST + row % back
        move = mid - state[slot].i
        state[slot].i = mid
        if row < back:
            return 0
    else:
        move = mid - state[MID].i if row > 0 else 0
        if rule != LEVEL or row == 0:
            state[MID].i = mid
    if move > limit:
        side = 1
    elif move < -limit:
        side = -1
    if rule == MOMENTUM:
        if row % params[EVERY].value == 0:
            wanted = side * params[SENSE].value * qty
    elif rule == LEVEL:  # against the distance from the first mid
        if held == 0:
            wanted = -side * qty
        elif (move if held < 0 else -move) < params[EXIT].value:
            wanted = 0
    elif rule == JUMP:
        if side != 0:
            wanted = side * qty
            state[LEAVE].i = row + params[HOLD].value
        elif row >= state[LEAVE].i:
            wanted = 0
    elif rule == LEAD:
        wanted = side * qty
    elif rule == IMBALANCE:
        if row % params[EVERY].value == 0:
            wanted = 0
            if books[0].ask - books[0].bid <= limit:
                wanted = qty if books[0].bid_qty > books[0].ask_qty else -qty
    elif row % params[EVERY].value == 0:
        rate = books[0].funding_rate
        wanted = 0
        if rate > limit:
            wanted = -qty * state[FIRST + row].i
        elif rate < -limit:
            wanted = qty * state[FIRST + row].i
    if ctx.in_flight != 0 or wanted == held:
        return 0
    return int(trade(legs_out, 0, 0, held, wanted, 1))
