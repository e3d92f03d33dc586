"""The TOML mapping of format ``bars``: the meaning of columns, and the assumptions.

Unknown keys, wrong types and missing columns are refused with the file and the key's name; see
``docs/IMPORT.md`` for an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from quantlaxmi.importers.bars.leg_instrument import leg_instrument
from quantlaxmi.importers.bars.mapping_file import (
    BarsFile,
    BarsFunding,
    BarsLeg,
    KlinesFile,
    KlinesFunding,
    KlinesLeg,
    MoreBars,
    PremiumTable,
    TimeTable,
)
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.text_form import EXACT, FileForm, Numbers
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Place

#: Share of a bar's volume that its quotes display where the mapping names no other.
DEFAULT_SHARE: Final = Decimal("0.1")
_COLUMNS: Final = ("open", "high", "low", "close", "volume", "close_time", "symbol_column")
T = TypeVar("T")


@dataclass(frozen=True)
class FundingMapping:
    """Columns of funding rates.

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
    numbers : Numbers
    """

    input: int
    time: TimeColumn
    rate: str
    mark: str
    times: Fraction
    every_ns: int
    numbers: Numbers = EXACT


@dataclass(frozen=True)
class PremiumMapping:
    """Input of a perpetual's premium index, and the terms of its rates.

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
    form : FileForm
    venue : str
    legs : tuple of LegMapping
        Spot before perpetual, and those of ``[[more]]`` behind them.
    funding : FundingMapping or None
    max_jump_bps : Fraction or None
        A bar whose close is further than this from the next open is partial.
    premium : PremiumMapping or None
    calendar : str
        Whose closed times decisions wait over; empty for none.
    next_bar : bool
        They wait over every span without bars.
    """

    source: Path
    interval_ns: int
    form: FileForm
    venue: str
    legs: tuple[LegMapping, ...]
    funding: FundingMapping | None
    max_jump_bps: Fraction | None
    premium: PremiumMapping | None = None
    calendar: str = ""
    next_bar: bool = False

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
    path: Path | str, kind: type[BarsFile] | type[KlinesFile] = BarsFile
) -> BarsMapping:
    """Read a mapping.

    Parameters
    ----------
    path : Path or str
    kind : type of BarsFile or KlinesFile
        What it can say: `BarsFile` names columns and times, those of klines are known;
        `ArchiveFile` can come with funding and a premium index.

    Returns
    -------
    BarsMapping

    Raises
    ------
    ConfigError
        The file cannot be read, or a key is unknown, missing, of another type or out of range.
    """
    return mapping_of(kind.load(path), path)


def mapping_of(file: BarsFile | KlinesFile, source: Path | str) -> BarsMapping:
    """A mapping of keys that were read.

    Parameters
    ----------
    file : BarsFile or KlinesFile
    source : Path or str
        What errors name.

    Raises
    ------
    ConfigError
        A key is missing, or they contradict each other.
    """
    at = Place(source)
    tables = {InstrumentKind.SPOT: file.spot, InstrumentKind.PERP: file.perp}
    named = [(at / k.value, k, leg) for k, leg in tables.items() if leg is not None]
    if not named:
        raise at.fail("names no bars; expected a table [spot], [perp] or both")
    further: tuple[MoreBars, ...] = getattr(file, "more", ())
    named += [((at / "more").row(n), InstrumentKind(m.kind), m) for n, m in enumerate(further)]
    legs = tuple(
        replace(_leg(own, file, kind, leg), name="" if n < len(named) - len(further) else own.key)
        for n, (own, kind, leg) in enumerate(named)
    )
    symbols = [leg.instrument.symbol for leg in legs]
    if twice := [one for n, one in enumerate(symbols) if one in symbols[:n]]:
        raise (at / "symbol").fail(f"was {twice[0]!r} for {'two' if further else 'both'}")
    funding: KlinesFunding | None = getattr(file, "funding", None)
    if funding is not None and further:
        raise (at / "funding").fail("was given with [[more]]; expected one pair, or no funding")
    if funding is not None and legs[-1].instrument.kind is not InstrumentKind.PERP:
        raise (at / "funding").fail("was given, but there is no [perp] to pay it")
    paid = None if funding is None else _funding(at / "funding", file, funding, legs)
    index: PremiumTable | None = getattr(file, "premium", None)
    if file.calendar is not None and file.gap != "cancel":
        raise (at / "gap").fail(f"was {file.gap!r} with a calendar; expected one of the two")
    return BarsMapping(
        source=Path(source),
        interval_ns=file.interval,
        form=_form(at, file),
        venue=file.venue or "bars",
        legs=legs,
        funding=paid,
        max_jump_bps=None if file.max_jump_bps is None else Fraction(file.max_jump_bps),
        calendar=file.calendar or "",
        next_bar=file.gap == "next_bar",
        premium=None if index is None else _premium(at / "premium", index, legs, paid),
    )


def _form(at: Place, file: BarsFile | KlinesFile) -> FileForm:
    if not isinstance(file, BarsFile):
        return FileForm(file.delimiter)
    if file.decimal == file.delimiter:
        raise (at / "decimal").fail(f"was {file.decimal!r}, which is the delimiter, too")
    return FileForm(
        delimiter=file.delimiter,
        columns=file.columns or (),
        skip_lines=file.skip_lines,
        descending=file.order == "descending",
        comma=file.decimal == ",",
    )


def _numbers(file: BarsFile | KlinesFile) -> Numbers:
    return Numbers(comma=isinstance(file, BarsFile) and file.decimal == ",", rounds=file.round)


def _shift(own: Place, scale: Decimal | None) -> int:
    """Power of ten of a scale."""
    if scale is None:
        return 0
    shift = scale.adjusted()
    if scale != Decimal(1).scaleb(shift):
        raise (own / "scale").was(scale, "a power of ten such as 0.0001")
    return shift


def _time(at: Place, own: TimeTable | None, file: BarsFile) -> TimeColumn:
    """Form of a table's time stamps: its own, else that of ``[time]``."""
    tables = [table for table in (own, file.time) if table is not None]
    column = _first(*(table.column for table in tables))
    if column is None:
        key = at.key if own is not None or file.time is None else "time"
        place = Place(at.source, f"{key}.column")
        raise place.fail("is missing, expected the column of the stamps")
    return TimeColumn(
        column,
        _first(*(table.unit for table in tables)) or "text",
        _first(*(table.zone for table in tables)) or ZoneInfo("UTC"),
        _first(*(table.stamp for table in tables)) == "close",
    )


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _leg(
    own: Place, file: BarsFile | KlinesFile, kind: InstrumentKind, leg: KlinesLeg
) -> LegMapping:
    columns = {n: getattr(leg, n) for n in _COLUMNS} if isinstance(leg, BarsLeg) else {}
    columns = {name: column for name, column in columns.items() if column}
    spread = _first(leg.half_spread_bps, file.half_spread_bps)
    if spread is None:
        raise (own / "half_spread_bps").fail("is missing")
    displayed = not isinstance(leg, BarsLeg) or "volume" in columns
    size = _first(leg.size, file.size)
    if size is None and not displayed:
        raise (own / "size").fail("is missing")
    made = LegMapping(
        instrument=leg_instrument(own, file, kind, leg),
        input=leg.input - 1,
        time=(
            _time(own / "time", leg.time, file)
            if isinstance(leg, BarsLeg) and isinstance(file, BarsFile)
            else TimeColumn("")
        ),
        columns=columns,
        half_spread_bps=Fraction(spread),
        share=Fraction(_first(leg.share, file.share) or DEFAULT_SHARE),
        size=Fraction(0) if size is None or displayed else Fraction(size),
        numbers=_numbers(file),
        shift=_shift(own, _first(leg.scale, file.scale)),
        scaled=_first(leg.scale, file.scale) is not None,
    )
    if not displayed and not 1 <= made.fixed_size < 1 << 63:
        units = f"units of 1e{file.qty_exponent} that fit 64 bits"
        raise (own / "size").was(size, units)
    return made


def _funding(
    at: Place,
    file: BarsFile | KlinesFile,
    table: KlinesFunding,
    legs: Sequence[LegMapping],
) -> FundingMapping:
    in_bars = table.input - 1 in [leg.input for leg in legs]
    if not isinstance(table, BarsFunding) or not isinstance(file, BarsFile):
        if in_bars:
            raise (at / "input").was(table.input, "an input without bars")
        time, numbers = TimeColumn(""), _numbers(file)
        return FundingMapping(table.input - 1, time, "", "", Fraction(1), 0, numbers)
    if in_bars and 0 < table.every < file.interval:
        seconds = file.interval // 10**9
        raise (at / "every").fail(f"is shorter than a bar of {seconds} s, whose line has one rate")
    return FundingMapping(
        input=table.input - 1,
        time=_time(at / "time", table.time, file),
        rate=table.rate,
        mark=table.mark,
        times=Fraction(table.times),
        every_ns=table.every,
        numbers=_numbers(file),
    )


def _premium(
    at: Place, table: PremiumTable, legs: Sequence[LegMapping], paid: FundingMapping | None
) -> PremiumMapping:
    """The perpetual's premium index, in files of its own."""
    number = table.input - 1
    if legs[-1].instrument.kind is not InstrumentKind.PERP:
        raise at.fail("was given, but there is no [perp] it is of")
    if number in [leg.input for leg in legs] + ([paid.input] if paid else []):
        raise (at / "input").was(table.input, "an input that no other table names")
    leg = replace(legs[-1], input=number, is_premium=True, size=Fraction(0))
    return PremiumMapping(leg, table.every, Fraction(table.interest))
