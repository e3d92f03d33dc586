"""Instruments of a feed, which names them by numbers or keys: a TOML file the user writes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.instrument_mapping import Word
from quantlaxmi.importers.nse.contracts import PRICE_EXPONENT, VENUE, Side, contract
from quantlaxmi.importers.source import ImportOptions
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment.manifest import MAX_INSTRUMENTS
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.settings.days import Day
from quantlaxmi.venues import nse

__all__ = ["FeedFile", "FeedInstrument", "load_instruments"]

_SIDES: Final[dict[str, Side]] = {"future": "FUT", "call": "CE", "put": "PE"}


class FeedInstrument(Settings, frozen=True, kw_only=True):
    """One entry, ``[instruments.408065]`` or ``[instruments."NSE_FO|52583"]``.

    Attributes
    ----------
    kind : str
        ``"spot"`` and ``"index"`` have a symbol; ``"future"``, ``"call"`` and ``"put"`` have an
        underlying and an expiry, options a strike, too.
    symbol : str, optional
        Its name in the segment.
    underlying : str, optional
        An index.
    expiry : date, optional
    strike : Decimal, optional
        Rupees.
    lot : int, optional
        Units; by default the dated table's, of a share 1.
    tick : Decimal, optional
        Rupees, of a share; by default 0.05.
    """

    kind: Literal["spot", "index", "future", "call", "put"]
    symbol: Word | None = None
    underlying: Word | None = None
    expiry: Day | None = None
    strike: Annotated[Decimal, Bounds(gt=0, lt=10**9, places=2)] | None = None
    lot: Annotated[int, Bounds(ge=1, le=10**9)] | None = None
    tick: Annotated[Decimal, Bounds(gt=0, lt=1000, places=2)] | None = None

    def check(self) -> None:
        """Refuse what does not belong to the kind, and ask for what does."""
        contracts = self.kind in _SIDES
        wanted = {
            "symbol": not contracts,
            "underlying": contracts,
            "expiry": contracts,
            "strike": self.kind in ("call", "put"),
        }
        for name, is_wanted in wanted.items():
            if is_wanted != (getattr(self, name) is not None):
                say = "is missing for" if is_wanted else "is not for"
                raise self.refuse(name, f"{say} kind {self.kind!r}")
        if self.tick is not None and self.kind != "spot":
            raise self.refuse("tick", f"is not for kind {self.kind!r}")
        if self.lot is not None and self.kind == "index":
            raise self.refuse("lot", "is not for kind 'index': an index is not traded")

    @property
    def base(self) -> str:
        """What ``--underlying`` names."""
        return str(self.underlying or self.symbol)

    def instrument(self, key: str, day: date) -> Instrument:
        """The segment's instrument.

        Parameters
        ----------
        key : str
            The feed's.
        day : date
            Of the feed's first line.

        Raises
        ------
        ConfigError
            The dated table has no lot of the contract or no session of its expiry.
        """
        if self.expiry is not None:
            lot = self.lot or nse.lot(self.base, self.expiry, day)
            strike = 0 if self.strike is None else int(self.strike * 100)
            side = _SIDES[self.kind]
            return contract(self.base, self.expiry, strike, side, lot=lot, venue_symbol=key)
        is_index = self.kind == "index"
        return Instrument(
            symbol=self.base,
            venue=VENUE,
            venue_symbol=key,
            kind=InstrumentKind(self.kind),
            price_exponent=PRICE_EXPONENT,
            qty_exponent=0,
            currency="INR",
            base=self.base,
            tick=0 if is_index else int((self.tick or Decimal("0.05")) * 100),
            lot=0 if is_index else self.lot or 1,
        )


class FeedFile(Settings, frozen=True, kw_only=True):
    """The whole file: entries by the feed's key."""

    file_kind: ClassVar[str] = "a mapping of a feed's instruments"

    instruments: dict[str, FeedInstrument]


def load_instruments(options: ImportOptions, format: str) -> dict[str, FeedInstrument]:
    """Entries of the mapping by key, only those of ``underlying`` where one is given.

    Raises
    ------
    ConfigError
        The file cannot be read or has a wrong or unknown setting.
    InputError
        There is no mapping, or no entry.
    """
    if options.mapping is None:
        raise InputError("import", f"needs --mapping FILE for {format}, with its instruments")
    path = Path(options.mapping)
    found = {
        key: one
        for key, one in FeedFile.load(path).instruments.items()
        if options.underlying in (None, one.base)
    }
    if not found:
        of = f" of {options.underlying}" if options.underlying else ""
        raise InputError(path, f"has no instrument{of}")
    if len(found) > MAX_INSTRUMENTS:
        what = f"has {counted(len(found), 'instrument[s]')}, expected at most {MAX_INSTRUMENTS}"
        raise InputError(path, what)
    return found
