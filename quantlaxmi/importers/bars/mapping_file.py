"""The tables of a mapping of bars or klines, one line a key; see ``docs/IMPORT.md``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

from quantlaxmi.importers.traded_pair import ContractSize, PriceUnits
from quantlaxmi.settings import Bounds, Chars, Items, Place, Reads, Settings

UNITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
#: Longest span of time that a mapping may name, such as a bar's length.
MAX_SPAN_S: Final = 366 * 86_400
#: The last two as pandas writes them.
_SPANS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "min": 60, "D": 86_400}
_SPAN: Final = f"a length such as 1m, 4h, 1d, at most {MAX_SPAN_S // 86_400}d"
_UNIT: Final = "text, s, ms, us, ns or a pattern such as '%d.%m.%Y %H:%M'"
_ZONE: Final = "a name such as UTC"
_SOME_TIME: Final = datetime(2024, 1, 31, 7, 8, 9, tzinfo=UTC)
_NAME_CHARS: Final = 200


def span_ns(text: str) -> int:
    """Nanoseconds of a length such as ``4h``; 0 where it is none, or longer than `MAX_SPAN_S`."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})(s|m|h|d|min|D)", text)
    seconds = int(found[1]) * _SPANS[found[2]] if found else 0
    return seconds * 10**9 if seconds <= MAX_SPAN_S else 0


def _span(value: Any, at: Place) -> int:
    found = span_ns(value) if type(value) is str else 0
    if not found:
        raise at.was(value, _SPAN)
    return found


def _unit(value: Any, at: Place) -> str:
    if type(value) is not str or not (value in ("text", *UNITS) or _is_pattern(value)):
        raise at.was(value, _UNIT)
    return value


def _is_pattern(unit: str) -> bool:
    """A pattern of ``strptime`` that reads what it writes; others make it fail in many ways."""
    try:
        datetime.strptime(_SOME_TIME.strftime(unit), unit)
    except (ValueError, LookupError, re.error):
        return False
    return "%" in unit and len(unit) <= _NAME_CHARS


def _zone(value: Any, at: Place) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, KeyError, TypeError, AttributeError):
        # A path, a folder, an unknown name, no text.
        raise at.was(value, _ZONE) from None


Name = Annotated[str, Chars(least=1, most=_NAME_CHARS)]
Column = Annotated[str, Chars(most=_NAME_CHARS)]
Exponent = Annotated[int, Bounds(ge=-12, le=0)]
#: Inputs that a mapping names, and tables of bars beyond the first of each kind.
MAX_INPUTS = 64
Input = Annotated[int, Bounds(ge=1, le=MAX_INPUTS)]
Positive = Annotated[Decimal, Bounds(gt=0, lt="1e15", places=15)]
Step = Annotated[Decimal, Bounds(ge=0, lt="1e15", places=15)]
Span = Annotated[int, Reads(_span, _SPAN)]
Calendar = Annotated[str, Chars(pattern=r"[A-Za-z0-9_/]{1,40}", says="a name such as XNYS")]
Columns = Annotated[tuple[Name, ...], Items(least=2, most=1000, distinct=True)]


class Terms(Settings, frozen=True, kw_only=True):
    """Terms of the whole file or of a table of bars; the table's own take precedence."""

    venue: Name | None = None
    currency: Name | None = None
    base: Column | None = None
    half_spread_bps: Annotated[Decimal, Bounds(gt=0, lt=10_000, places=15)] | None = None
    share: Positive | None = None
    size: Positive | None = None
    scale: Annotated[Decimal, Bounds(gt=0, lt="1e13", places=12)] | None = None


class TimeTable(Settings, frozen=True, kw_only=True):
    """Form of time stamps; ``[time]`` gives what a table of bars leaves out."""

    column: Column | None = None  # empty for the column without a name, as of an index
    unit: Annotated[str, Reads(_unit, _UNIT)] | None = None
    zone: Annotated[ZoneInfo, Reads(_zone, _ZONE)] | None = None
    stamp: Literal["open", "close"] | None = None


class KlinesLeg(Terms, frozen=True, kw_only=True):
    """One instrument's klines, whose columns are known."""

    symbol: Name
    input: Input = 1
    tick: Step = Decimal(0)
    lot: Step = Decimal(0)
    contract_size: ContractSize | None = None
    price_units: PriceUnits | None = None


class BarsLeg(KlinesLeg, frozen=True, kw_only=True):
    """One instrument's bars."""

    open: Name
    close: Name
    high: Column = ""
    low: Column = ""
    volume: Column = ""
    close_time: Column = ""
    symbol_column: Column = ""
    time: TimeTable | None = None


class MoreBars(BarsLeg, frozen=True, kw_only=True):
    """A further instrument's bars."""

    kind: Literal["spot", "perp"]


class KlinesFunding(Settings, frozen=True, kw_only=True):
    """Funding in files of its own, whose columns are known."""

    input: Input = 1


class BarsFunding(KlinesFunding, frozen=True, kw_only=True):
    """Columns of funding rates."""

    rate: Name
    mark: Column = ""
    times: Positive = Decimal(1)
    every: Span = 0
    time: TimeTable | None = None


class PremiumTable(Settings, frozen=True, kw_only=True):
    """The perpetual's premium index, in files of its own."""

    input: Input = 1
    every: Span = 8 * 3600 * 10**9
    interest: Annotated[Decimal, Bounds(ge=0, le=1, places=15)] = Decimal("0.0001")


class MappingFile(Terms, frozen=True, kw_only=True):
    """Keys of every mapping."""

    file_kind: ClassVar[str] = "a mapping of bars"

    interval: Span = 0
    delimiter: Annotated[str, Chars(pattern=r'[^"\n\r]', says="one character, no quote")] = ","
    round: bool = False
    price_exponent: Exponent = -8
    qty_exponent: Exponent = -8
    max_jump_bps: Step | None = None
    gap: Literal["cancel", "next_bar"] = "cancel"
    calendar: Calendar | None = None


class BarsFile(MappingFile, frozen=True, kw_only=True):
    """A mapping of format ``bars``."""

    interval: Span
    columns: Columns | None = None
    skip_lines: Annotated[int, Bounds(ge=0, le=1000)] = 0
    order: Literal["ascending", "descending"] = "ascending"
    decimal: Literal[".", ","] = "."
    time: TimeTable | None = None
    spot: BarsLeg | None = None
    perp: BarsLeg | None = None
    more: Annotated[tuple[MoreBars, ...], Items(most=MAX_INPUTS)] = ()
    funding: BarsFunding | None = None


class KlinesFile(MappingFile, frozen=True, kw_only=True):
    """A mapping of klines, whose columns and times are known."""

    spot: KlinesLeg | None = None
    perp: KlinesLeg | None = None


class FundedFile(KlinesFile, frozen=True, kw_only=True):
    """A mapping of bars whose columns are known, with funding in files of its own."""

    funding: KlinesFunding | None = None


class LeanFile(KlinesFile, frozen=True, kw_only=True):
    """A mapping of LEAN's bars, whose clock is the exchange's."""

    zone: Annotated[ZoneInfo, Reads(_zone, _ZONE)] = ZoneInfo("UTC")


class ArchiveFile(KlinesFile, frozen=True, kw_only=True):
    """A mapping of an archive's klines, which can come with funding and a premium index."""

    funding: KlinesFunding | None = None
    premium: PremiumTable | None = None
