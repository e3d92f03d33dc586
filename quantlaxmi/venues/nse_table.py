"""The table of NSE's terms as it is written: its rows, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.fee_components import (
    Amount,
    Base,
    FeeComponent,
    FeeSide,
    Percent,
    Rounding,
)
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import Bounds, Chars, Items, Place, Reads, Settings, read_settings
from quantlaxmi.settings.days import Day
from quantlaxmi.venues.tables import MAX_ROWS

__all__ = [
    "NAME",
    "FeeRow",
    "LotRow",
    "MarginRow",
    "Market",
    "NseTable",
    "SessionRow",
    "TickRow",
    "load_nse",
]

Market = Literal["option", "future"]
_CLOCK: Final = "a time of day such as 09:15"


def _clock(value: Any, at: Place) -> time:
    found = value
    if isinstance(value, str):
        try:
            found = time.fromisoformat(value)
        except ValueError:
            raise at.was(value, _CLOCK) from None
    if not isinstance(found, time) or found.tzinfo is not None or found.microsecond:
        raise at.was(value, _CLOCK)
    return found


Clock = Annotated[time, Reads(_clock, _CLOCK)]
Text = Annotated[str, Chars(least=1)]


class LotRow(Settings, frozen=True, kw_only=True):
    """Lot of the contracts of an underlying whose expiry and day of trading lie within bounds.

    Attributes
    ----------
    underlying : str
    lot : int
        Units of the index in a contract.
    expiry_from, expiry_to : date or None
        First and last expiry, both included; None for no bound.
    valid_from, valid_to : date or None
        First and last day of trading, both included; without a last one it is still in force.
    source : str
    """

    underlying: Text
    lot: Annotated[int, Bounds(ge=1, le=10**6)]
    expiry_from: Day | None = None
    expiry_to: Day | None = None
    valid_from: Day
    valid_to: Day | None = None
    source: Text

    def covers(self, expiry: date, day: date) -> bool:
        """Whether it is of contracts with that expiry, on that day."""
        return (
            (self.expiry_from or date.min) <= expiry <= (self.expiry_to or date.max)
            and self.valid_from <= day <= (self.valid_to or date.max)
        )  # fmt: skip

    def overlaps(self, other: LotRow) -> bool:
        """Whether a contract could have both lots."""
        return (
            max(self.valid_from, other.valid_from)
            <= min(self.valid_to or date.max, other.valid_to or date.max)
            and max(self.expiry_from or date.min, other.expiry_from or date.min)
            <= min(self.expiry_to or date.max, other.expiry_to or date.max)
        )  # fmt: skip


class TickRow(Settings, frozen=True, kw_only=True):
    """Smallest step of a price, from a day on.

    Attributes
    ----------
    market : {"option", "future"}
    tick : FixedPoint
        Rupees.
    valid_from : date
    source : str
    """

    market: Market
    tick: Annotated[FixedPoint, Bounds(gt=0, le=1000, places=4)]
    valid_from: Day
    source: Text


class SessionRow(Settings, frozen=True, kw_only=True):
    """Hours of trading, by the clock of India, from a day on, or of special days alone.

    Attributes
    ----------
    market : {"option", "future"}
    valid_from : date
    valid_to : date or None
        Last of the days that have hours of their own; without it the hours of all days from the
        first on.
    opens, closes : time
    expires : time
        When contracts that expire on the day stop.
    pre_opens, pre_closes : time or None
        The call auction before, where there is one.
    unconfirmed : bool
        Whether some of it is not on record and assumed.
    source : str
    """

    market: Market
    valid_from: Day
    valid_to: Day | None = None
    opens: Clock
    closes: Clock
    expires: Clock
    pre_opens: Clock | None = None
    pre_closes: Clock | None = None
    unconfirmed: bool = False
    source: Text

    def check(self) -> None:
        """Refuse hours and days that are not in order."""
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise self.refuse("valid_to", f"expected {self.valid_from} or later")
        if not self.opens < self.expires <= self.closes:
            raise self.refuse("closes", "expected opens < expires <= closes")
        if (self.pre_opens is None) != (self.pre_closes is None):
            raise self.refuse("pre_closes", "expected both ends of the auction or neither")
        start, end = self.pre_opens or time.min, self.pre_closes or time.min
        if self.pre_opens is not None and not start < end <= self.opens:
            raise self.refuse("pre_closes", "expected pre_opens < pre_closes <= opens")


class FeeRow(Settings, frozen=True, kw_only=True):
    """One component of fees, from a day on; see `FeeComponent` for what its fields mean.

    Attributes
    ----------
    component : str
    market : {"option", "future"}
    base, side, percent, amount, taxed, rounding
    valid_from : date
    source : str
    """

    component: Annotated[str, Chars(least=1, most=40)]
    market: Market
    base: Base
    side: FeeSide
    percent: Percent | None = None
    amount: Amount | None = None
    taxed: bool = False
    rounding: Rounding = "none"
    valid_from: Day
    source: Text

    def check(self) -> None:
        """Refuse what is no component."""
        self.made()

    def made(self) -> FeeComponent:
        """Return the component."""
        return FeeComponent(
            name=self.component,
            base=self.base,
            side=self.side,
            percent=self.percent,
            amount=self.amount,
            taxed=self.taxed,
            rounding=self.rounding,
        )


class MarginRow(Settings, frozen=True, kw_only=True):
    """Parameters of a margin by scan, from a day on.

    Attributes
    ----------
    deviations : int
        The price scan is so many daily deviations of the underlying, times the root of two.
    price_scan_percent, far_price_scan_percent : FixedPoint
        At least; the second of options with more than ``far_months`` left. The largest move of the
        forward but for the extreme ones, which are twice as far.
    far_months : int
    volatility_percent : FixedPoint
        Of the underlying's volatility of a year, by which volatility is raised and lowered.
    volatility_points : FixedPoint
        At least, points of a hundredth a year.
    calendar_percent : FixedPoint
        Of the far contract, on deltas of expiries that stand against each other.
    exposure_percent, expiring_percent : FixedPoint
        Of the notional that is sold; the second more on the day of expiry.
    apart_on_expiry : bool
        Whether what expires today has no benefit of what does not.
    valid_from : date
    source : str
    """

    deviations: Annotated[int, Bounds(ge=1, le=100)]
    price_scan_percent: Percent
    far_months: Annotated[int, Bounds(ge=1, le=120)]
    far_price_scan_percent: Percent
    volatility_percent: Percent
    volatility_points: Percent
    calendar_percent: Percent
    exposure_percent: Percent
    expiring_percent: Percent
    apart_on_expiry: bool
    valid_from: Day
    source: Text

    def check(self) -> None:
        """Refuse moves that leave no price."""
        for name in ("price_scan_percent", "far_price_scan_percent"):
            if getattr(self, name).to_fraction() >= 50:
                raise self.refuse(name, "expected below 50: twice of it is a move")


class NseTable(Settings, frozen=True, kw_only=True):
    """The table as it is written; ``format`` is 1.

    Attributes
    ----------
    table, format
    lots, ticks, sessions, fees, margins : tuple
        Rows of one key ascend by ``valid_from``; lots do not overlap.
    """

    file_kind: ClassVar[str] = "a table of NSE's terms"

    table: Literal["nse"]
    format: Annotated[int, Bounds(ge=1, le=1)]
    lots: Annotated[tuple[LotRow, ...], Items(most=MAX_ROWS)] = ()
    ticks: Annotated[tuple[TickRow, ...], Items(most=MAX_ROWS)] = ()
    sessions: Annotated[tuple[SessionRow, ...], Items(most=MAX_ROWS)] = ()
    fees: Annotated[tuple[FeeRow, ...], Items(most=MAX_ROWS)] = ()
    margins: Annotated[tuple[MarginRow, ...], Items(most=MAX_ROWS)] = ()


NAME: Final = "venues/nse.toml"


def load_nse(path: str | Path, name: str | None = None) -> NseTable:
    """Read and check a table.

    Parameters
    ----------
    path : str or Path
    name : str, optional
        What errors call it; the path without.

    Raises
    ------
    ConfigError
        Names the table, the row and the value.
    """
    called = str(path) if name is None else name
    table = NseTable.from_mapping(read_settings(path, NseTable.file_kind), called)
    by_date: tuple[tuple[str, Sequence[Any], Callable[[Any], Any]], ...] = (
        ("ticks", table.ticks, lambda r: r.market),
        ("sessions", table.sessions, lambda r: r.market),
        ("fees", table.fees, lambda r: (r.market, r.component, r.side)),
        ("margins", table.margins, lambda r: ""),
    )
    for section, rows, key in by_date:
        last: dict[Any, date] = {}
        for k, row in enumerate(rows):
            before = last.get(key(row))
            if before is not None and before >= row.valid_from:
                problem = f"was {row.valid_from}, expected after {before}, the row before it"
                raise ConfigError(called, problem, f"{section}[{k}].valid_from")
            last[key(row)] = row.valid_from
    for k, lots in enumerate(table.lots):
        for other in table.lots[:k]:
            if other.underlying == lots.underlying and other.overlaps(lots):
                problem = f"{lots.underlying} from {lots.valid_from} overlaps an earlier row"
                raise ConfigError(called, problem, f"lots[{k}]")
    return table
