"""One table of a mapping of bars: its instrument, columns, times and assumptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from quantlaxmi.importers.bars.text_form import EXACT, Numbers
from quantlaxmi.instruments import Instrument

__all__ = ["LegMapping", "TimeColumn"]


@dataclass(frozen=True)
class TimeColumn:
    """Form of the time stamps.

    Attributes
    ----------
    column : str
    unit : str
        ``"text"`` (ISO 8601), a key of `UNITS`, or a pattern of ``strptime`` with a ``%``.
    zone : ZoneInfo
        Of stamps that name no offset.
    at_close : bool
        The stamp is the bar's end; else its beginning.
    day_ns : int
        Beginning of the day whose milliseconds ``unit = "ms"`` counts; 0: of 1970.
    """

    column: str
    unit: str = "text"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    at_close: bool = False
    day_ns: int = 0


@dataclass(frozen=True)
class LegMapping:
    """One instrument's bars.

    Attributes
    ----------
    instrument : Instrument
    input : int
        Which of the given files, from 0.
    time : TimeColumn
    columns : dict of str to str
        ``open`` and ``close``, and where named ``high``, ``low``, ``volume``, ``close_time`` and
        ``symbol_column``, to the file's columns.
    half_spread_bps : Fraction
        Assumed distance of bid and ask from the price.
    share : Fraction
        Share of the volume displayed, where there is a volume column.
    size : Fraction
        Displayed size, where there is none.
    is_premium : bool
        They are bars of the instrument's premium index: ratios of either sign, not prices.
    numbers : Numbers
    shift : int
        Prices are written in units of ten to its power.
    scaled : bool
        The mapping says so.
    name : str
        Of its table, where it is not that of its kind.
    """

    instrument: Instrument
    input: int
    time: TimeColumn
    columns: dict[str, str]
    half_spread_bps: Fraction
    share: Fraction
    size: Fraction
    is_premium: bool = False
    numbers: Numbers = EXACT
    shift: int = 0
    scaled: bool = False
    name: str = ""

    @cached_property
    def price_digits(self) -> int:
        """Power of ten at which the text of a price is its mantissa."""
        return self.instrument.price_exponent - self.shift

    @property
    def key(self) -> str:
        """Name of its table in the mapping."""
        return "premium" if self.is_premium else self.name or self.instrument.kind.value

    @property
    def fixed_size(self) -> int:
        """``size`` at the quantity exponent, rounded down."""
        return int(self.size * 10**-self.instrument.qty_exponent)
