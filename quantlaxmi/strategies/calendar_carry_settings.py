"""Settings of calendar_carry, and the numbers they are on one day."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Annotated, Final, Literal

from quantlaxmi.errors import StrategyError
from quantlaxmi.execution.fee_components import fill_fees
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.options.calendar_terms import CalendarTerms
from quantlaxmi.options.surface_filters import (
    Contracts,
    OptionsSurfaceFilters,
    SignedVol,
    SpreadPct,
    Volatility,
)
from quantlaxmi.schema import Side
from quantlaxmi.strategies.config import Bounds, Filter, StrategyConfig
from quantlaxmi.venues import nse

__all__ = ["CalendarCarryConfig", "day_of"]

_IST: Final = timezone(timedelta(hours=5, minutes=30))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_S: Final = 10**9
_DAY_S: Final = 86_400
_FILTERS: Final = OptionsSurfaceFilters()

Bps = Annotated[FixedPoint, Bounds(ge=0, le=1_000_000, places=8)]
Points = Annotated[FixedPoint, Bounds(ge=-1_000_000, le=1_000_000, places=8)]
Multiple = Annotated[FixedPoint, Bounds(ge=0, le=1000, places=8)]
#: A whole lot of a leg for each of another is an error of 1.
HedgeError = Annotated[FixedPoint, Bounds(ge=0, le=1, places=8)]
DaySeconds = Annotated[int, Bounds(ge=0, le=_DAY_S)]
LongSeconds = Annotated[int, Bounds(ge=0, le=800 * _DAY_S)]


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What depends on the underlying."""

    front_bps: int
    back_bps: int
    gap: int


_BY_UNDERLYING: Final = {"NIFTY": _Defaults(35, 35, 12), "BANKNIFTY": _Defaults(55, 80, 25)}


class CalendarCarryConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of calendar_carry; a filter at 0 is off, and so are ``target`` and ``stop``.

    Attributes
    ----------
    underlying : str
        Empty where the segment has options of one underlying only.
    interval_s : int
        Least time from one check to the next.
    min_front_s, min_gap_s : int
        Least time to the front's end, and from there to the back's.
    max_quote_age_s, max_ahead_s : int
        Oldest exchange time, and how far it may lie after the time of collection.
    max_front_spread_bps, max_back_spread_bps : FixedPoint or None
        Widest straddles in bps of their forwards; by default 35 and 35 for NIFTY, 55 and 80 for
        BANKNIFTY.
    min_premium_gap : FixedPoint or None
        Floor of the gap in points; by default 12 for NIFTY, 25 for BANKNIFTY.
    gap_friction_multiple : FixedPoint
        Least gap in units of the friction of a round trip.
    gap_side : {"debit", "credit"}
        ``"debit"`` enters where the back is dearer than the front at the hedge ratio, ``"credit"``
        where it is cheaper: the gap with its sign turned has to reach floor and multiple.
    min_iv, max_iv, skew_threshold, term_structure_slope : FixedPoint
        See `OptionsSurfaceFilters`.
    min_open_interest : int
        The same, contracts.
    max_bid_ask_spread_pct : FixedPoint
        The same.
    front_lots : int
        Of the front's call and of its put.
    max_hedge_error : FixedPoint
        How far whole lots of the back may be from the hedge ratio, as a share of it.
    target, stop : FixedPoint
        Profit and loss at which to leave, in units of the friction at entry.
    max_hold_s : int
        Longest time to hold.
    cooldown_s : int
        Shortest time from an exit to the next entry.
    open_delay_s, close_buffer_s : int
        No entry within so much of the open and of the close; positions are closed there.
    expiry_exit_s : int
        The same before the close of the day on which the front ends; exits only.

    Raises
    ------
    ConfigError
        A value is out of bounds, or two of them do not fit each other.

    Examples
    --------
    >>> config = CalendarCarryConfig(gap_side="credit")
    >>> config.terms("NIFTY", date(2025, 8, 29)).min_premium_gap
    12.0
    """

    underlying: str = ""
    interval_s: DaySeconds = 60
    min_front_s: LongSeconds = 86_400
    min_gap_s: Annotated[int, Bounds(ge=1, le=800 * _DAY_S)] = 432_000
    max_quote_age_s: Annotated[DaySeconds, Filter()] = 120
    max_ahead_s: DaySeconds = 5
    max_front_spread_bps: Annotated[Bps, Filter()] | None = None
    max_back_spread_bps: Annotated[Bps, Filter()] | None = None
    min_premium_gap: Points | None = None
    gap_friction_multiple: Annotated[Multiple, Filter()] = FixedPoint(2, 0)
    gap_side: Literal["debit", "credit"] = "debit"
    min_iv: Annotated[Volatility, Filter()] = _FILTERS.min_iv
    max_iv: Annotated[Volatility, Filter()] = _FILTERS.max_iv
    skew_threshold: Annotated[SignedVol, Filter()] = _FILTERS.skew_threshold
    term_structure_slope: Annotated[SignedVol, Filter()] = _FILTERS.term_structure_slope
    min_open_interest: Annotated[Contracts, Filter()] = _FILTERS.min_open_interest
    max_bid_ask_spread_pct: Annotated[SpreadPct, Filter()] = _FILTERS.max_bid_ask_spread_pct
    front_lots: Annotated[int, Bounds(ge=1, le=10_000)] = 3
    max_hedge_error: Annotated[HedgeError, Filter()] = FixedPoint(15, -2)
    target: Multiple = FixedPoint(1, 0)
    stop: Multiple = FixedPoint(2, 0)
    max_hold_s: Annotated[int, Bounds(ge=1, le=800 * _DAY_S)] = 7_200
    cooldown_s: Annotated[LongSeconds, Filter(limits="rate")] = 300
    open_delay_s: DaySeconds = 900
    close_buffer_s: DaySeconds = 1_800
    expiry_exit_s: DaySeconds = 3_600

    def check(self) -> None:
        """Refuse filters that do not fit each other."""
        _ = self.filters_of_surface

    @property
    def filters_of_surface(self) -> OptionsSurfaceFilters:
        """The filters that look at the surface alone."""
        return OptionsSurfaceFilters(
            min_iv=self.min_iv,
            max_iv=self.max_iv,
            skew_threshold=self.skew_threshold,
            term_structure_slope=self.term_structure_slope,
            min_open_interest=self.min_open_interest,
            max_bid_ask_spread_pct=self.max_bid_ask_spread_pct,
        )

    def terms(self, underlying: str, day: date) -> CalendarTerms:
        """Return the rules' limits on a day, with the session and the fees of the dated tables.

        Parameters
        ----------
        underlying : str
        day : date
            Of trading, by the calendar of India.

        Returns
        -------
        CalendarTerms

        Raises
        ------
        ConfigError
            A table has no row for the day.
        StrategyError
            A setting has no default for the underlying.
        """
        opens, closes = _session(day)
        flat, share = _fees(day)
        least = self._default("min_premium_gap", underlying)
        return CalendarTerms(
            opens_ns=opens + self.open_delay_s * _S,
            closes_ns=closes - self.close_buffer_s * _S,
            min_front_ns=self.min_front_s * _S,
            min_gap_ns=self.min_gap_s * _S,
            max_age_ns=self.max_quote_age_s * _S,
            max_ahead_ns=self.max_ahead_s * _S,
            max_front_spread_bps=self._default("max_front_spread_bps", underlying),
            max_back_spread_bps=self._default("max_back_spread_bps", underlying),
            max_bid_ask_spread_pct=_real(self.max_bid_ask_spread_pct),
            min_open_interest=self.min_open_interest,
            min_iv=_real(self.min_iv),
            max_iv=_real(self.max_iv),
            term_structure_slope=_real(self.term_structure_slope),
            skew_threshold=_real(self.skew_threshold),
            min_premium_gap=least,
            gap_friction_multiple=_real(self.gap_friction_multiple),
            credit=self.gap_side == "credit",
            front_lots=self.front_lots,
            max_hedge_error=_real(self.max_hedge_error),
            fee_flat=flat,
            fee_share=share,
        )

    def _default(self, name: str, underlying: str) -> float:
        """A setting, or what it is by default for the underlying."""
        given: FixedPoint | None = getattr(self, name)
        if given is not None:
            return _real(given)
        known = _BY_UNDERLYING.get(underlying)
        if known is None:
            raise StrategyError(
                f"calendar_carry: {name} has no default for {underlying}, only for "
                f"{' and '.join(_BY_UNDERLYING)}: set it"
            )
        fields = {
            "max_front_spread_bps": known.front_bps,
            "max_back_spread_bps": known.back_bps,
            "min_premium_gap": known.gap,
        }
        return float(fields[name])


def day_of(ts_ns: int) -> date:
    """Return the day of a time, by the calendar of India.

    Parameters
    ----------
    ts_ns : int
        Nanoseconds since the Unix epoch.

    Returns
    -------
    date

    Examples
    --------
    >>> day_of(1756438200 * 10**9).isoformat()
    '2025-08-29'
    """
    return (_EPOCH + timedelta(seconds=ts_ns // _S)).astimezone(_IST).date()


def _real(value: FixedPoint) -> float:
    exact: Fraction = value.to_fraction()
    return exact.numerator / exact.denominator


def _at(day: date, hour: time) -> int:
    return int((datetime.combine(day, hour, _IST) - _EPOCH).total_seconds()) * _S


@functools.cache
def _session(day: date) -> tuple[int, int]:
    """Open and close of a day."""
    hours = nse.session_hours("option", day)
    return _at(day, hours.opens), _at(day, hours.closes)


@functools.cache
def _fees(day: date) -> tuple[float, float]:
    """Fees of an order, whatever its value, and of a purchase and a sale as a share of one."""
    made = nse.fee_components("option", day)
    flat, share = Fraction(0), Fraction(0)
    for side in (Side.BUY, Side.SELL):
        paid = fill_fees(made, side, Fraction(0), first=True)
        flat += sum(paid.values(), Fraction(0)) / 2
        share += sum(fill_fees(made, side, Fraction(1), first=False).values(), Fraction(0))
    return flat.numerator / flat.denominator, share.numerator / share.denominator
