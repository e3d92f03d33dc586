"""How the engine asks for margin: contracts, expiries and dated rules of its scan."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from math import sqrt
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.daily_volatility import DailyVolatility, latest
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.recent import Recent
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse import nse_table
from quantlaxmi.venues.nse_costs import VENUE, session_day
from quantlaxmi.venues.nse_table import NAME, MarginRow

__all__ = ["ScanTerms", "check_scan_day", "scan_rules", "scan_terms"]

ScanRule = tuple[int, int, float, float, float, float, float, float, bool]
#: By instrument, by expiry, by underlying and day; see `quantlaxmi._ext.scan_setup.set_scan`.
ScanTerms = tuple[
    list[tuple[int, int, int, float, float]], list[tuple[int, int, int, int]], list[ScanRule]
]
_KINDS: Final = {InstrumentKind.CALL: 1, InstrumentKind.PUT: 2, InstrumentKind.FUTURE: 3}
#: By which NSE makes a year's volatility of a day's.
_YEAR_DAYS: Final = 365
_EPOCH: Final = session_day(0).toordinal()
_kept: Final = Recent[ScanTerms](most=4)


def scan_rules(group: int, underlying: str, stated: tuple[DailyVolatility, ...]) -> list[ScanRule]:
    """Return the parameters of an underlying, ascending by the day since the epoch they hold from.

    Parameters
    ----------
    group : int
        Number of the underlying.
    underlying : str
    stated : tuple of DailyVolatility
        Scans are the table's least ones where none of the underlying holds.
    """
    rows = nse_table().margins
    days = {row.valid_from for row in rows}
    days |= {row.valid_from for row in stated if row.underlying == underlying}
    found = []
    for day in sorted(days):
        before = [row for row in rows if row.valid_from <= day]
        if before:
            found.append(_rule(group, day, before[-1], latest(stated, underlying, day)))
    return found


def _rule(group: int, day: date, row: MarginRow, stated: DailyVolatility | None) -> ScanRule:
    daily = 0.0 if stated is None else float(stated.value.to_fraction())
    scan = row.deviations * sqrt(2.0) * daily
    volatility = _share(row.volatility_percent) * sqrt(_YEAR_DAYS) * daily
    return (
        group,
        day.toordinal() - _EPOCH,
        max(_share(row.price_scan_percent), scan),
        max(_share(row.far_price_scan_percent), scan),
        max(_share(row.volatility_points), volatility),
        _share(row.calendar_percent),
        _share(row.exposure_percent),
        _share(row.expiring_percent),
        row.apart_on_expiry,
    )


def _share(percent: FixedPoint) -> float:
    return float(percent.to_fraction() / 100)


def check_scan_day(instruments: Sequence[Instrument], limits: RiskLimits, first_ns: int) -> None:
    """Refuse data that begin before the tables of a margin do.

    Parameters
    ----------
    instruments : sequence of Instrument
    limits : RiskLimits
        Its daily volatilities are of underlyings that are here.
    first_ns : int
        Time of the first message.

    Raises
    ------
    ConfigError
    """
    day, first = session_day(first_ns), nse_table().margins[0].valid_from
    if day < first:
        raise ConfigError(NAME, f"has no row on {day}, the first begins {first}", "margins")
    here = {one.base for one in instruments}
    for underlying in dict.fromkeys(row.underlying for row in limits.daily_volatility):
        if underlying not in here:
            problem = f"has rows of {underlying}, which is not traded here"
            raise ConfigError("risk", problem, "daily_volatility")
        if latest(limits.daily_volatility, underlying, day) is None:
            own = [r.valid_from for r in limits.daily_volatility if r.underlying == underlying]
            problem = f"has no row of {underlying} on {day}, the first begins {own[0]}"
            raise ConfigError("risk", problem, "daily_volatility")


def scan_terms(
    instruments: tuple[Instrument, ...],
    scales: Sequence[int],
    stated: tuple[DailyVolatility, ...] = (),
) -> ScanTerms:
    """Return what a kernel scans margin with.

    Parameters
    ----------
    instruments : tuple of Instrument
    scales : sequence of int
        By instrument, ledger units of one price times quantity.
    stated : tuple of DailyVolatility

    Raises
    ------
    ConfigError
        One is no contract of NSE, or has no expiry or strike.
    """
    key = (tuple(scales), stated)
    return _kept.get((instruments,), key, lambda: _made(instruments, scales, stated))


def _made(
    instruments: tuple[Instrument, ...], scales: Sequence[int], stated: tuple[DailyVolatility, ...]
) -> ScanTerms:
    margined = [one for one in instruments if one.kind != InstrumentKind.INDEX]
    for one in margined:
        lacks = one.expiry_ns is None or (one.kind != InstrumentKind.FUTURE and one.strike is None)
        if one.kind not in _KINDS or one.venue != VENUE or lacks:
            raise ConfigError("risk", f"is of contracts of NSE, and {one.symbol} is none", "margin")
    underlyings = list(dict.fromkeys(one.base for one in margined))
    keys = sorted({(underlyings.index(one.base), one.expiry_ns or 0) for one in margined})
    place = {key: k for k, key in enumerate(keys)}
    puts = {
        (one.base, one.expiry_ns, one.strike): i
        for i, one in enumerate(instruments)
        if one.kind == InstrumentKind.PUT
    }
    contracts = []
    for one, scale in zip(instruments, scales, strict=True):
        if one.kind == InstrumentKind.INDEX:
            contracts.append((0, 0, -1, 0.0, 0.0))
            continue
        put = -1
        if one.kind == InstrumentKind.CALL:
            put = puts.get((one.base, one.expiry_ns, one.strike), -1)
        expiry = place[underlyings.index(one.base), one.expiry_ns or 0]
        contracts.append((_KINDS[one.kind], expiry, put, float(one.strike or 0), float(scale)))
    months = nse_table().margins[-1].far_months
    expiries = [
        (group, ends, ends_on.toordinal() - _EPOCH, _before(ends_on, months).toordinal() - _EPOCH)
        for group, ends in keys
        for ends_on in [session_day(ends)]
    ]
    rules = [
        rule for group, one in enumerate(underlyings) for rule in scan_rules(group, one, stated)
    ]
    return contracts, expiries, rules


def _before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
