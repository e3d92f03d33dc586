"""Instruments of venues that a file does not describe: a TOML file the user writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from quantlaxmi.importers.traded_pair import ContractSize, PriceUnits, Terms, pair_fields
from quantlaxmi.instruments import Instrument, counts_contracts
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Bounds, Chars, Place, Settings

Exponent = Annotated[int, Bounds(ge=-18, le=18)]
Word = Annotated[
    str, Chars(pattern=r"[A-Za-z0-9_.:/-]{1,60}", says="1 to 60 letters, digits and _ . : / -")
]


class MappedInstrument(Settings, frozen=True, kw_only=True):
    """One entry, ``[instruments."deribit/BTC-PERPETUAL"]``.

    Attributes
    ----------
    kind : str
        ``"spot"`` or ``"perp"``.
    currency, base : str
        What it is paid in, and what is bought and sold.
    symbol : str, optional
        Its name in the segment; by default the venue's.
    venue : str, optional
        By default the exchange of the file.
    price_exponent, qty_exponent : int
        Prices and quantities are whole multiples of 10**exponent.
    contract_size : Decimal, optional
        Units of ``base`` in one quantity unit, exact; 1 where it is left out. It may not be left
        out where the venue counts contracts, or the symbol is not base and currency.
    price_units : int, optional
        Units of ``base`` that the price is of; by default what the symbol says, 1000 of
        1000SHIBUSDT with the base SHIB, else 1.
    inverse : bool
        Profit is in the base; such an instrument is refused.
    """

    kind: Literal["spot", "perp"]
    currency: Word
    base: Word
    symbol: Word | None = None
    venue: Word | None = None
    price_exponent: Exponent = -8
    qty_exponent: Exponent = -8
    contract_size: ContractSize | None = None
    price_units: PriceUnits | None = None
    inverse: bool = False

    def check(self) -> None:
        """Refuse a contract whose money cannot be computed."""
        if self.inverse:
            raise self.refuse(
                "inverse", "but inverse (coin-margined) contracts are not computed; expected false"
            )

    def instrument(self, exchange: str, symbol: str, at: Place | None = None) -> Instrument:
        """The segment's instrument.

        Parameters
        ----------
        exchange, symbol : str
            As in the file.
        at : Place, optional
            The entry, for errors.

        Raises
        ------
        ConfigError
            The currency is not the symbol's, or a contract size is needed and not given.
        """
        venue = self.venue or exchange
        told = Terms(self.currency, self.base, self.contract_size, self.price_units)
        kind = InstrumentKind(self.kind)
        at = Place(type(self).__name__) if at is None else at
        # The file's own name of the venue counts as well as the one that the mapping gives it.
        named = exchange if counts_contracts(exchange) else venue
        return pair_fields(at, symbol, kind, named, told).on(self.plain(exchange, symbol))

    def plain(self, exchange: str, symbol: str) -> Instrument:
        """The instrument without its contract, of which nothing is checked."""
        return Instrument(
            symbol=self.symbol or symbol,
            venue=self.venue or exchange,
            venue_symbol=symbol,
            kind=InstrumentKind(self.kind),
            price_exponent=self.price_exponent,
            qty_exponent=self.qty_exponent,
            currency=self.currency,
            base=self.base,
        )


class InstrumentFile(Settings, frozen=True, kw_only=True):
    """The whole file: entries by ``exchange/symbol``."""

    file_kind: ClassVar[str] = "a mapping of instruments"

    instruments: dict[str, MappedInstrument]


def load_mapping(path: Path | str) -> dict[str, MappedInstrument]:
    """Entries of a mapping file by ``exchange/symbol``.

    Raises
    ------
    ConfigError
        The file cannot be read, is longer than one MiB, or has a wrong or unknown setting.
    """
    return InstrumentFile.load(path).instruments
