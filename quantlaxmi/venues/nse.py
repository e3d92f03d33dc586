"""Dated terms of index options and futures at NSE: lots, ticks, sessions and fees.

The table is ``venues/nse.toml``. A row holds from its ``valid_from`` on, by the calendar of India.
A day that no row covers is an error: what was in force then is not on record here, and a guess
would make money wrong without a word.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import date
from typing import Any

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.fee_components import FeeComponent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.venues.nse_table import (
    NAME,
    FeeRow,
    LotRow,
    Market,
    NseTable,
    SessionRow,
    TickRow,
    load_nse,
)
from quantlaxmi.venues.tables import FOLDER

__all__ = [
    "FeeRow",
    "LotRow",
    "NseTable",
    "SessionRow",
    "TickRow",
    "fee_components",
    "load_nse",
    "lot",
    "nse_table",
    "session_hours",
    "tick",
]


@functools.cache
def nse_table() -> NseTable:
    """Return the table of the package, read once."""
    return load_nse(FOLDER / "nse.toml", NAME)


def lot(underlying: str, expiry: date, day: date, *, table: NseTable | None = None) -> int:
    """Return the units in a contract of an underlying.

    Parameters
    ----------
    underlying : str
        For example ``"NIFTY"``.
    expiry : date
        The contract's, as it stands on the day.
    day : date
        Of trading.
    table : NseTable, optional
        The package's by default.

    Returns
    -------
    int

    Raises
    ------
    ConfigError
        No row covers it; names table, underlying, expiry and day.

    Examples
    --------
    >>> day = date(2025, 1, 6)
    >>> lot("NIFTY", date(2025, 1, 30), day), lot("NIFTY", date(2025, 2, 27), day)
    (25, 75)
    """
    rows = (nse_table() if table is None else table).lots
    known = [row for row in rows if row.underlying == underlying]
    for row in known:
        if row.covers(expiry, day):
            return row.lot
    what = f"has no row for {underlying} expiring {expiry} on {day}"
    if known:
        what += f", the first begins {min(row.valid_from for row in known)}"
    raise ConfigError(NAME, what, "lots")


def tick(market: Market, day: date, *, table: NseTable | None = None) -> FixedPoint:
    """Return the smallest step of a price on a day.

    Parameters
    ----------
    market : {"option", "future"}
    day : date
    table : NseTable, optional
        The package's by default.

    Returns
    -------
    FixedPoint
        Rupees.

    Raises
    ------
    ConfigError
        No row covers the day.

    Examples
    --------
    >>> tick("option", date(2025, 9, 1)).to_text()
    '0.05'
    """
    rows = (nse_table() if table is None else table).ticks
    found: TickRow = _at([r for r in rows if r.market == market], day, "ticks", market)
    return found.tick


def session_hours(market: Market, day: date, *, table: NseTable | None = None) -> SessionRow:
    """Return the hours of trading on a day.

    Parameters
    ----------
    market : {"option", "future"}
    day : date
    table : NseTable, optional
        The package's by default.

    Returns
    -------
    SessionRow

    Raises
    ------
    ConfigError
        No row covers the day.

    Examples
    --------
    >>> session_hours("option", date(2025, 9, 1)).closes.isoformat()
    '15:30:00'
    """
    rows = (nse_table() if table is None else table).sessions
    own = [r for r in rows if r.market == market and day <= (r.valid_to or date.max)]
    found: SessionRow = _at(own, day, "sessions", market)
    return found


def fee_components(
    market: Market, day: date, *, table: NseTable | None = None
) -> tuple[FeeComponent, ...]:
    """Return the components of fees on a day, in the order of the table.

    Parameters
    ----------
    market : {"option", "future"}
    day : date
    table : NseTable, optional

    Returns
    -------
    tuple of FeeComponent
        One for each component and side that the table has.

    Raises
    ------
    ConfigError
        A component has no row that covers the day; names it and its first day.

    Examples
    --------
    >>> [one.name for one in fee_components("future", date(2025, 9, 1))]
    ['brokerage', 'stt', 'exchange', 'ipft', 'sebi', 'stamp', 'gst']
    """
    rows = (nse_table() if table is None else table).fees
    keys = dict.fromkeys((r.component, r.side) for r in rows if r.market == market)
    if not keys:
        raise ConfigError(NAME, f"has no row for {market}", "fees")
    found: list[FeeComponent] = []
    for component, side in keys:
        own = [r for r in rows if (r.market, r.component, r.side) == (market, component, side)]
        row: FeeRow = _at(own, day, "fees", f"{component} of {market}")
        found.append(row.made())
    return tuple(found)


def _at(rows: Sequence[Any], day: date, section: str, asked: str) -> Any:
    """The row in force on a day: the last that begins on or before it."""
    found = None
    for row in rows:
        if row.valid_from <= day:
            found = row
    if found is None:
        first = f", the first begins {rows[0].valid_from}" if rows else ""
        raise ConfigError(NAME, f"has no row for {asked} on {day}{first}", section)
    return found
