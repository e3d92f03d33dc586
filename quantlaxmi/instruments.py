"""Instruments: symbol, kind, exponents, tick, lot, contract size and currency."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

import msgspec

from quantlaxmi.counted import counted
from quantlaxmi.errors import shown
from quantlaxmi.schema import InstrumentKind

#: What is traded together: (instrument index, signed quantity mantissa), ascending by instrument.
Bundle = tuple[tuple[int, int], ...]

#: Venues whose derivatives are all settled in the coin they are of.
_COIN_MARGINED: Final = frozenset(
    {"binance-coinm", "binance-delivery", "huobi-dm", "huobi-dm-swap", "bybit-inverse"}
)
#: Venues whose derivatives are counted in contracts, as recorders and libraries name them.
_COUNTS_CONTRACTS: Final = frozenset(
    {
        "okx", "okex", "okx-swap", "okex-swap", "okx-futures", "okex-futures", "okx-options",
        "okex-options", "gate", "gateio", "gate-io", "gate-io-futures", "gateio-futures",
        "huobi-dm-linear-swap", "htx-linear-swap", "htx", "huobi", "kucoin-futures",
        "kucoinfutures", "bitmex", "mexc", "mexc-futures", "phemex", "delta",
        "digifinex", "bitnomial", "cme",
    }
)  # fmt: skip
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


#: Largest mantissa of a contract size, and most decimals.
MAX_CONTRACT_SIZE: Final = 10**18
MAX_CONTRACT_PLACES: Final = 12
#: Most units of the base that a price may be of.
MAX_PRICE_UNITS: Final = 10**9


#: Most symbols that are all shown, and most characters of a symbol that others are compared with.
_ALL_SHOWN: Final = 8
_MAX_ASKED: Final = 128
_NUMBER: Final = re.compile("[0-9]+")


def _zero() -> int:
    return 0


def _one() -> int:
    return 1


def _absent() -> int | None:
    return None


# Canonical JSON names every field that has a factory, and leaves out the last three at their
# defaults: they came later, and what was written before keeps its bytes.
class Instrument(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
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
        Spot, perpetual, option and so on.
    price_exponent, qty_exponent : int
        Prices and quantities are integer mantissas at 10**exponent.
    tick, lot : int
        Smallest price and quantity steps as mantissas; 0 where unknown.
    currency : str
        Currency of cash, PnL and (unless a fill says otherwise) fees.
    base : str
        What is bought and sold.
    contract_size : int
        Units of ``base`` in one quantity unit, a mantissa at ``contract_exponent``: 1 where the
        venue counts coins, 0.01 for a contract of a hundredth.
    expiry_ns : int or None
        Time of expiry, ns since the epoch; None where it does not expire.
    strike : int or None
        Mantissa at ``price_exponent``.
    contract_exponent : int
        From -12 to 0; below 0 the contract size ends in no zero, so that each size is written one
        way.
    price_units : int
        Units of ``base`` that the price is of, a power of ten: 1000 for 1000SHIBUSDT with the base
        SHIB.
    contract_id : str or None
        What the contract stays when its expiry is moved while it is listed:
        ``"NIFTY:20250130:24600:CE"`` has the expiry first listed. None where none was moved.

    Examples
    --------
    >>> spot = Instrument(
    ...     symbol="BTCUSDT", venue="binance", venue_symbol="BTCUSDT", kind=InstrumentKind.SPOT,
    ...     price_exponent=-2, qty_exponent=-5, currency="USDT", base="BTC",
    ... )
    >>> spot.tick, spot.contract_size
    (0, 1)
    """

    symbol: str
    venue: str
    venue_symbol: str
    kind: InstrumentKind
    price_exponent: int
    qty_exponent: int
    currency: str
    base: str
    tick: int = msgspec.field(default_factory=_zero)
    lot: int = msgspec.field(default_factory=_zero)
    contract_size: int = msgspec.field(default_factory=_one)
    expiry_ns: int | None = msgspec.field(default_factory=_absent)
    strike: int | None = msgspec.field(default_factory=_absent)
    contract_exponent: int = 0
    price_units: int = 1
    contract_id: str | None = None

    @property
    def multiplier(self) -> tuple[int, int]:
        """Money of ``price * quantity``: contract size over price units, as mantissa, exponent.

        The exponent is at most 0, and the mantissa ends in no zero where it is below 0.
        """
        if self.contract_exponent == 0 and self.price_units == 1:
            return self.contract_size, 0  # as most are; chains have thousands
        return decimal_parts(self.contract, self.price_units)

    @property
    def product_exponent(self) -> int:
        """Exponent at which ``price * quantity`` mantissas are whole units of money."""
        return self.price_exponent + self.qty_exponent + self.multiplier[1]

    @property
    def unit_price_exponent(self) -> int:
        """Exponent at which price mantissas are prices of one unit of ``base``."""
        return self.price_exponent - (len(str(self.price_units)) - 1)

    @property
    def contract(self) -> Fraction:
        """Units of ``base`` in one quantity unit, exact."""
        return Fraction(self.contract_size) * Fraction(10) ** self.contract_exponent

    @property
    def base_unit(self) -> Fraction:
        """Units of ``base`` in one unit of a quantity's mantissa, exact."""
        return self.contract * Fraction(10) ** self.qty_exponent


def decimal_parts(value: Fraction, over: int = 1) -> tuple[int, int]:
    """``value / over`` as mantissa and exponent: at most 0, no zero at the end below 0.

    Parameters
    ----------
    value : Fraction
        An exact decimal.
    over : int
        A power of ten.
    """
    mantissa, exponent = value / over, 0
    while mantissa.denominator != 1:
        mantissa, exponent = mantissa * 10, exponent - 1
    return mantissa.numerator, exponent


def contract_problem(one: Instrument) -> str:
    """Return the fault of a contract size or of price units; empty where there is none."""
    size, exponent, units = one.contract_size, one.contract_exponent, one.price_units
    if not 0 < size <= MAX_CONTRACT_SIZE:
        return f"contract_size was {shown(size)}, expected above 0 and at most 10**18"
    if not -MAX_CONTRACT_PLACES <= exponent <= 0:
        return f"contract_exponent was {shown(exponent)}, expected from -{MAX_CONTRACT_PLACES} to 0"
    if exponent and size % 10 == 0:
        return f"contract_size was {size} at 10**{exponent}, expected without a zero at its end"
    if not 1 <= units <= MAX_PRICE_UNITS or units != 10 ** (len(str(units)) - 1):
        return f"price_units was {shown(units)}, expected a power of ten up to 10**9"
    return ""


def symbols_text(known: Iterable[str], asked: str = "") -> str:
    """Return symbols for an error's line: all of a few, of many the three nearest to one.

    Parameters
    ----------
    known : iterable of str
    asked : str
        What was looked for; empty for nothing in particular, then the first three are shown.

    Examples
    --------
    >>> symbols_text(["BTCUSDT", "BTCUSDT-PERP"], "ETHUSDT")
    'BTCUSDT, BTCUSDT-PERP'
    >>> symbols_text((f"NIFTY-{k}-CE" for k in range(24000, 25000, 50)), "NIFTY-24555-CE")
    '20 instruments, the nearest NIFTY-24550-CE, NIFTY-24600-CE, NIFTY-24500-CE'
    """
    names = list(known)
    if len(names) <= _ALL_SHOWN:
        return ", ".join(names)
    near = nearest_symbols(names, asked) if asked else names[:3]
    shown = f"the {'nearest' if asked else 'first'} {', '.join(near)}"
    return f"{counted(len(names), 'instrument[s]')}, {shown}"


def nearest_symbols(known: Iterable[str], asked: str) -> list[str]:
    """Return the three symbols nearest to one that is not there.

    Nearest are those that differ in their numbers alone, by expiry, then by strike; then those
    whose text is most alike.

    Examples
    --------
    >>> nearest_symbols(["NIFTY-24800-CE", "NIFTY-24900-PE", "NIFTY-24700-CE"], "nifty-24710-ce")
    ['NIFTY-24700-CE', 'NIFTY-24800-CE', 'NIFTY-24900-PE']
    """
    names, asked = list(known), asked[:_MAX_ASKED].upper()
    shape, numbers = _NUMBER.sub("#", asked), _numbers(asked)
    alike = [
        ([abs(a - b) for a, b in zip(_numbers(name), numbers, strict=True)], name)
        for name in names
        if numbers and _NUMBER.sub("#", name.upper()) == shape
    ]
    found = [name for _, name in sorted(alike)[:3]]
    rest = [name for name in names if name not in found] if len(found) < 3 else []
    return (found + difflib.get_close_matches(asked, rest, n=3, cutoff=0.0))[:3]


def _numbers(symbol: str) -> list[int]:
    return [int(digits) for digits in _NUMBER.findall(symbol)]


def counts_contracts(venue: str) -> bool:
    """Whether a venue is known to count its derivatives in contracts, which are not coins."""
    return venue.lower() in _COUNTS_CONTRACTS


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
