"""A traded pair by its symbol and mapping: base, quote currency, contract, price units.

Nothing is assumed. The quote currency is the symbol's end or what the mapping names. A symbol that
is not the base and the currency one after the other needs a contract size, and so does a venue
that counts contracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final

import msgspec

from quantlaxmi.fixed import format_decimal
from quantlaxmi.instruments import MAX_PRICE_UNITS, Instrument, counts_contracts, decimal_parts
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Bounds, Place

#: Currencies a symbol may end in; the longest match is taken.
QUOTE_CURRENCIES: Final = (
    "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "USD1", "RLUSD", "DAI", "BTC", "ETH", "BNB",
    "EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "ARS", "MXN", "COP", "PLN", "RON", "CZK", "UAH",
    "ZAR", "IDR", "NGN", "RUB", "BIDR", "VAI", "TRX", "XRP", "DOGE", "SOL", "DOT", "USD",
)  # fmt: skip
#: Units of the base in one quantity unit, as a mapping writes them.
ContractSize = Annotated[Decimal, Bounds(gt=0, le=10**9, places=12)]
PriceUnits = Annotated[int, Bounds(ge=1, le=MAX_PRICE_UNITS)]

_MARKS: Final = re.compile(r"[-_/:. ]+")
_KINDS: Final = ("SWAP", "PERPETUAL", "PERP", "SPOT", "PF", "PI")
#: Before a base, or behind it, where prices are of many coins: 1000SHIB, SHIB1000, 1MBABYDOGE.
_MANY: Final = r"10{3,8}|1M"


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a pair that a mapping names; None or empty where it names none."""

    currency: str
    base: str
    contract_size: Decimal | None
    price_units: int | None


@dataclass(frozen=True, slots=True)
class Fields:
    """Those of an `Instrument` that a pair has."""

    currency: str
    base: str
    contract_size: int
    contract_exponent: int
    price_units: int

    def on(self, instrument: Instrument) -> Instrument:
        """The instrument with these fields."""
        return msgspec.structs.replace(
            instrument,
            currency=self.currency,
            base=self.base,
            contract_size=self.contract_size,
            contract_exponent=self.contract_exponent,
            price_units=self.price_units,
        )


def bare_symbol(symbol: str) -> str:
    """A symbol in capitals, without marks and words for its kind: BTC-USDT-SWAP is BTCUSDT."""
    words = [word for word in _MARKS.split(symbol.upper()) if word]
    return "".join([word for word in words if word not in _KINDS] or words)


def is_named_perp(symbol: str) -> bool:
    """Whether a symbol is already called as the library calls perpetuals: BTCUSDT-PERP."""
    return symbol.endswith("-PERP")


def splits(symbol: str) -> Iterator[tuple[str, str]]:
    """Base and quote currency that a symbol may be of, the longest currency first."""
    bare = bare_symbol(symbol)
    for currency in sorted(QUOTE_CURRENCIES, key=len, reverse=True):
        if bare.endswith(currency) and len(bare) > len(currency):
            yield bare[: -len(currency)], currency


def pair_fields(at: Place, symbol: str, kind: InstrumentKind, venue: str, told: Terms) -> Fields:
    """Base, currency, contract size and price units of a symbol, as fields of an `Instrument`.

    Parameters
    ----------
    at : Place
        The table that names the symbol.
    symbol : str
        The venue's.
    kind : InstrumentKind
    venue : str
    told : Terms

    Raises
    ------
    ConfigError
        The currency cannot be told from the symbol or is not the symbol's, or a contract size is
        needed and not given.
    """
    base, currency = _currency(at, symbol, told)
    own = bare_symbol(symbol).removesuffix(currency.upper()) or bare_symbol(symbol)
    units = told.price_units
    if units is not None and units != 10 ** (len(str(units)) - 1):
        raise (at / "price_units").was(units, "a power of ten")
    if own != base.upper() and told.contract_size is None:
        raise (at / "contract_size").fail(_not_the_pair(symbol, own, base, currency))
    if units is None:
        units = _units(own, base)
    size = told.contract_size
    if size is None and kind is not InstrumentKind.SPOT and counts_contracts(venue):
        raise (at / "contract_size").fail(
            f"is missing: {venue} counts contracts, expected the units of {base} in one {symbol}"
        )
    mantissa, exponent = decimal_parts(Fraction(1 if size is None else size))
    return Fields(currency, base, mantissa, exponent, units)


def _currency(at: Place, symbol: str, told: Terms) -> tuple[str, str]:
    """Base and quote currency."""
    found = list(splits(symbol))
    if told.currency:
        wanted = told.currency.upper()
        bare = bare_symbol(symbol)
        own = bare.removesuffix(wanted) if bare != wanted else bare
        if own == bare and bare != told.base.upper() and found:
            other = found[0][1]
            raise (at / "currency").fail(
                f"was {told.currency!r}, but {symbol} ends in {other}; expected {other!r}, "
                f'or base = "{bare}"'
            )
        return told.base or own, told.currency
    if told.base:
        exact = [pair for pair in found if pair[0] == told.base.upper()]
        found = exact or [pair for pair in found if _is_many(pair[0], told.base)] or found
        found = found[:1] if exact else found
    if len(found) == 1:
        return told.base or found[0][0], found[0][1]
    if found:
        names = " or ".join(currency for _, currency in found)
        raise (at / "currency").fail(f"is missing: {symbol} may be quoted in {names}")
    problem = f"is missing: {symbol} ends in no known quote currency; give it, such as USD"
    raise (at / "currency").fail(problem)


def _is_many(own: str, base: str) -> bool:
    return _units(own, base) > 1


def _units(own: str, base: str) -> int:
    """Units of the base that a symbol's prices are of, as its name says: 1000 for 1000SHIB."""
    name = re.escape(base.upper())
    found = re.fullmatch(rf"(?:({_MANY}){name}|{name}({_MANY}))", own)
    many = (found[1] or found[2]) if found else "1"
    return 10**6 if many == "1M" else int(many)


def _not_the_pair(symbol: str, own: str, base: str, currency: str) -> str:
    units = _units(own, base)
    expected = (
        f'contract_size = {units} where one unit of quantity is {units} {base}, or base = "{own}"'
        if units > 1
        else f'base = "{own}", or the units of {base} in one {symbol}'
    )
    return f"is missing: {symbol} is not {base} + {currency}; expected {expected}"


def contract_notes(instruments: Sequence[Instrument]) -> list[str]:
    """Return the manifest's notes on instruments whose quantity or price is not of one unit."""
    notes = []
    for one in instruments:
        size = format_decimal(one.contract_size, one.contract_exponent)
        if (size, one.price_units) != ("1", 1):
            notes.append(
                f"{one.symbol}: one unit of quantity is {size} {one.base}, a price is of "
                f"{one.price_units} {one.base}."
            )
    return notes
