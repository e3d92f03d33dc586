"""The seventeen rules of a calendar of straddles, all evaluated at one moment of a chain.

A calendar sells the straddle at the money of a near expiry (the front) and buys that of a later one
(the back). The gap is ``h * back - front``, what it costs a unit of the front where vegas cancel.
Floats are computed in one fixed order from integers, so that the same quotes give the same bits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.moment import ChainMoment
from quantlaxmi.options.status import OptionStatus
from quantlaxmi.options.surface import atm, forward, skew

__all__ = ["CalendarCheck", "calendar_check", "front_and_back"]

_SECOND_NS: Final = 10**9
_LEAST_HEDGE, _MOST_HEDGE = 0.5, 2.0
_FRONT, _BACK = 0, 1
#: Units that no real leg has.
_MOST_LOTS: Final = 1e12
_NONE: Final = CalendarRule(0)


class CalendarCheck(NamedTuple):
    """What the rules say at one moment, and the figures they say it from; 0 where there is none.

    Attributes
    ----------
    blocked : CalendarRule
        Rules that forbid to enter; 0 where all hold.
    front, back : int
        Expiries of the moment; -1 where there is none.
    front_row, back_row : int
        Rows of the chain at the money; -1 where there is none.
    front_forward, back_forward : float
        In the currency, as the next six.
    front_straddle, back_straddle : float
        Mids.
    front_spread, back_spread : float
        Of the straddles.
    front_iv, back_iv : float
        Mean volatility of call and put at the money.
    hedge : float
        Units of the back for one of the front: the ratio of the vegas, from 0.5 to 2.
    gap : float
        ``hedge * back_straddle - front_straddle``.
    calendar_gap : float
        Total variance of the back less that of the front.
    slope : float
        ``front_iv - back_iv``.
    skew : float
        The smaller one of front and back.
    friction : float
        What a round trip costs a unit of the front: both spreads, and fees of eight orders.
    back_lots : int
        For ``front_lots`` of the front.
    hedge_error : float
        How far whole lots are from the hedge ratio, as a share of it.
    leg_spread_pct : float
        The widest one.
    open_interest : int
        The least one, contracts.
    size : float
        The smallest touch, as a share of what its leg would take.
    age_ns : int
        Of the exchange's time.
    front_expiry_ns, back_expiry_ns : int
        Ends of the two expiries; 0 where there is none.
    """

    blocked: CalendarRule
    front: int = -1
    back: int = -1
    front_row: int = -1
    back_row: int = -1
    front_forward: float = 0.0
    back_forward: float = 0.0
    front_straddle: float = 0.0
    back_straddle: float = 0.0
    front_spread: float = 0.0
    back_spread: float = 0.0
    front_iv: float = 0.0
    back_iv: float = 0.0
    hedge: float = 0.0
    gap: float = 0.0
    calendar_gap: float = 0.0
    slope: float = 0.0
    skew: float = 0.0
    friction: float = 0.0
    back_lots: int = 0
    hedge_error: float = 0.0
    leg_spread_pct: float = 0.0
    open_interest: int = 0
    size: float = 0.0
    age_ns: int = 0
    front_expiry_ns: int = 0
    back_expiry_ns: int = 0


def front_and_back(moment: ChainMoment, terms: CalendarTerms) -> tuple[int, int]:
    """Return the expiries to sell and to buy, counted from 0; -1 where there is none.

    Parameters
    ----------
    moment : ChainMoment
    terms : CalendarTerms

    Returns
    -------
    tuple of int
        The first expiry with ``min_front_ns`` left, and the next one at least ``min_gap_ns`` later.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> moment = SimpleNamespace(ts_ns=0, expiry_ns=np.array([5, 20, 25, 90]))
    >>> front_and_back(moment, SimpleNamespace(min_front_ns=10, min_gap_ns=60))
    (1, 3)
    """
    front = -1
    for k, end in enumerate(moment.expiry_ns.tolist()):
        if front < 0 and end - moment.ts_ns >= terms.min_front_ns:
            front = k
        elif front >= 0 and end - moment.expiry_ns[front] >= terms.min_gap_ns:
            return front, k
    return front, -1


def calendar_check(
    moment: ChainMoment, terms: CalendarTerms, held_back: CalendarRule = _NONE
) -> CalendarCheck:
    """Evaluate every rule at a moment, whatever the ones before it say.

    Parameters
    ----------
    moment : ChainMoment
    terms : CalendarTerms
    held_back : CalendarRule
        What the run adds: ``COOLDOWN``, ``MARGIN``.

    Returns
    -------
    CalendarCheck
        Rules that need quotes are set only where there are quotes.

    Examples
    --------
    >>> CalendarRule.GAP_FLOOR in CalendarRule(0)
    False
    """
    blocked = held_back
    age = moment.ts_ns - moment.exch_ts_ns
    if not terms.opens_ns <= moment.ts_ns <= terms.closes_ns:
        blocked |= CalendarRule.SESSION
    if (terms.max_age_ns and age > terms.max_age_ns) or age < -terms.max_ahead_ns:
        blocked |= CalendarRule.AGE
    front, back = front_and_back(moment, terms)
    ends = tuple(int(moment.expiry_ns[k]) if k >= 0 else 0 for k in (front, back))
    none = CalendarCheck(
        blocked | CalendarRule.QUOTED,
        front,
        back,
        age_ns=age,
        front_expiry_ns=ends[_FRONT],
        back_expiry_ns=ends[_BACK],
    )
    if back < 0:
        return none
    pair = moment.chain.subset(front, back)
    forwards = forward(pair)
    rows = atm(pair, forwards.value)
    figures, status = np.empty((5, 2)), np.empty(2, np.int8)
    pair._kernel.at_money(forwards.value, rows, figures, status)
    if (status != OptionStatus.OK).any():
        return none
    skews = skew(pair, forwards.value)
    first, length = moment.chain.start, int(pair.start[_BACK])
    smile = min(skews.value.tolist()) if (skews.status == OptionStatus.OK).all() else None
    found = _figures(figures, pair.years.tolist(), forwards.value.tolist())
    found = found._replace(
        blocked=blocked,
        front=front,
        back=back,
        front_row=int(first[front] + rows[_FRONT]),
        back_row=int(first[back] + rows[_BACK] - length),
        skew=0.0 if smile is None else smile,
        age_ns=age,
        front_expiry_ns=ends[_FRONT],
        back_expiry_ns=ends[_BACK],
    )
    found = _legs(found, moment, terms)
    return found._replace(blocked=blocked | _limits(found, terms, smile is not None))


def _figures(figures: np.ndarray, years: list[float], forwards: list[float]) -> CalendarCheck:
    """What the two straddles say; volatilities of call and put, vega, mid and spread are given."""
    call, put, vega, straddle, spread = figures.tolist()
    front_iv = (call[_FRONT] + put[_FRONT]) * 0.5
    back_iv = (call[_BACK] + put[_BACK]) * 0.5
    hedge = vega[_FRONT] / vega[_BACK] if vega[_BACK] > 0 else _MOST_HEDGE
    hedge = min(max(hedge, _LEAST_HEDGE), _MOST_HEDGE)
    return CalendarCheck(
        _NONE,
        front_forward=forwards[_FRONT],
        back_forward=forwards[_BACK],
        front_straddle=straddle[_FRONT],
        back_straddle=straddle[_BACK],
        front_spread=spread[_FRONT],
        back_spread=spread[_BACK],
        front_iv=front_iv,
        back_iv=back_iv,
        hedge=hedge,
        gap=hedge * straddle[_BACK] - straddle[_FRONT],
        calendar_gap=back_iv * back_iv * years[_BACK] - front_iv * front_iv * years[_FRONT],
        slope=front_iv - back_iv,
    )


def _legs(found: CalendarCheck, moment: ChainMoment, terms: CalendarTerms) -> CalendarCheck:
    """Add lots, friction, and what the touches of the four legs show."""
    lots = moment.lot[found.front], moment.lot[found.back]
    front_units, back_lot = float(terms.front_lots * int(lots[_FRONT])), float(lots[_BACK])
    wanted = found.hedge * front_units
    # round() of a float is half to even.
    back_lots = max(1, round(min(wanted / back_lot, _MOST_LOTS)))
    back_units = back_lots * back_lot
    premium = found.front_straddle + found.hedge * found.back_straddle
    fees = (8.0 * terms.fee_flat + terms.fee_share * (front_units * premium)) / front_units
    spreads = found.front_spread + found.hedge * found.back_spread
    widest, interest, size = 0.0, -1, -1.0
    for row, lot, units, selling in (
        (found.front_row, int(lots[_FRONT]), front_units, True),
        (found.back_row, int(lots[_BACK]), back_units, False),
    ):
        for side in (moment.call, moment.put):
            bid, ask = int(side.bid[row]), int(side.ask[row])
            widest = max(widest, 200.0 * float(ask - bid) / float(bid + ask))
            own = int(side.oi[row]) // lot
            interest = own if interest < 0 else min(interest, own)
            touch = float(side.bid_qty[row] if selling else side.ask_qty[row]) / units
            size = touch if size < 0 else min(size, touch)
    return found._replace(
        friction=spreads + fees,
        back_lots=back_lots,
        hedge_error=abs(back_units / wanted - 1.0),
        leg_spread_pct=widest,
        open_interest=interest,
        size=size,
    )


def _limits(found: CalendarCheck, terms: CalendarTerms, smiles: bool) -> CalendarRule:
    """Rules that the figures do not meet."""
    low, high = min(found.front_iv, found.back_iv), max(found.front_iv, found.back_iv)
    gap = -found.gap if terms.credit else found.gap
    front_bps = found.front_spread / found.front_forward * 1e4
    back_bps = found.back_spread / found.back_forward * 1e4
    skewed = not smiles or found.skew < terms.skew_threshold
    fails = (
        (CalendarRule.FRONT_SPREAD, 0 < terms.max_front_spread_bps < front_bps),
        (CalendarRule.BACK_SPREAD, 0 < terms.max_back_spread_bps < back_bps),
        (CalendarRule.LEG_SPREAD, 0 < terms.max_bid_ask_spread_pct < found.leg_spread_pct),
        (CalendarRule.OPEN_INTEREST, found.open_interest < terms.min_open_interest),
        (CalendarRule.IV_RANGE, low < terms.min_iv or 0 < terms.max_iv < high),
        (CalendarRule.CALENDAR_GAP, found.calendar_gap <= 0),
        (
            CalendarRule.TERM_SLOPE,
            terms.term_structure_slope != 0 and found.slope > terms.term_structure_slope,
        ),
        (CalendarRule.SKEW, terms.skew_threshold != 0 and skewed),
        (CalendarRule.HEDGE_ERROR, 0 < terms.max_hedge_error < found.hedge_error),
        (CalendarRule.SIZE, found.size < 1),
        (CalendarRule.GAP_FLOOR, gap < terms.min_premium_gap),
        (
            CalendarRule.GAP_FRICTION,
            terms.gap_friction_multiple > 0 and gap < terms.gap_friction_multiple * found.friction,
        ),
    )
    blocked = _NONE
    for rule, failed in fails:
        if failed:
            blocked |= rule
    return blocked
