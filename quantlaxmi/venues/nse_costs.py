"""What NSE's dated table says of the costs of a run: components by kind, over its session days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.cost_components import Components
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse import fee_components, nse_table
from quantlaxmi.venues.nse_table import NAME, Market, NseTable

__all__ = ["VENUE", "completes", "components_over", "session_day"]

#: Venue of instruments that the table is about.
VENUE: Final = "nse"
#: The clock of India, ahead of UTC.
INDIA_NS: Final = (5 * 60 + 30) * 60 * 10**9
_DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = date(1970, 1, 1)
_MARKETS: Final[dict[InstrumentKind, Market]] = {
    InstrumentKind.CALL: "option",
    InstrumentKind.PUT: "option",
    InstrumentKind.FUTURE: "future",
}


def session_day(ts_ns: int) -> date:
    """Return the day of a time by the calendar of India.

    Parameters
    ----------
    ts_ns : int
        Nanoseconds since the Unix epoch.

    Examples
    --------
    >>> session_day(1_756_439_400_000_000_000)
    datetime.date(2025, 8, 29)
    """
    return _EPOCH + timedelta(days=(ts_ns + INDIA_NS) // _DAY_NS)


def components_over(
    instrument: Instrument, first_ns: int, last_ns: int, *, table: NseTable | None = None
) -> Components | None:
    """Return what fills of an instrument pay over a period without a change.

    Parameters
    ----------
    instrument : Instrument
    first_ns, last_ns : int
        Times of the data's first and last message.
    table : NseTable, optional
        The package's by default.

    Returns
    -------
    tuple of FeeComponent or None
        None of what the table is not about.

    Raises
    ------
    ConfigError
        A component has no row that covers the first day, or changes within the days; names table,
        component and day.
    """
    market = _MARKETS.get(instrument.kind)
    if instrument.venue != VENUE or market is None:
        return None
    first, last = session_day(first_ns), session_day(last_ns)
    begun = fee_components(market, first, table=table)
    rows = (nse_table() if table is None else table).fees
    for row in sorted(rows, key=lambda one: one.valid_from):
        if row.market != market or not first < row.valid_from <= last:
            continue
        if row.made() not in begun:
            raise ConfigError(
                NAME,
                f"changes for {row.component} of {market} on {row.valid_from}, within the data of "
                f"{first} to {last}; split the segment by day there, or give the components with "
                "--costs",
                "fees",
            )
    return begun


def completes(
    instrument: Instrument,
    model: CostModel,
    period: tuple[int, int],
    components: dict[str, Components],
    minimum: dict[str, FixedPoint],
) -> bool:
    """Add to a model's components and least notionals what a contract of NSE lacks, by kind.

    Parameters
    ----------
    instrument : Instrument
    model : CostModel
    period : tuple of int
        Times of the data's first and last message.
    components, minimum : dict
        By kind; they get what is found.

    Returns
    -------
    bool
        Whether the table is about the instrument. Then it lacks nothing more.

    Raises
    ------
    ConfigError
        As `components_over`.
    """
    if instrument.venue != VENUE or instrument.kind not in _MARKETS:
        return False
    kind = instrument.kind.value
    if not model.covers(instrument) and kind not in components:
        components[kind] = components_over(instrument, *period) or ()
    if model.least_notional(instrument) is None:
        minimum[kind] = FixedPoint(0, 0)  # none is asked for
    return True
