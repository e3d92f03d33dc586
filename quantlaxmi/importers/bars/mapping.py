"""The TOML mapping of format ``bars``: which column is what, and what is assumed.

Unknown keys, wrong types and missing columns are refused with the file and the key's name; see
``docs/IMPORT.md`` for an example.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from quantlaxmi.errors import ConfigError
from quantlaxmi.files import read_toml
from quantlaxmi.importers.bars.toml import MAX_MAPPING_BYTES, Reader
from quantlaxmi.instruments import Instrument, inverse_problem
from quantlaxmi.schema import InstrumentKind

#: Share of a bar's volume that its quotes display where the mapping names no other.
DEFAULT_SHARE: Final = "0.1"
UNITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_SOME_TIME: Final = datetime(2024, 1, 31, 7, 8, 9, tzinfo=UTC)
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True)
class TimeColumn:
    """How stamps are written.

    Attributes
    ----------
    column : str
    unit : str
        ``"text"`` (ISO 8601), a key of `UNITS`, or a pattern of ``strptime`` with a ``%``.
    zone : ZoneInfo
        Of stamps that name no offset.
    at_close : bool
        The stamp is the bar's end; else its beginning.
    """

    column: str
    unit: str = "text"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    at_close: bool = False


@dataclass(frozen=True)
class LegMapping:
    """One instrument's bars.

    Attributes
    ----------
    instrument : Instrument
    input : int
        Which of the given files, from 0.
    time : TimeColumn
    columns : dict of str to str
        ``open`` and ``close``, and where named ``high``, ``low``, ``volume``, ``close_time`` and
        ``symbol_column``, to the file's columns.
    half_spread_bps : Fraction
        Assumed distance of bid and ask from the price.
    share : Fraction
        Share of the volume displayed, where there is a volume column.
    size : Fraction
        Displayed size, where there is none.
    is_premium : bool
        They are bars of the instrument's premium index: ratios of either sign, not prices.
    """

    instrument: Instrument
    input: int
    time: TimeColumn
    columns: dict[str, str]
    half_spread_bps: Fraction
    share: Fraction
    size: Fraction
    is_premium: bool = False

    @property
    def key(self) -> str:
        """Name of its table in the mapping."""
        return "premium" if self.is_premium else self.instrument.kind.value

    @property
    def fixed_size(self) -> int:
        """``size`` at the quantity exponent, rounded down."""
        return int(self.size * 10**-self.instrument.qty_exponent)


@dataclass(frozen=True)
class FundingMapping:
    """Where funding rates stand.

    Attributes
    ----------
    input : int
    time : TimeColumn
    rate, mark : str
        Columns; ``mark`` is empty where there is none.
    times : Fraction
        What a cell is multiplied by to give the rate that is paid.
    every_ns : int
        Settlement times are multiples of it since 1970; 0: every filled cell is a settlement.
    """

    input: int
    time: TimeColumn
    rate: str
    mark: str
    times: Fraction
    every_ns: int


@dataclass(frozen=True)
class PremiumMapping:
    """Where a perpetual's premium index stands, and what its rates are made with.

    Attributes
    ----------
    leg : LegMapping
        The perpetual, of the input that holds the index.
    every_ns : int
        Settlement times are multiples of it since 1970.
    interest : Fraction
        Of eight hours.
    """

    leg: LegMapping
    every_ns: int
    interest: Fraction


@dataclass(frozen=True)
class BarsMapping:
    """A whole mapping.

    Attributes
    ----------
    source : Path
    interval_ns : int
        Length of a bar; 0 where the format tells it.
    delimiter : str
    venue : str
    legs : tuple of LegMapping
        Spot before perpetual.
    funding : FundingMapping or None
    max_jump_bps : Fraction or None
        A bar whose close is further than this from the next open is partial.
    premium : PremiumMapping or None
    """

    source: Path
    interval_ns: int
    delimiter: str
    venue: str
    legs: tuple[LegMapping, ...]
    funding: FundingMapping | None
    max_jump_bps: Fraction | None
    premium: PremiumMapping | None = None

    @property
    def read(self) -> tuple[LegMapping, ...]:
        """All that is read as bars: the legs, and the premium index behind them."""
        return self.legs if self.premium is None else (*self.legs, self.premium.leg)

    @property
    def n_inputs(self) -> int:
        """Files the mapping speaks of."""
        parts = [leg.input for leg in self.read]
        return 1 + max(parts + ([self.funding.input] if self.funding else []))


def load_mapping(
    path: Path | str, *, klines: bool = False, funding: bool | None = None, premium: bool = False
) -> BarsMapping:
    """Read a mapping.

    Parameters
    ----------
    path : Path or str
    klines : bool
        For klines, whose columns and times are known: the mapping names none.
    funding : bool, optional
        Whether it may name funding; by default where it names columns.
    premium : bool
        Whether it may name a premium index.

    Returns
    -------
    BarsMapping

    Raises
    ------
    ConfigError
        The file cannot be read, or a key is unknown, missing, of another type or out of range.
    """
    source = Path(path)
    reader = Reader(source, read_toml(source, MAX_MAPPING_BYTES, expected="a mapping of bars"))
    names = "interval delimiter venue currency base price_exponent qty_exponent half_spread_bps"
    names += " share size max_jump_bps time spot perp funding" + " premium" * premium
    reader.known("", names)
    time = None if klines else _time(reader, "time", None)
    legs = tuple(
        _leg(reader, kind, time, klines)
        for kind in (InstrumentKind.SPOT, InstrumentKind.PERP)
        if reader.table(kind.value) is not None
    )
    if not legs:
        raise ConfigError(source, "names no bars; expected a table [spot], [perp] or both")
    if len(legs) == 2 and legs[0].instrument.symbol == legs[1].instrument.symbol:
        raise ConfigError(source, f"was {legs[0].instrument.symbol!r} for both", "symbol")
    paid = None
    if reader.table("funding") is not None:
        held = not klines if funding is None else funding
        if not held or legs[-1].instrument.kind is not InstrumentKind.PERP:
            why = "there is no [perp] to pay it" if held else "klines hold no funding"
            raise ConfigError(source, f"was given, but {why}", "funding")
        paid = _archive_funding(reader, legs) if klines else _funding(reader, time)
    index = _premium(reader, legs, paid) if reader.table("premium") is not None else None
    interval = reader.text("", "interval", "" if klines else None)
    interval_ns = reader.span("", "interval", interval) if interval else 0
    in_bars = paid is not None and paid.input in [leg.input for leg in legs]
    if paid is not None and in_bars and 0 < paid.every_ns < interval_ns:
        problem = f"is shorter than a bar of {interval}, whose line holds one rate"
        raise ConfigError(source, problem, "funding.every")
    jump = reader.decimal("", "max_jump_bps", None)
    delimiter = reader.text("", "delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\n\r':
        raise ConfigError(source, f"was {delimiter!r}, expected one character", "delimiter")
    return BarsMapping(
        source=source,
        interval_ns=interval_ns,
        delimiter=delimiter,
        venue=reader.text("", "venue", "bars"),
        legs=legs,
        funding=paid,
        max_jump_bps=jump,
        premium=index,
    )


def _is_pattern(unit: str) -> bool:
    """A pattern of ``strptime`` that reads what it writes; others make it fail in many ways."""
    try:
        datetime.strptime(_SOME_TIME.strftime(unit), unit)
    except (ValueError, LookupError, re.error):
        return False
    return "%" in unit


def _time(reader: Reader, table: str, default: TimeColumn | None) -> TimeColumn | None:
    if reader.table(table) is None:
        return default
    reader.known(table, "column unit zone stamp")
    base = default or TimeColumn("")
    column = reader.text(table, "column", base.column or None)
    unit = reader.text(table, "unit", base.unit)
    if unit != "text" and unit not in UNITS and not _is_pattern(unit):
        raise reader.fail(table, "unit", f"was {unit!r}, expected text, s, ms, us, ns or a pattern "
                          "such as '%d.%m.%Y %H:%M'")  # fmt: skip
    zone = reader.text(table, "zone", str(base.zone))
    try:
        found = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):  # a path, a folder, an unknown name
        raise reader.fail(
            table, "zone", f"was {zone[:40]!r}, expected a name such as UTC"
        ) from None
    stamp = reader.text(table, "stamp", "close" if base.at_close else "open")
    if stamp not in ("open", "close"):
        raise reader.fail(table, "stamp", f"was {stamp!r}, expected open or close")
    return TimeColumn(column, unit, found, stamp == "close")


def _own_time(reader: Reader, table: str, shared: TimeColumn | None) -> TimeColumn:
    time = _time(reader, f"{table}.time", shared)
    if time is None:
        raise reader.fail("time", "column", f"is missing, and so is [{table}.time]")
    return time


def _leg(
    reader: Reader, kind: InstrumentKind, shared: TimeColumn | None, klines: bool
) -> LegMapping:
    table = kind.value
    own = "input symbol venue currency base half_spread_bps share size tick lot"
    named = () if klines else (*_PRICES, "volume", "close_time", "symbol_column")
    reader.known(table, f"{own} {' '.join(named)} {'' if klines else 'time'}")
    columns = {
        name: reader.text(table, name, None if name in ("open", "close") else "") for name in named
    }
    columns = {name: column for name, column in columns.items() if column}
    spread = _positive(reader, table, "half_spread_bps")
    if spread >= 10_000:
        raise reader.fail(table, "half_spread_bps", f"was {spread}, expected below 10000")
    displayed = klines or "volume" in columns
    share = _positive(reader, table, "share", DEFAULT_SHARE)
    size = Fraction(0) if displayed else _positive(reader, table, "size")
    symbol = reader.text(table, "symbol", None)
    is_perp = kind is InstrumentKind.PERP
    top = reader.text("", "venue", "bars")
    exponents = [reader.integer("", f"{what}_exponent", -8, -12, 0) for what in ("price", "qty")]
    instrument = Instrument(
        symbol=f"{symbol}-PERP" if is_perp else symbol,
        venue=reader.text(table, "venue", top),
        venue_symbol=symbol,
        kind=kind,
        price_exponent=exponents[0],
        qty_exponent=exponents[1],
        currency=reader.text(table, "currency", reader.text("", "currency", "USDT")),
        base=reader.text(table, "base", reader.text("", "base", "") or symbol),
        tick=_step(reader, table, "tick", exponents[0]),
        lot=_step(reader, table, "lot", exponents[1]),
    )
    if problem := inverse_problem(instrument):
        raise reader.fail(table, "symbol", f"is wrong: {problem}")
    made = LegMapping(
        instrument=instrument,
        input=reader.integer(table, "input", 1, 1, 16) - 1,
        time=TimeColumn("") if klines else _own_time(reader, table, shared),
        columns=columns,
        half_spread_bps=spread,
        share=share,
        size=size,
    )
    if not displayed and not 1 <= made.fixed_size < 1 << 63:
        problem = f"was {size}, expected units of 1e{exponents[1]} that fit 64 bits"
        raise reader.fail(table, "size", problem)
    return made


def _step(reader: Reader, table: str, key: str, exponent: int) -> int:
    """A tick or lot as a mantissa; 0 where the mapping names none."""
    value = reader.decimal(table, key, "0")
    assert value is not None
    units = value / Fraction(10) ** exponent
    if units.denominator != 1 or units >= 1 << 63:
        raise reader.fail(table, key, f"was {value}, expected a multiple of 1e{exponent}")
    return int(units)


def _positive(reader: Reader, table: str, key: str, default: str | None = None) -> Fraction:
    shared = reader.decimal("", key, default)
    found = reader.decimal(table, key, None)
    value = shared if found is None else found
    if value is None:
        raise reader.fail(table, key, "is missing")
    if value <= 0:
        raise reader.fail(table, key, f"was {value}, expected above 0")
    return value


def _funding(reader: Reader, shared: TimeColumn | None) -> FundingMapping:
    reader.known("funding", "input rate mark times every time")
    every = reader.text("funding", "every", "")
    times = reader.decimal("funding", "times", "1")
    assert times is not None
    if times <= 0:
        raise reader.fail("funding", "times", f"was {times}, expected above 0")
    return FundingMapping(
        input=reader.integer("funding", "input", 1, 1, 16) - 1,
        time=_own_time(reader, "funding", shared),
        rate=reader.text("funding", "rate", None),
        mark=reader.text("funding", "mark", ""),
        times=times,
        every_ns=reader.span("funding", "every", every) if every else 0,
    )


def _archive_funding(reader: Reader, legs: Sequence[LegMapping]) -> FundingMapping:
    """Funding in files of its own, whose columns are known."""
    reader.known("funding", "input")
    number = reader.integer("funding", "input", 1, 1, 16)
    if number - 1 in [leg.input for leg in legs]:
        raise reader.fail("funding", "input", f"was {number}, expected an input without bars")
    return FundingMapping(number - 1, TimeColumn(""), "", "", Fraction(1), 0)


def _premium(
    reader: Reader, legs: Sequence[LegMapping], paid: FundingMapping | None
) -> PremiumMapping:
    """The perpetual's premium index, in files of its own."""
    reader.known("premium", "input every interest")
    if legs[-1].instrument.kind is not InstrumentKind.PERP:
        raise ConfigError(reader.source, "was given, but there is no [perp] it is of", "premium")
    number = reader.integer("premium", "input", 1, 1, 16) - 1
    if number in [leg.input for leg in legs] + ([paid.input] if paid else []):
        problem = f"was {number + 1}, expected an input that no other table names"
        raise reader.fail("premium", "input", problem)
    every_ns = reader.span("premium", "every", reader.text("premium", "every", "8h"))
    interest = reader.decimal("premium", "interest", "0.0001")
    assert interest is not None
    if interest > 1:
        raise reader.fail("premium", "interest", f"was {interest}, expected a rate up to 1")
    leg = replace(legs[-1], input=number, is_premium=True, size=Fraction(0))
    return PremiumMapping(leg, every_ns, interest)
