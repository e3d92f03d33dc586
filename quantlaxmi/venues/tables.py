"""Dated tables of a venue's terms: TOML in the package, read once, checked, looked up by date."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import msgspec

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.cost_file import BorrowBps, Bps, BuyFee
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import (
    Bounds,
    Chars,
    Items,
    Key,
    Place,
    Reads,
    Settings,
    kinds,
    read_settings,
)

FOLDER: Final = Path(__file__).parent
#: Tables of the package, by name.
TABLE_NAMES: Final = ("binance",)
MAX_ROWS: Final = 100_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = "a day such as 2024-01-31 or a time such as 2024-01-31T08:00:00Z"
_ABOVE_0: Final = Bounds(gt=0)
_UNKNOWN: Final = FixedPoint(0, 0)


def day_text(ts_ns: int) -> str:
    """A time as people write it: ``2024-01-15``, with the hour where it is not midnight."""
    at = datetime.fromtimestamp(ts_ns // 10**9, UTC)
    return at.strftime("%Y-%m-%d" if (at.hour, at.minute) == (0, 0) else "%Y-%m-%d %H:%M UTC")


def _moment(value: Any, at: Place) -> int:
    """A date or a UTC time, as TOML's own or as text, in nanoseconds."""
    found = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise at.was(value, _DAY) from None
        if found.tzinfo is None and (found.hour, found.minute, found.second) == (0, 0, 0):
            found = found.replace(tzinfo=UTC)
    elif isinstance(value, date) and not isinstance(value, datetime):
        found = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(found, datetime) or found.tzinfo is None or found.microsecond:
        raise at.was(value, _DAY)
    since = found - _EPOCH
    if not 0 <= since.days < 100_000:
        raise at.was(value, f"{_DAY}, from 1970 to 2243")
    return (since.days * 86_400 + since.seconds) * 10**9


def _step(value: Any, at: Place) -> FixedPoint:
    """A decimal above 0; what is not known is left out."""
    return kinds.Fixed(_ABOVE_0).read(value, at)


Text = Annotated[str, Chars(least=1)]
Step = Annotated[FixedPoint, Reads(_step, "a decimal number above 0", FixedPoint.to_text)]
Day = Annotated[int, Key("valid_from"), Reads(_moment, _DAY, day_text)]


class RuleRow(Settings, frozen=True, kw_only=True):
    """A venue's rules for orders in one symbol, from a day on.

    Attributes
    ----------
    venue, symbol : str
        The venue's own symbol.
    kind : InstrumentKind
    valid_from_ns : int
        Nanoseconds since the Unix epoch, UTC.
    tick, lot : FixedPoint
        Smallest steps of price and of quantity; 0 where not known.
    min_notional : FixedPoint
        Least value of an order in the symbol's currency; 0 where not known.
    source : str
        Where it is known from.
    """

    venue: Text
    symbol: Text
    kind: InstrumentKind
    valid_from_ns: Day
    tick: Step = _UNKNOWN
    lot: Step = _UNKNOWN
    min_notional: Step = _UNKNOWN
    source: Text


class FeeRow(Settings, frozen=True, kw_only=True):
    """Commission of one kind of instrument at a venue, or of one symbol of it, from a day on.

    Attributes
    ----------
    venue : str
    kind : InstrumentKind
    valid_from_ns : int
        Nanoseconds since the Unix epoch, UTC.
    maker_bps, taker_bps : FixedPoint
        Basis points of the notional; negative is a rebate.
    source : str
    symbol : str or None
        The venue's own symbol, where the row is of one; it goes before the kind's.
    """

    venue: Text
    kind: InstrumentKind
    valid_from_ns: Day
    maker_bps: Bps
    taker_bps: Bps
    source: Text
    symbol: Text | None = None


class BorrowRow(Settings, frozen=True, kw_only=True):
    """Interest on an asset that a venue lends to be sold, from a day on.

    Attributes
    ----------
    venue, asset : str
    valid_from_ns : int
        Nanoseconds since the Unix epoch, UTC.
    borrow_bps : FixedPoint or None
        Basis points a year; None where it is not known from here on.
    source : str
    """

    venue: Text
    asset: Text
    valid_from_ns: Day
    borrow_bps: BorrowBps | None = None
    source: Text


class BuyFeeRow(Settings, frozen=True, kw_only=True):
    """What buys of one kind of instrument pay their fee in at a venue, from a day on.

    Attributes
    ----------
    venue : str
    kind : InstrumentKind
    valid_from_ns : int
        Nanoseconds since the Unix epoch, UTC.
    buy_fee : {"quote", "base"}
    source : str
    """

    venue: Text
    kind: InstrumentKind
    valid_from_ns: Day
    buy_fee: BuyFee
    source: Text


class TableFile(Settings, frozen=True, kw_only=True):
    """A table as it is written; ``format`` is 1."""

    file_kind: ClassVar[str] = "a table of a venue's terms"

    table: Text
    format: Annotated[int, Bounds(ge=1, le=1)]
    rules: Annotated[tuple[RuleRow, ...], Items(most=MAX_ROWS)] = ()
    fees: Annotated[tuple[FeeRow, ...], Items(most=MAX_ROWS)] = ()
    borrow: Annotated[tuple[BorrowRow, ...], Items(most=MAX_ROWS)] = ()
    buy_fees: Annotated[tuple[BuyFeeRow, ...], Items(most=MAX_ROWS)] = ()


class MarketTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes
    ----------
    name : str
        What errors call it: ``venues/binance.toml``.
    rules : dict of (venue, kind, symbol) to tuple of RuleRow
    fees : dict of (venue, kind) to tuple of FeeRow
    symbol_fees : dict of (venue, kind, symbol) to tuple of FeeRow
    borrow : dict of (venue, asset) to tuple of BorrowRow
    buy_fees : dict of (venue, kind) to tuple of BuyFeeRow
        Rows of one key ascend by date.
    """

    name: str
    rules: dict[tuple[str, InstrumentKind, str], tuple[RuleRow, ...]]
    fees: dict[tuple[str, InstrumentKind], tuple[FeeRow, ...]]
    symbol_fees: dict[tuple[str, InstrumentKind, str], tuple[FeeRow, ...]] = {}
    borrow: dict[tuple[str, str], tuple[BorrowRow, ...]] = {}
    buy_fees: dict[tuple[str, InstrumentKind], tuple[BuyFeeRow, ...]] = {}


def load_table(path: str | Path, name: str | None = None) -> MarketTable:
    """Read and check a table.

    Parameters
    ----------
    path : str or Path
        TOML of at most 1 MiB and 100 000 rows.
    name : str, optional
        What errors call it; the path without.

    Returns
    -------
    MarketTable

    Raises
    ------
    ConfigError
        Names table, field, value and, for a row, its market and date.
    """
    called = str(path) if name is None else name
    file = TableFile.from_mapping(read_settings(path, TableFile.file_kind), called)
    of_fees = _by_date(called, "fees", file.fees, _fee_key)
    return MarketTable(
        name=called,
        rules=_by_date(called, "rules", file.rules, lambda r: (r.venue, r.kind, r.symbol)),
        fees={key: rows for key, rows in of_fees.items() if len(key) == 2},
        symbol_fees={key: rows for key, rows in of_fees.items() if len(key) == 3},
        borrow=_by_date(called, "borrow", file.borrow, lambda r: (r.venue, r.asset)),
        buy_fees=_by_date(called, "buy_fees", file.buy_fees, lambda r: (r.venue, r.kind)),
    )


def _fee_key(row: FeeRow) -> tuple[str, ...]:
    return (row.venue, row.kind, row.symbol) if row.symbol else (row.venue, row.kind)


@functools.cache
def package_table(name: str) -> MarketTable:
    """One of `TABLE_NAMES`, read at most once."""
    if name not in TABLE_NAMES:
        raise ConfigError("markets", f"was {name!r}, expected one of {', '.join(TABLE_NAMES)}")
    return load_table(FOLDER / f"{name}.toml", f"venues/{name}.toml")


def _by_date(
    name: str, section: str, rows: Sequence[Any], key_of: Any
) -> dict[Any, tuple[Any, ...]]:
    """Rows by key; those of one key must ascend by date as they are written."""
    found: dict[Any, list[Any]] = {}
    for k, row in enumerate(rows):
        before = found.setdefault(key_of(row), [])
        if before and before[-1].valid_from_ns >= row.valid_from_ns:
            raise ConfigError(
                name,
                f"was {day_text(row.valid_from_ns)}, expected after "
                f"{day_text(before[-1].valid_from_ns)}, the row before of {' '.join(key_of(row))}",
                f"{section}[{k}].valid_from",
            )
        before.append(row)
    return {key: tuple(rows) for key, rows in found.items()}
