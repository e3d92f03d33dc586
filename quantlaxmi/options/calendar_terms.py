"""Rules of a calendar of straddles, and their limits on one day."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["CalendarRule", "CalendarTerms"]


class CalendarRule(enum.IntFlag):
    """Rules in their order; a bit is set where its rule forbids to enter.

    Attributes
    ----------
    SESSION
        The time lies too near to the open or to the close.
    AGE
        The exchange's time is too old, or lies in the future.
    QUOTED
        Front or back is missing, or its straddle has no quotes or no volatility.
    FRONT_SPREAD, BACK_SPREAD
        The straddle's spread, in bps of its forward, is too wide.
    LEG_SPREAD
        One of the four options has too wide a spread for its price.
    OPEN_INTEREST
        One of them has too little.
    IV_RANGE
        A volatility is out of its bounds.
    CALENDAR_GAP
        Total variance does not grow from front to back.
    TERM_SLOPE
        The front's volatility is too far above the back's.
    SKEW
        Lower strikes are too dear, or the skew has no value.
    HEDGE_ERROR
        Whole lots are too far from the hedge ratio.
    SIZE
        A touch shows less than the leg would take.
    GAP_FLOOR
        The gap is below its floor.
    GAP_FRICTION
        The gap is too small for what a round trip costs.
    COOLDOWN
        The last position was closed a short while ago.
    MARGIN
        There is no margin for it.
    """

    SESSION = 1 << 0
    AGE = 1 << 1
    QUOTED = 1 << 2
    FRONT_SPREAD = 1 << 3
    BACK_SPREAD = 1 << 4
    LEG_SPREAD = 1 << 5
    OPEN_INTEREST = 1 << 6
    IV_RANGE = 1 << 7
    CALENDAR_GAP = 1 << 8
    TERM_SLOPE = 1 << 9
    SKEW = 1 << 10
    HEDGE_ERROR = 1 << 11
    SIZE = 1 << 12
    GAP_FLOOR = 1 << 13
    GAP_FRICTION = 1 << 14
    COOLDOWN = 1 << 15
    MARGIN = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTerms:
    """Limits of the rules on one day, as the numbers that are compared; a limit of 0 is off.

    Attributes
    ----------
    opens_ns, closes_ns : int
        First and last moment of the day to enter at.
    min_front_ns, min_gap_ns : int
        Least time to the front's end, and from there to the back's.
    max_age_ns, max_ahead_ns : int
        Oldest exchange time, and how far it may lie after the time of the moment.
    max_front_spread_bps, max_back_spread_bps : float
        Of the straddle, in bps of the forward.
    max_bid_ask_spread_pct : float
        Of each option, in per cent of its mid.
    min_open_interest : int
        Contracts.
    min_iv, max_iv, term_structure_slope, skew_threshold : float
    min_premium_gap, gap_friction_multiple : float
        Floor of the gap in the currency, and in units of friction.
    credit : bool
        The gap counts with its sign turned: the front has to be the dearer one.
    front_lots : int
    max_hedge_error : float
    fee_flat : float
        Fees of one executed order, whatever its value, in the currency.
    fee_share : float
        Fees of a purchase and a sale together, as a share of the value of one of them.
    """

    opens_ns: int
    closes_ns: int
    min_front_ns: int
    min_gap_ns: int
    max_age_ns: int
    max_ahead_ns: int
    max_front_spread_bps: float
    max_back_spread_bps: float
    max_bid_ask_spread_pct: float
    min_open_interest: int
    min_iv: float
    max_iv: float
    term_structure_slope: float
    skew_threshold: float
    min_premium_gap: float
    gap_friction_multiple: float
    credit: bool
    front_lots: int
    max_hedge_error: float
    fee_flat: float
    fee_share: float
