"""Options and futures of NSE as instruments of a segment: symbols, ends and terms."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Literal

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues import nse

__all__ = [
    "IST",
    "PRICE_EXPONENT",
    "TICK",
    "VENUE",
    "contract",
    "contract_id",
    "expires_ns",
    "ns_of",
]

VENUE: Final = "nse"
Side = Literal["FUT", "CE", "PE"]
_KINDS: Final = {
    "FUT": InstrumentKind.FUTURE,
    "CE": InstrumentKind.CALL,
    "PE": InstrumentKind.PUT,
}
#: Prices are paise, quantities units of the index.
PRICE_EXPONENT: Final = -2
TICK: Final = 5
IST: Final = timezone(timedelta(hours=5, minutes=30))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def ns_of(at: datetime) -> int:
    """Return a time with a zone as nanoseconds since the Unix epoch, exact."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


@functools.lru_cache(maxsize=4096)
def expires_ns(expiry: date) -> int:
    """Return the moment at which contracts of an expiry end, by the dated sessions.

    Raises
    ------
    ConfigError
        No session of the dated table covers the day.
    """
    return ns_of(datetime.combine(expiry, nse.session_hours("option", expiry).expires, IST))


def _strike(paise: int) -> str:
    rupees, rest = divmod(paise, 100)
    return f"{rupees}.{rest:02d}".rstrip("0") if rest else str(rupees)


def _named(underlying: str, expiry: date, strike: int, side: Side, mark: str) -> str:
    day = f"{underlying}{mark}{expiry:%Y%m%d}{mark}"
    return f"{day}FUT" if side == "FUT" else f"{day}{_strike(strike)}{mark}{side}"


def contract_id(underlying: str, expiry: date, strike: int, side: Side) -> str:
    """Return what a contract stays when its expiry moves; ``expiry`` is the one first listed."""
    return _named(underlying, expiry, strike, side, ":")


def contract(
    underlying: str,
    expiry: date,
    strike: int,
    side: Side,
    *,
    lot: int,
    venue_symbol: str = "",
    identity: str | None = None,
) -> Instrument:
    """Return the instrument of an option or a future.

    Parameters
    ----------
    underlying : str
    expiry : date
        As it stands on the day.
    strike : int
        Paise; not read for a future.
    side : {"FUT", "CE", "PE"}
    lot : int
        Units of the index in a contract on the day.
    venue_symbol : str
        The exchange's name of it, where the source has one.
    identity : str, optional
        See `contract_id`; only where the expiry moved.

    Raises
    ------
    ConfigError
        No session of the dated table covers the expiry.

    Examples
    --------
    >>> one = contract("NIFTY", date(2025, 9, 2), 2460000, "CE", lot=75)
    >>> one.symbol, one.strike, one.lot
    ('NIFTY-20250902-24600-CE', 2460000, 75)
    """
    symbol = _named(underlying, expiry, strike, side, "-")
    return Instrument(
        symbol=symbol,
        venue=VENUE,
        venue_symbol=venue_symbol or symbol,
        kind=_KINDS[side],
        price_exponent=PRICE_EXPONENT,
        qty_exponent=0,
        currency="INR",
        base=underlying,
        tick=TICK,
        lot=lot,
        expiry_ns=expires_ns(expiry),
        strike=None if side == "FUT" else strike,
        contract_id=identity,
    )
