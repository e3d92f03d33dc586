"""Option maths: Black-76 prices, greeks and volatilities, and what a whole chain says.

Nothing is discounted: premiums are compared with a forward, as index options that settle in cash
ask for. The maths use only operations that IEEE 754 rounds one way, so that a result has the same
bits on every machine. What has no value is 0, and its status says why; nothing is not-a-number.
"""

from quantlaxmi.options.calendar_rules import CalendarCheck, calendar_check
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.chain import YEAR_SECONDS, OptionChain
from quantlaxmi.options.chain_history import TOPS, ChainHistory, ChainRows, chain_history
from quantlaxmi.options.fair_variance import DrawnChain, FairVarianceNull
from quantlaxmi.options.moment import ChainLayout, ChainMoment
from quantlaxmi.options.prices import Greeks, Valued, black76, greeks, implied_vol
from quantlaxmi.options.status import OptionStatus
from quantlaxmi.options.surface import Forward, Skew, Surface, atm, forward, skew, surface
from quantlaxmi.options.surface_filters import OptionsSurfaceFilters

__all__ = [
    "TOPS",
    "YEAR_SECONDS",
    "CalendarCheck",
    "CalendarRule",
    "CalendarTerms",
    "ChainHistory",
    "ChainLayout",
    "ChainMoment",
    "ChainRows",
    "DrawnChain",
    "FairVarianceNull",
    "Forward",
    "Greeks",
    "OptionChain",
    "OptionStatus",
    "OptionsSurfaceFilters",
    "Skew",
    "Surface",
    "Valued",
    "atm",
    "black76",
    "calendar_check",
    "chain_history",
    "forward",
    "greeks",
    "implied_vol",
    "skew",
    "surface",
]
