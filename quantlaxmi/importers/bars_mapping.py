"""The TOML mapping of format ``bars``: which column is what, and what is assumed.

Unknown keys, wrong types and missing columns are refused with the file and the key's name; see
``docs/IMPORT.md`` for an example.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.instruments import Instrument, inverse_problem
from quantlaxmi.schema import InstrumentKind

MAX_MAPPING_BYTES: Final = 1 << 20
MAX_SPAN_S: Final = 366 * 86_400
#: Share of a bar's volume that its quotes display where the mapping names no other.
DEFAULT_SHARE: Final = "0.1"
UNITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_SPANS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DECIMAL: Final = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
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
    """

    instrument: Instrument
    input: int
    time: TimeColumn
    columns: dict[str, str]
    half_spread_bps: Fraction
    share: Fraction
    size: Fraction

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
    """

    source: Path
    interval_ns: int
    delimiter: str
    venue: str
    legs: tuple[LegMapping, ...]
    funding: FundingMapping | None
    max_jump_bps: Fraction | None

    @property
    def n_inputs(self) -> int:
        """Files the mapping speaks of."""
        parts = [leg.input for leg in self.legs]
        return 1 + max(parts + ([self.funding.input] if self.funding else []))


def load_mapping(path: Path | str, *, klines: bool = False) -> BarsMapping:
    """Read a mapping.

    Parameters
    ----------
    path : Path or str
    klines : bool
        For ``klines-json``, which knows its own columns and times: the mapping names none.

    Returns
    -------
    BarsMapping

    Raises
    ------
    ConfigError
        The file cannot be read, or a key is unknown, missing, of another type or out of range.
    """
    source = Path(path)
    reader = _Reader(source, _read(source))
    reader.known("", "interval delimiter venue currency base price_exponent qty_exponent "
                 "half_spread_bps share size max_jump_bps time spot perp funding")  # fmt: skip
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
    funding = None
    if reader.table("funding") is not None:
        if klines or legs[-1].instrument.kind is not InstrumentKind.PERP:
            why = "klines hold no funding" if klines else "there is no [perp] to pay it"
            raise ConfigError(source, f"was given, but {why}", "funding")
        funding = _funding(reader, time)
    interval = reader.text("", "interval", "" if klines else None)
    interval_ns = reader.span("", "interval", interval) if interval else 0
    in_bars = funding is not None and funding.input in [leg.input for leg in legs]
    if funding is not None and in_bars and 0 < funding.every_ns < interval_ns:
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
        funding=funding,
        max_jump_bps=jump,
    )


class _Reader:
    """Typed look-ups that name the key when something is wrong."""

    def __init__(self, source: Path, data: dict[str, Any]) -> None:
        self.source, self.data = source, data

    def fail(self, table: str, key: str, problem: str) -> ConfigError:
        return ConfigError(self.source, problem, f"{table}.{key}" if table else key)

    def table(self, name: str) -> dict[str, Any] | None:
        if not name:
            return self.data
        found: Any = self.data
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
            if found is None:
                return None
        if not isinstance(found, dict):
            raise ConfigError(self.source, "was no table; expected one", name)
        return found

    def known(self, table: str, names: str) -> None:
        for key in self.table(table) or {}:
            if key not in names.split():
                raise self.fail(table, str(key)[:60], f"unknown key; {_hint(key, names.split())}")

    def text(self, table: str, key: str, default: str | None) -> str:
        value = (self.table(table) or {}).get(key, default)
        if value is None:
            raise self.fail(table, key, "is missing")
        if not isinstance(value, str) or (not value and default is None) or len(value) > 200:
            raise self.fail(table, key, f"was {_told(value)}, expected a short text")
        return value

    def integer(self, table: str, key: str, default: int, low: int, high: int) -> int:
        value = (self.table(table) or {}).get(key, default)
        if type(value) is not int or not low <= value <= high:
            problem = f"was {_told(value)}, expected an integer from {low} to {high}"
            raise self.fail(table, key, problem)
        return value

    def decimal(self, table: str, key: str, default: str | None) -> Fraction | None:
        value = (self.table(table) or {}).get(key, default)
        if value is None:
            return None
        text = value if isinstance(value, str) else shown(value)
        if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
            raise self.fail(table, key, f"was {_told(value)}, expected a decimal number")
        return Fraction(text)

    def span(self, table: str, key: str, value: str) -> int:
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", value)
        if not found:
            raise self.fail(table, key, f"was {value[:40]!r}, expected a length such as 1m, 4h, 1d")
        seconds = int(found[1]) * _SPANS[found[2]]
        if seconds > MAX_SPAN_S:
            raise self.fail(table, key, f"was {value!r}, expected at most {MAX_SPAN_S // 86_400}d")
        return seconds * 10**9


def _told(value: Any) -> str:
    """Any value in quotes; TOML bounds neither a hexadecimal's digits nor the depth of lists."""
    return repr((value if isinstance(value, str) else shown(value))[:40])


def _read(source: Path) -> dict[str, Any]:
    try:
        with source.open("rb") as file:
            raw = file.read(MAX_MAPPING_BYTES + 1)
    except OSError as error:
        raise ConfigError(source, error.strerror or "cannot be read") from None
    if len(raw) > MAX_MAPPING_BYTES:
        raise ConfigError(source, f"is longer than {MAX_MAPPING_BYTES} bytes, no mapping is")
    try:
        return tomllib.loads(raw.decode(), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise ConfigError(source, f"is not TOML: {' '.join(str(error).split())}") from None


def _hint(key: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), list(names), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(names)}"


def _is_pattern(unit: str) -> bool:
    """A pattern of ``strptime`` that reads what it writes; others make it fail in many ways."""
    try:
        datetime.strptime(_SOME_TIME.strftime(unit), unit)
    except (ValueError, LookupError, re.error):
        return False
    return "%" in unit


def _time(reader: _Reader, table: str, default: TimeColumn | None) -> TimeColumn | None:
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


def _own_time(reader: _Reader, table: str, shared: TimeColumn | None) -> TimeColumn:
    time = _time(reader, f"{table}.time", shared)
    if time is None:
        raise reader.fail("time", "column", f"is missing, and so is [{table}.time]")
    return time


def _leg(
    reader: _Reader, kind: InstrumentKind, shared: TimeColumn | None, klines: bool
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


def _step(reader: _Reader, table: str, key: str, exponent: int) -> int:
    """A tick or lot as a mantissa; 0 where the mapping names none."""
    value = reader.decimal(table, key, "0")
    assert value is not None
    units = value / Fraction(10) ** exponent
    if units.denominator != 1 or units >= 1 << 63:
        raise reader.fail(table, key, f"was {value}, expected a multiple of 1e{exponent}")
    return int(units)


def _positive(reader: _Reader, table: str, key: str, default: str | None = None) -> Fraction:
    shared = reader.decimal("", key, default)
    found = reader.decimal(table, key, None)
    value = shared if found is None else found
    if value is None:
        raise reader.fail(table, key, "is missing")
    if value <= 0:
        raise reader.fail(table, key, f"was {value}, expected above 0")
    return value


def _funding(reader: _Reader, shared: TimeColumn | None) -> FundingMapping:
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
