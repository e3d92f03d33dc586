"""Instruments of venues that a file does not describe: a TOML file the user writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Bounds, Chars, Settings

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
    contract_size : int
        Units of ``base`` in one quantity unit.
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
    contract_size: Annotated[int, Bounds(ge=1, le=10**9)] = 1
    inverse: bool = False

    def check(self) -> None:
        """Refuse a contract whose money cannot be computed."""
        if self.inverse:
            raise self.refuse(
                "inverse", "but inverse (coin-margined) contracts are not computed; expected false"
            )

    def instrument(self, exchange: str, symbol: str) -> Instrument:
        """The segment's instrument."""
        return Instrument(
            symbol=self.symbol or symbol,
            venue=self.venue or exchange,
            venue_symbol=symbol,
            kind=InstrumentKind(self.kind),
            price_exponent=self.price_exponent,
            qty_exponent=self.qty_exponent,
            currency=self.currency,
            base=self.base,
            contract_size=self.contract_size,
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
