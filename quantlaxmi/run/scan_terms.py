"""How the engine asks for margin: contracts, expiries and dated rules of its scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.recent import Recent
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.nse import nse_table
from quantlaxmi.venues.nse_costs import VENUE, session_day
from quantlaxmi.venues.nse_table import NAME

__all__ = ["ScanTerms", "check_scan_day", "scan_rules", "scan_terms"]

ScanRule = tuple[int, float, float, float, float, float, bool]
#: By instrument, by expiry, by day; see `quantlaxmi._ext.scan_setup.set_scan`.
ScanTerms = tuple[
    list[tuple[int, int, int, float, float]], list[tuple[int, int, int]], list[ScanRule]
]
_KINDS: Final = {InstrumentKind.CALL: 1, InstrumentKind.PUT: 2, InstrumentKind.FUTURE: 3}
_kept: Final = Recent[ScanTerms](most=4)


def scan_rules() -> list[ScanRule]:
    """Return the parameters of NSE's table, ascending by the day since the epoch they hold from."""
    epoch = session_day(0).toordinal()

    def share(value: FixedPoint) -> float:
        return float(value.to_fraction() / 100)

    return [
        (
            row.valid_from.toordinal() - epoch,
            share(row.price_scan_percent),
            share(row.volatility_points),
            share(row.calendar_percent),
            share(row.exposure_percent),
            share(row.expiring_percent),
            row.apart_on_expiry,
        )
        for row in nse_table().margins
    ]


def check_scan_day(first_ns: int) -> None:
    """Refuse data that begin before the table of margins does.

    Raises
    ------
    ConfigError
    """
    day, first = session_day(first_ns), nse_table().margins[0].valid_from
    if day < first:
        raise ConfigError(NAME, f"has no row on {day}, the first begins {first}", "margins")


def scan_terms(instruments: tuple[Instrument, ...], scales: Sequence[int]) -> ScanTerms:
    """Return what a kernel scans margin with.

    Parameters
    ----------
    instruments : tuple of Instrument
    scales : sequence of int
        By instrument, ledger units of one price times quantity.

    Raises
    ------
    ConfigError
        One is no contract of NSE, or has no expiry or strike.
    """
    return _kept.get((instruments,), (tuple(scales),), lambda: _made(instruments, scales))


def _made(instruments: tuple[Instrument, ...], scales: Sequence[int]) -> ScanTerms:
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
    epoch = session_day(0).toordinal()
    expiries = [(group, ends, session_day(ends).toordinal() - epoch) for group, ends in keys]
    return contracts, expiries, scan_rules()
