"""Dated tables of a venue's terms: TOML in the package, read once, checked, looked up by date."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.errors import ConfigError, FixedPointError, shown
from quantlaxmi.execution.costs import MAX_BPS
from quantlaxmi.files import read_toml
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind

FOLDER: Final = Path(__file__).parent
#: Tables of the package, by name.
TABLE_NAMES: Final = ("binance",)
MAX_ROWS: Final = 100_000
MAX_TEXT: Final = 4096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO: Final = FixedPoint(0, 0)


class RuleRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a venue asks of orders in one symbol, from a day on.

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

    venue: str
    symbol: str
    kind: InstrumentKind
    valid_from_ns: int
    tick: FixedPoint
    lot: FixedPoint
    min_notional: FixedPoint
    source: str


class FeeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    symbol : str
        The venue's own symbol, where the row is of one; it goes before the kind's.
    """

    venue: str
    kind: InstrumentKind
    valid_from_ns: int
    maker_bps: FixedPoint
    taker_bps: FixedPoint
    source: str
    symbol: str = ""


class MarketTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes
    ----------
    name : str
        What errors call it: ``venues/binance.toml``.
    rules : dict of (venue, kind, symbol) to tuple of RuleRow
    fees : dict of (venue, kind) to tuple of FeeRow
    symbol_fees : dict of (venue, kind, symbol) to tuple of FeeRow
        Rows of one key ascend by date.
    """

    name: str
    rules: dict[tuple[str, InstrumentKind, str], tuple[RuleRow, ...]]
    fees: dict[tuple[str, InstrumentKind], tuple[FeeRow, ...]]
    symbol_fees: dict[tuple[str, InstrumentKind, str], tuple[FeeRow, ...]] = {}


def day_text(ts_ns: int) -> str:
    """A time as people write it: ``2024-01-15``, with the hour where it is not midnight."""
    at = datetime.fromtimestamp(ts_ns // 10**9, UTC)
    return at.strftime("%Y-%m-%d" if (at.hour, at.minute) == (0, 0) else "%Y-%m-%d %H:%M UTC")


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
    data = read_toml(path)
    if data.pop("format", None) != 1 or not isinstance(data.pop("table", None), str):
        raise ConfigError(called, "was of another format, expected table and format = 1", "format")
    rules = [_rule(called, row, k) for k, row in enumerate(_rows(called, data, "rules"))]
    fees = [_fee(called, row, k) for k, row in enumerate(_rows(called, data, "fees"))]
    for key in data:
        raise ConfigError(called, "was not expected, only table, format, rules and fees", key)
    of_fees = _by_date(called, "fees", fees, _fee_key)
    return MarketTable(
        name=called,
        rules=_by_date(called, "rules", rules, lambda r: (r.venue, r.kind, r.symbol)),
        fees={key: rows for key, rows in of_fees.items() if len(key) == 2},
        symbol_fees={key: rows for key, rows in of_fees.items() if len(key) == 3},
    )


def _fee_key(row: FeeRow) -> tuple[str, ...]:
    return (row.venue, row.kind, row.symbol) if row.symbol else (row.venue, row.kind)


@functools.cache
def package_table(name: str) -> MarketTable:
    """One of `TABLE_NAMES`, read at most once."""
    if name not in TABLE_NAMES:
        raise ConfigError("markets", f"was {name!r}, expected one of {', '.join(TABLE_NAMES)}")
    return load_table(FOLDER / f"{name}.toml", f"venues/{name}.toml")


def _rows(name: str, data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    rows = data.pop(section, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(name, f"was no list of tables, expected [[{section}]]", section)
    if len(rows) > MAX_ROWS:
        raise ConfigError(name, f"had {len(rows)} rows, expected at most {MAX_ROWS}", section)
    return rows


def _rule(name: str, row: dict[str, Any], k: int) -> RuleRow:
    place = f"rules[{k}]"
    head = _head(name, row, place, ("venue", "symbol", "source"))
    head |= {key: _step(name, row, place, key) for key in ("tick", "lot", "min_notional")}
    _nothing_else(name, row, place)
    return RuleRow(**head)


def _fee(name: str, row: dict[str, Any], k: int) -> FeeRow:
    place = f"fees[{k}]"
    texts = ("venue", "source", "symbol") if "symbol" in row else ("venue", "source")
    head = _head(name, row, place, texts)
    for key in ("maker_bps", "taker_bps"):
        rate = _decimal(name, f"{place}.{key}", row.pop(key, None))
        if abs(rate) > FixedPoint(MAX_BPS, 0):
            raise ConfigError(
                name, f"was {rate.to_text()}, expected within ±{MAX_BPS} bps", f"{place}.{key}"
            )
        head[key] = rate
    _nothing_else(name, row, place)
    return FeeRow(**head)


def _head(name: str, row: dict[str, Any], place: str, texts: tuple[str, ...]) -> dict[str, Any]:
    head: dict[str, Any] = {}
    for key in texts:
        value = row.pop(key, None)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
            raise ConfigError(name, f"was {shown(value)}, expected a text", f"{place}.{key}")
        head[key] = value
    kind = row.pop("kind", None)
    if kind not in tuple(InstrumentKind):
        expected = ", ".join(InstrumentKind)
        raise ConfigError(name, f"was {shown(kind)}, expected one of {expected}", f"{place}.kind")
    head["kind"] = InstrumentKind(kind)
    head["valid_from_ns"] = _moment(name, f"{place}.valid_from", row.pop("valid_from", None))
    return head


def _moment(name: str, place: str, value: object) -> int:
    """A date or a UTC time, as TOML's own or as text, in nanoseconds."""
    expected = "expected a day such as 2024-01-31 or a time such as 2024-01-31T08:00:00Z"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
            if value.tzinfo is None and (value.hour, value.minute, value.second) == (0, 0, 0):
                value = value.replace(tzinfo=UTC)
        except ValueError:
            raise ConfigError(name, f"was {shown(value)}, {expected}", place) from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None or value.microsecond:
        raise ConfigError(
            name, f"was {value if isinstance(value, date) else shown(value)}, {expected}", place
        )
    since = value - _EPOCH
    if not 0 <= since.days < 100_000:
        raise ConfigError(name, f"was {value}, {expected}, from 1970 to 2243", place)
    return (since.days * 86_400 + since.seconds) * 10**9


def _decimal(name: str, place: str, value: object) -> FixedPoint:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ConfigError(name, f"was {shown(value)}, expected a decimal number", place)
    try:
        return FixedPoint.from_text(str(value))
    except FixedPointError as error:
        raise ConfigError(name, f"{error}, expected a decimal number", place) from None
    except ValueError:  # an integer of thousands of digits, which hexadecimal TOML can hold
        raise ConfigError(name, f"was {shown(value)}, expected a decimal", place) from None


def _step(name: str, row: dict[str, Any], place: str, key: str) -> FixedPoint:
    """A positive decimal; a missing one is not known and stands as 0."""
    if key not in row:
        return _ZERO
    value = _decimal(name, f"{place}.{key}", row.pop(key))
    if value.mantissa <= 0:
        raise ConfigError(
            name, f"was {value.to_text()}, expected above 0, or no {key}", f"{place}.{key}"
        )
    return value


def _nothing_else(name: str, row: dict[str, Any], place: str) -> None:
    for key in row:
        raise ConfigError(name, "was not expected", f"{place}.{key}")


def _by_date(name: str, section: str, rows: list[Any], key_of: Any) -> dict[Any, tuple[Any, ...]]:
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
