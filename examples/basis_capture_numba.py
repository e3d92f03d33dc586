"""basis_capture written as a Numba kernel: the bundled rule for authors without a C compiler.

    quantlaxmi-crypto backtest --segment-dir seg --strategy examples/basis_capture_numba.py:Basis

Settings, binding and strategy id are the bundled ones, so its trace is the bundled one's too.
"""

from __future__ import annotations

from typing import Any

from numba.extending import register_jitable

from quantlaxmi.schema import DecisionType, OrderAction
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.strategies.kernel import KernelFunctions
from quantlaxmi.strategies.numba_kernel import cmp_products, compile_kernel

# Layout of params and state, as BasisCapture.bind fills them.
SPOT, PERP, THRESHOLD, EXIT, MAX_AGE, COOLDOWN, MAX_SPREAD, MAX_TRADES, HEDGED = range(9)
QTY = 9  # spot, then perp
MIN_BID, MIN_ASK = 11, 12  # spot; the perp's are two further on
LAST, HEAD, RING = range(3)

BPS = 10**12  # 10**4 bps at the 10**-8 that settings are given at
HOUR_NS = 3_600_000_000_000
NEVER = 2**63 - 1
BEYOND = 1e300  # no basis is as large
NEW_NET = int(OrderAction.NEW_NET)
ENTER, EXIT_ALL = int(DecisionType.ENTER), int(DecisionType.EXIT)


@register_jitable
def leg_tradable(ctx: Any, book: Any, min_bid: int, min_ask: int, params: Any) -> bool:
    """One leg's quote is valid, fresh, deep and tight enough."""
    if book.valid == 0:
        return False
    if params[MAX_AGE].value > 0 and ctx.now_ns - book.ts_ns > params[MAX_AGE].value:
        return False
    if book.bid_qty < min_bid or book.ask_qty < min_ask:
        return False
    widest = params[MAX_SPREAD].value
    return widest == 0 or (
        cmp_products(book.ask - book.bid, 2 * BPS, widest, book.bid + book.ask) <= 0
    )


@register_jitable
def can_trade(ctx: Any, event: Any, books: Any, features: Any, params: Any) -> int:
    """1 where the filters hold for both legs."""
    if event.instrument != params[SPOT].value and event.instrument != params[PERP].value:
        return 0
    if features[0].den <= 0:
        return 0
    for leg in range(2):
        book = books[params[SPOT + leg].value]
        min_bid, min_ask = params[MIN_BID + 2 * leg].value, params[MIN_ASK + 2 * leg].value
        if not leg_tradable(ctx, book, min_bid, min_ask, params):
            return 0
    return 1


@register_jitable
def write_leg(leg: Any, instrument: int, signed_qty: int, kind: int, direction: int, why: int):
    """A market order that changes the position by ``signed_qty``, as one leg of the decision."""
    leg.instrument = instrument
    leg.side = 1 if signed_qty > 0 else -1
    leg.qty = abs(signed_qty)
    leg.order_type = 0
    leg.limit_price = 0
    leg.action = NEW_NET
    leg.decision_type = kind
    leg.direction = direction
    leg.confidence = -1
    leg.rationale = why
    leg.bundle = 1


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
    num, den, now = features[0].num, features[0].den, ctx.now_ns
    if ctx.in_flight != 0 or den <= 0 or now - state[LAST].i < params[COOLDOWN].value:
        return 0
    spot, perp = params[SPOT].value, params[PERP].value
    hedged = params[HEDGED].value != 0
    perp_held = positions[perp].qty
    spot_held = positions[spot].qty if hedged else 0

    if perp_held == 0 and spot_held == 0:
        limit = params[THRESHOLD].value
        if cmp_products(num, BPS, limit, den) > 0:
            side = -1  # of the perp
        elif cmp_products(num, BPS, -limit, den) < 0:
            side = 1
        else:
            return 0
        if can_trade(ctx, event, books, features, params) != 1:
            return 0
        most = params[MAX_TRADES].value
        if most > 0:
            head = state[HEAD].i
            if now - state[RING + head].i < HOUR_NS:
                return 0
            state[RING + head].i = now
            state[HEAD].i = 0 if head + 1 == most else head + 1
        state[LAST].i = now
        why = 0 if side < 0 else 1
        write_leg(legs_out[0], perp, side * params[QTY + 1].value, ENTER, side, why)
        if not hedged:
            return 1
        write_leg(legs_out[1], spot, -side * params[QTY].value, ENTER, side, why)
        return 2

    limit = params[EXIT].value
    short = (perp_held if perp_held != 0 else -spot_held) < 0
    if short:
        inside = cmp_products(num, BPS, limit, den) < 0
    else:
        inside = cmp_products(num, BPS, -limit, den) > 0
    if not inside or can_trade(ctx, event, books, features, params) != 1:
        return 0
    state[LAST].i = now
    side, why, n = (1, 2, 0) if short else (-1, 3, 0)
    if perp_held != 0:
        write_leg(legs_out[n], perp, -perp_held, EXIT_ALL, side, why)
        n += 1
    if spot_held != 0:
        write_leg(legs_out[n], spot, -spot_held, EXIT_ALL, side, why)
        n += 1
    return n


def asleep(in_flight: int, positions: Any, state: Any, params: Any, nap: Any) -> int:
    """Bounds of the basis within which step does nothing, and a time before which."""
    if in_flight != 0:
        nap.until = NEVER
        return 1
    nap.until = state[LAST].i + params[COOLDOWN].value
    perp_held = positions[params[PERP].value].qty
    spot_held = positions[params[SPOT].value].qty if params[HEDGED].value != 0 else 0
    if perp_held == 0 and spot_held == 0:
        nap.high = params[THRESHOLD].value / BPS
        nap.low = -nap.high
        if params[MAX_TRADES].value > 0:
            nap.until = max(nap.until, state[RING + state[HEAD].i].i + HOUR_NS)
        return 1
    short = (perp_held if perp_held != 0 else -spot_held) < 0
    nap.low = params[EXIT].value / BPS if short else -BEYOND
    nap.high = BEYOND if short else -params[EXIT].value / BPS
    return 1


class Basis(BasisCapture):
    """basis_capture with this file's kernel."""

    def functions(self, interpreted: bool) -> KernelFunctions:
        """Compile the kernel on first use."""
        return compile_kernel(step, can_trade=can_trade, asleep=asleep, interpreted=interpreted)
