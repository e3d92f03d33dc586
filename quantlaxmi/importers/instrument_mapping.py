"""Instruments of venues that a file does not describe: a TOML file the user writes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from quantlaxmi.errors import InputError
from quantlaxmi.files import read_regular
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind

MAX_MAPPING_BYTES: Final = 1 << 20
Exponent = Annotated[int, msgspec.Meta(ge=-18, le=18)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:/-]{1,60}\Z")]


class MappedInstrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    contract_size: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 1
    inverse: bool = False

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


class _Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instruments: dict[str, MappedInstrument]


def load_mapping(path: Path | str) -> dict[str, MappedInstrument]:
    """Entries of a mapping file by ``exchange/symbol``.

    Raises
    ------
    InputError
        The file cannot be read, is longer than `MAX_MAPPING_BYTES`, or has a wrong or unknown
        setting.
    """
    path = Path(path)
    data = read_regular(path, MAX_MAPPING_BYTES, InputError, "a mapping of instruments")
    try:
        content = tomllib.loads(data.decode())
        entries = msgspec.convert(content, _Mapping).instruments
    except msgspec.ValidationError as error:  # a ValueError, too
        raise InputError(path, f"is no mapping: {' '.join(str(error).split())[:200]}") from None
    # ValueError: not TOML, not UTF-8, or a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is no TOML: {' '.join(str(error).split())[:200]}") from None
    for key, entry in entries.items():
        if entry.inverse:
            problem = "was true, but inverse (coin-margined) contracts are not computed; expected"
            raise InputError(path, f"{problem} false", f'instruments."{key[:100]}".inverse')
    return entries
