"""A maker: a post-only order at each touch, cancelled when the touch moves; flat at times.

``state`` has both sides' orders, the buy's slot of each word first. A row is one call of `step`
with the book valid. The position is at most one unit either way, so that round trips are many.
"""

from __future__ import annotations

from typing import Any

# params
QTY, MOST, ROWS = range(3)
# state: the buy's slot of each, then the sell's
ORDER, PRICE, CANCELLING, ROW = 0, 2, 4, 6
SLOTS = 7
# of schema: order type, time in force, action, decision type, news
LIMIT, POST_ONLY, CANCEL, ADJUST = 1, 2, 2, 3
RESTS, MODIFIED, NOT_RESTING = 10, 12, 13


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
    if books[0].valid == 0:
        return 0
    row = state[ROW].i
    state[ROW].i = row + 1
    if row >= params[ROWS].value:
        return 0
    n = 0
    for k in range(2):
        side = 1 - 2 * k
        touch = books[0].bid if k == 0 else books[0].ask
        leg = legs_out[n]
        if state[ORDER + k].i >= 0:
            if touch != state[PRICE + k].i and state[CANCELLING + k].i == 0:
                state[CANCELLING + k].i = 1
                leg.instrument = 0
                leg.action = CANCEL
                leg.target = state[ORDER + k].i
                n += 1
        elif side * positions[0].qty + params[QTY].value <= params[MOST].value:
            state[ORDER + k].i = ctx.next_order + n
            state[PRICE + k].i = touch
            leg.instrument = 0
            leg.side = side
            leg.qty = params[QTY].value
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
