"""Limits of what a strategy takes for a sound surface of options."""

from __future__ import annotations

from typing import Annotated, Final

from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import Bounds, Settings

__all__ = ["Contracts", "OptionsSurfaceFilters", "SignedVol", "SpreadPct", "Volatility"]

#: Decimals of a volatility, and of what is measured in volatilities.
_PLACES: Final = 8
Volatility = Annotated[FixedPoint, Bounds(ge=0, le=10, places=_PLACES)]
SignedVol = Annotated[FixedPoint, Bounds(ge=-100, le=100, places=_PLACES)]
Contracts = Annotated[int, Bounds(ge=0, le=10**12)]
SpreadPct = Annotated[FixedPoint, Bounds(ge=0, le=200, places=_PLACES)]


class OptionsSurfaceFilters(Settings, frozen=True, kw_only=True):
    """What a surface of options has to be like before a strategy trades on it; 0 is off.

    Attributes
    ----------
    min_iv, max_iv : FixedPoint
        Bounds of the volatility at the money of each expiry, a year (0.05 is 5 %).
    skew_threshold : FixedPoint
        Least skew, of the expiry where it is smaller: below 0 where lower strikes are dearer.
    term_structure_slope : FixedPoint
        Largest volatility of the front above that of the back.
    min_open_interest : int
        Contracts, of the option at the money that has least.
    max_bid_ask_spread_pct : FixedPoint
        Widest spread of an option at the money, in per cent of its mid.

    Raises
    ------
    ConfigError
        A value is out of bounds, or ``min_iv`` is above ``max_iv``.

    Examples
    --------
    >>> OptionsSurfaceFilters().max_iv.to_text()
    '0.60'
    """

    min_iv: Volatility = FixedPoint(5, -2)
    max_iv: Volatility = FixedPoint(60, -2)
    skew_threshold: SignedVol = FixedPoint(-80, -2)
    term_structure_slope: SignedVol = FixedPoint(4, -2)
    min_open_interest: Contracts = 500
    max_bid_ask_spread_pct: SpreadPct = FixedPoint(2, 0)

    def check(self) -> None:
        """Refuse bounds that no volatility lies between."""
        if self.max_iv.mantissa and self.min_iv.to_fraction() > self.max_iv.to_fraction():
            raise self.refuse("min_iv", f"expected at most max_iv, {self.max_iv.to_text()}")
