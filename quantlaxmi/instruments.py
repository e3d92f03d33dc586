"""What is traded: symbol, kind, exponents, tick, lot and currency."""

from __future__ import annotations

from typing import Final

import msgspec

from quantlaxmi.schema import InstrumentKind

#: What is traded together: (instrument index, signed quantity mantissa), ascending by instrument.
Bundle = tuple[tuple[int, int], ...]

#: Venues whose derivatives are all settled in the coin they are of.
_COIN_MARGINED: Final = frozenset(
    {"binance-coinm", "binance-delivery", "huobi-dm", "huobi-dm-swap", "bybit-inverse"}
)
#: Others of whose contracts the best known are; venue and the venue's symbol.
_INVERSE: Final = frozenset(
    {
        ("bitmex", "XBTUSD"),
        ("bitmex", "ETHUSD"),
        ("deribit", "BTC-PERPETUAL"),
        ("deribit", "ETH-PERPETUAL"),
        ("bybit", "BTCUSD"),
        ("bybit", "ETHUSD"),
    }
)


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable instrument of a segment.

    Attributes
    ----------
    symbol : str
        Unique within a segment, for example ``"BTCUSDT"`` (spot) or ``"BTCUSDT-PERP"``.
    venue : str
        For example ``"binance"`` or ``"binance-usdm"``.
    venue_symbol : str
        The symbol as the venue writes it.
    kind : InstrumentKind
    price_exponent, qty_exponent : int
        Prices and quantities are integer mantissas at 10**exponent.
    tick, lot : int
        Smallest price and quantity steps as mantissas; 0 where unknown.
    currency : str
        Currency of cash, PnL and (unless a fill says otherwise) fees.
    base : str
        What is bought and sold.
    contract_size : int
        Units of ``base`` in one quantity unit (1 outside futures and options).
    expiry_ns : int or None
    strike : int or None
        Mantissa at ``price_exponent``.
    """

    symbol: str
    venue: str
    venue_symbol: str
    kind: InstrumentKind
    price_exponent: int
    qty_exponent: int
    currency: str
    base: str
    tick: int = 0
    lot: int = 0
    contract_size: int = 1
    expiry_ns: int | None = None
    strike: int | None = None


def inverse_problem(one: Instrument) -> str:
    """Why money of an instrument cannot be computed as a linear contract's; empty where it can.

    An inverse contract is priced in one currency and pays its profit in the coin it is of. The
    ledger's `position * price` is not its money, so it may enter nowhere.
    """
    inverse = one.kind != InstrumentKind.SPOT and (
        one.currency == one.base
        or one.venue in _COIN_MARGINED
        or (one.venue, one.venue_symbol.upper()) in _INVERSE
    )
    if not inverse:
        return ""
    return (
        f"{one.symbol[:60]!r} of {one.venue[:60]} is an inverse (coin-margined) contract, "
        "expected a linear one: its profit is in the coin it is of"
    )
