"""The basis_capture rule over kernel records: one source, compiled by Cython and read by Python.

Only 64-bit integers meet here, there is no division, and every product is compared in 128 bits
(Python's own integers when interpreted), so both forms give the same answers. The layout of
``params`` and ``state`` below is what ``basis_capture.bind`` fills in.

Basis = (perp mid - spot mid) / spot mid. With ``num``/``den`` of the feature ``mid_basis`` and a
limit of ``m * 10**-8`` bps:  basis in bps > limit  <=>  num * 10**4 * 10**8 > m * den.
Both sides are products of two int64, so they fit 128 bits whatever the values.
"""

import cython

if cython.compiled:
    from cython.cimports.quantlaxmi._ext._types import (
        book_t,
        ctx_t,
        event_t,
        feature_t,
        fill_notice_t,
        leg_out_t,
        nap_t,
        param_t,
        position_t,
        slot_t,
    )
    from cython.cimports.quantlaxmi._ext.wide import ql_cmp_products

    #: Bytes of each record as compiled in, compared with ``schema`` when the kernel is loaded.
    RECORD_SIZES = {
        "ctx": cython.sizeof(ctx_t),
        "event": cython.sizeof(event_t),
        "book": cython.sizeof(book_t),
        "position": cython.sizeof(position_t),
        "feature": cython.sizeof(feature_t),
        "slot": cython.sizeof(slot_t),
        "param": cython.sizeof(param_t),
        "leg_out": cython.sizeof(leg_out_t),
        "fill_notice": cython.sizeof(fill_notice_t),
        "nap": cython.sizeof(nap_t),
    }
else:
    from quantlaxmi.strategies import views

    book_t, ctx_t, event_t = views.Book, views.Ctx, views.Event
    feature_t, fill_notice_t, leg_out_t = views.Feature, views.FillNotice, views.LegOut
    param_t, position_t, slot_t, nap_t = views.Param, views.Position, views.Slot, views.Nap

    RECORD_SIZES = {}

    def ql_cmp_products(a, b, c, d):
        """Sign of a*b - c*d, exact."""
        x, y = a * b, c * d
        return (x > y) - (x < y)


#: A literal on purpose: it is compiled in, and so tells which ABI this binary was built for.
ABI_VERSION = 5

# params
P_SPOT = cython.declare(cython.longlong, 0)  # instrument index
P_PERP = cython.declare(cython.longlong, 1)
P_THRESHOLD = cython.declare(cython.longlong, 2)  # bps at 10**-8
P_EXIT = cython.declare(cython.longlong, 3)  # bps at 10**-8
P_MAX_AGE = cython.declare(cython.longlong, 4)  # ns
P_COOLDOWN = cython.declare(cython.longlong, 5)  # ns
P_MAX_SPREAD = cython.declare(cython.longlong, 6)  # bps at 10**-8
P_MAX_TRADES = cython.declare(cython.longlong, 7)
P_HEDGED = cython.declare(cython.longlong, 8)
P_SPOT_QTY = cython.declare(cython.longlong, 9)  # each at its instrument's qty exponent
P_PERP_QTY = cython.declare(cython.longlong, 10)
P_SPOT_MIN_BID = cython.declare(cython.longlong, 11)
P_SPOT_MIN_ASK = cython.declare(cython.longlong, 12)
P_PERP_MIN_BID = cython.declare(cython.longlong, 13)
P_PERP_MIN_ASK = cython.declare(cython.longlong, 14)
# state
S_LAST = cython.declare(cython.longlong, 0)  # time of the last decision
S_HEAD = cython.declare(cython.longlong, 1)  # ring slot of the oldest entry
S_RING = cython.declare(cython.longlong, 2)  # first of max_trades_per_hour entry times

NEW_NET = cython.declare(cython.longlong, 5)  # schema.OrderAction
BPS_SCALE = cython.declare(cython.longlong, 1_000_000_000_000)  # 10**4 bps at 10**-8
HOUR_NS = cython.declare(cython.longlong, 3_600_000_000_000)
NEVER = cython.declare(cython.longlong, 9_223_372_036_854_775_807)
# The same as a float, and a ratio that no basis reaches.
BPS_REAL = cython.declare(cython.double, 1e12)
BEYOND = cython.declare(cython.double, 1e300)
# Above it the sum of a bid and an ask may leave int64.
PRICE_LIMIT = cython.declare(cython.longlong, 4_611_686_018_427_387_904)

# Returned for a price of 2**62 units or more.
STATUS_PRICE_RANGE = cython.declare(cython.longlong, -1)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _leg_tradable(
    books: cython.pointer[book_t],
    i: cython.longlong,
    min_bid: cython.longlong,
    min_ask: cython.longlong,
    max_spread: cython.longlong,
    oldest: cython.longlong,
) -> cython.longlong:
    """1 if one leg's quote passes the filters, 0 if not, or a negative status."""
    bid: cython.longlong
    ask: cython.longlong
    if books[i].valid == 0 or books[i].ts_ns < oldest:
        return 0
    if books[i].bid_qty < min_bid or books[i].ask_qty < min_ask:
        return 0
    if max_spread > 0:
        bid = books[i].bid
        ask = books[i].ask
        if ask >= PRICE_LIMIT:
            return STATUS_PRICE_RANGE
        # spread / mid = 2 * (ask - bid) / (bid + ask)
        if ql_cmp_products(ask - bid, 2 * BPS_SCALE, max_spread, bid + ask) > 0:
            return 0
    return 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def can_trade(
    ctx: cython.pointer[ctx_t],
    event: cython.pointer[event_t],
    books: cython.pointer[book_t],
    features: cython.pointer[feature_t],
    params: cython.pointer[param_t],
) -> cython.longlong:
    """1 if the filters that need neither position nor history hold now."""
    spot: cython.longlong = params[P_SPOT].value
    perp: cython.longlong = params[P_PERP].value
    oldest: cython.longlong = 0
    ok: cython.longlong
    if event.instrument != spot and event.instrument != perp:
        return 0
    if features[0].den <= 0:
        return 0
    if params[P_MAX_AGE].value > 0:
        oldest = ctx.now_ns - params[P_MAX_AGE].value
    ok = _leg_tradable(
        books,
        perp,
        params[P_PERP_MIN_BID].value,
        params[P_PERP_MIN_ASK].value,
        params[P_MAX_SPREAD].value,
        oldest,
    )
    if ok != 1:
        return ok
    return _leg_tradable(
        books,
        spot,
        params[P_SPOT_MIN_BID].value,
        params[P_SPOT_MIN_ASK].value,
        params[P_MAX_SPREAD].value,
        oldest,
    )


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _write_leg(
    legs: cython.pointer[leg_out_t],
    i: cython.longlong,
    instrument: cython.longlong,
    signed_qty: cython.longlong,
    decision_type: cython.longlong,
    direction: cython.longlong,
    rationale: cython.longlong,
) -> cython.void:
    """Fill one leg: a market order that changes the position by signed_qty."""
    legs[i].instrument = instrument
    legs[i].side = 1 if signed_qty > 0 else -1
    legs[i].qty = signed_qty if signed_qty > 0 else -signed_qty
    legs[i].order_type = 0
    legs[i].limit_price = 0
    legs[i].action = NEW_NET
    legs[i].decision_type = decision_type
    legs[i].direction = direction
    legs[i].confidence = -1
    legs[i].rationale = rationale
    legs[i].bundle = 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def step(
    ctx: cython.pointer[ctx_t],
    event: cython.pointer[event_t],
    books: cython.pointer[book_t],
    positions: cython.pointer[position_t],
    features: cython.pointer[feature_t],
    state: cython.pointer[slot_t],
    params: cython.pointer[param_t],
    legs_out: cython.pointer[leg_out_t],
) -> cython.longlong:
    """Decide on one quote: the number of legs written, 0 for none, or a negative status."""
    now: cython.longlong = ctx.now_ns
    num: cython.longlong = features[0].num
    den: cython.longlong = features[0].den
    spot: cython.longlong
    perp: cython.longlong
    limit: cython.longlong
    size: cython.longlong
    spot_held: cython.longlong = 0
    perp_held: cython.longlong
    held: cython.longlong
    head: cython.longlong
    ok: cython.longlong
    n: cython.longlong = 0

    if ctx.in_flight != 0 or den <= 0:
        return 0
    if now - state[S_LAST].i < params[P_COOLDOWN].value:
        return 0
    perp = params[P_PERP].value
    spot = params[P_SPOT].value
    perp_held = positions[perp].qty
    if params[P_HEDGED].value != 0:
        spot_held = positions[spot].qty

    if perp_held == 0 and spot_held == 0:
        # The threshold is not below 0, and num + den is a mid, so num has a magnitude.
        size = num if num >= 0 else -num
        if ql_cmp_products(size, BPS_SCALE, params[P_THRESHOLD].value, den) <= 0:
            return 0
        held = -1 if num > 0 else 1  # the side of the perp to take
        ok = can_trade(ctx, event, books, features, params)
        if ok != 1:
            return ok
        if params[P_MAX_TRADES].value > 0:
            head = state[S_HEAD].i
            # The ring's oldest entry is the one max_trades_per_hour entries ago.
            if now - state[S_RING + head].i < HOUR_NS:
                return 0
            state[S_RING + head].i = now
            head = head + 1
            state[S_HEAD].i = 0 if head == params[P_MAX_TRADES].value else head
        state[S_LAST].i = now
        _write_leg(
            legs_out,
            0,
            perp,
            held * params[P_PERP_QTY].value,
            1,
            held,
            0 if held < 0 else 1,
        )
        if params[P_HEDGED].value == 0:
            return 1
        _write_leg(
            legs_out,
            1,
            spot,
            -held * params[P_SPOT_QTY].value,
            1,
            held,
            0 if held < 0 else 1,
        )
        return 2

    limit = params[P_EXIT].value
    # A spot leg left alone belongs to the perp side opposite to it.
    held = perp_held if perp_held != 0 else -spot_held
    if held < 0:
        held = -1
        if ql_cmp_products(num, BPS_SCALE, limit, den) >= 0:
            return 0
    else:
        held = 1
        if ql_cmp_products(num, BPS_SCALE, -limit, den) <= 0:
            return 0
    ok = can_trade(ctx, event, books, features, params)
    if ok != 1:
        return ok
    state[S_LAST].i = now
    if perp_held != 0:
        _write_leg(legs_out, 0, perp, -perp_held, 2, -held, 2 if held < 0 else 3)
        n = 1
    if spot_held != 0:
        _write_leg(legs_out, n, spot, -spot_held, 2, -held, 2 if held < 0 else 3)
        n = n + 1
    return n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def on_fill(
    ctx: cython.pointer[ctx_t],
    notice: cython.pointer[fill_notice_t],
    books: cython.pointer[book_t],
    positions: cython.pointer[position_t],
    state: cython.pointer[slot_t],
    params: cython.pointer[param_t],
) -> cython.longlong:
    """Nothing to keep: what is held is read from the positions."""
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def asleep(
    in_flight: cython.longlong,
    positions: cython.pointer[position_t],
    state: cython.pointer[slot_t],
    params: cython.pointer[param_t],
    nap: cython.pointer[nap_t],
) -> cython.longlong:
    """1: the bounds of the basis within which step does nothing, and a time before which.

    They are the ways out of step that need neither a book nor a position that changes.
    """
    perp_held: cython.longlong = positions[params[P_PERP].value].qty
    spot_held: cython.longlong = 0
    head: cython.longlong
    limit: cython.double = params[P_EXIT].value
    nap[0].low = BEYOND
    nap[0].high = -BEYOND
    nap[0].until = NEVER
    if in_flight != 0:
        return 1
    nap[0].until = state[S_LAST].i + params[P_COOLDOWN].value
    if params[P_HEDGED].value != 0:
        spot_held = positions[params[P_SPOT].value].qty
    if perp_held == 0 and spot_held == 0:
        limit = params[P_THRESHOLD].value
        nap[0].high = limit / BPS_REAL
        nap[0].low = -nap[0].high
        if params[P_MAX_TRADES].value > 0:
            head = state[S_HEAD].i
            if state[S_RING + head].i + HOUR_NS > nap[0].until:
                nap[0].until = state[S_RING + head].i + HOUR_NS
        return 1
    # A short perp leaves when the basis falls below the limit, a long one above minus the limit.
    if perp_held < 0 or (perp_held == 0 and spot_held > 0):
        nap[0].low = limit / BPS_REAL
        nap[0].high = BEYOND
    else:
        nap[0].low = -BEYOND
        nap[0].high = -limit / BPS_REAL
    return 1


def functions():
    """Return step, on_fill, can_trade and asleep: C addresses when compiled, else callables."""
    if cython.compiled:
        return (
            cython.cast(cython.size_t, cython.cast(cython.p_void, step)),
            cython.cast(cython.size_t, cython.cast(cython.p_void, on_fill)),
            cython.cast(cython.size_t, cython.cast(cython.p_void, can_trade)),
            cython.cast(cython.size_t, cython.cast(cython.p_void, asleep)),
        )
    else:  # noqa: RET505  (pruned when compiled; after a return it would be unreachable code)
        return (step, on_fill, can_trade, asleep)
