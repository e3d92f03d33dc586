"""Limits a desk sets itself, and the integers with which a kernel holds orders against them.

The venue's own rules (tick, lot, least notional) are always on where they are known; these limits
are off at 0. What breaks either is refused and leaves a `RiskEvent`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.execution.costs import CostModel, decimal_setting, plain
from quantlaxmi.files import read_toml
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import RISK_MONEY_EXPONENT, InstrumentKind, RiskRule

#: Orders within a window at most; a ring of as many times is kept.
MAX_ORDERS: Final = 1_000_000
MAX_AGE_MS: Final = 7 * 86_400_000
#: What a loss beyond ``max_loss`` does.
ON_MAX_LOSS: Final = ("refuse", "close")
_OFF: Final = FixedPoint(0, 0)
_SIZES: Final = ("max_position", "max_notional")
_COUNTS: Final = {
    "max_orders_per_second": MAX_ORDERS,
    "max_orders_per_minute": MAX_ORDERS,
    "max_book_age_ms": MAX_AGE_MS,
}

#: Of an instrument: tick, lot, least notional, whether closing orders are exempt from it, max
#: position, max notional.
Rule = tuple[int, int, int, bool, int, int | None]
#: Orders per second and per minute, oldest book in ns, least result, ledger units of a money unit,
#: whether passing the least result closes.
Limits = tuple[int, int, int, int | None, int, bool]


class SizeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on one instrument; 0 is off.

    Attributes
    ----------
    max_position : FixedPoint
        Units of quantity, long or short.
    max_notional : FixedPoint
        Worth of the position at the touch, in the instrument's currency.
    """

    max_position: FixedPoint = _OFF
    max_notional: FixedPoint = _OFF


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a run; all off by default.

    Attributes
    ----------
    max_position, max_notional : FixedPoint
        As in `SizeLimits`, of each instrument that has no limits of its own.
    max_loss : FixedPoint
        When realized and unrealized PnL less fees plus funding is further below zero than this,
        in a currency, orders that open in it are refused.
    max_orders_per_second, max_orders_per_minute : int
        Orders sent within any second or minute.
    max_book_age_ms : int
        Orders on a book older than this, or on one that is not valid, are refused.
    on_max_loss : {"refuse", "close"}
        Whether a passed ``max_loss`` only refuses what opens, or stops the currency for good: what
        rests is cancelled, what is held closed, nothing else sent.
    symbols : dict of str to SizeLimits
        Of one instrument, by its symbol; take the place of the first two, both of them.
    """

    max_position: FixedPoint = _OFF
    max_notional: FixedPoint = _OFF
    max_loss: FixedPoint = _OFF
    max_orders_per_second: int = 0
    max_orders_per_minute: int = 0
    max_book_age_ms: int = 0
    on_max_loss: str = ON_MAX_LOSS[0]
    symbols: dict[str, SizeLimits] = {}

    @classmethod
    def load(cls, path: str | Path) -> RiskLimits:
        """Read a TOML file; what it does not name is off.

        ::

            max_loss = "1000"
            on_max_loss = "close"   # or "refuse"
            max_orders_per_second = 10
            max_book_age_ms = 500
            [symbols.BTCUSDT-PERP]
            max_position = "0.5"
            max_notional = "30000"

        Raises
        ------
        ConfigError
            The file cannot be read, or a key or value is not as above; names the field.
        """
        source = Path(path)
        return cls._from_plain(source, read_toml(source))

    @classmethod
    def _from_plain(cls, source: object, data: dict[str, Any]) -> RiskLimits:
        data = dict(data)
        tables = data.pop("symbols", {})
        if not isinstance(tables, dict):
            raise ConfigError(source, f"was {shown(tables)}, expected tables by symbol", "symbols")
        values: dict[str, Any] = {}
        for key, value in data.items():
            if key in (*_SIZES, "max_loss"):
                values[key] = _size(source, key, value)
            elif key in _COUNTS:
                values[key] = _count(source, key, value)
            elif key == "on_max_loss":
                if value not in ON_MAX_LOSS:
                    problem = f"was {shown(value)}, expected {' or '.join(ON_MAX_LOSS)}"
                    raise ConfigError(source, problem, key)
                values[key] = value
            else:
                expected = ", ".join((*_SIZES, "max_loss", "on_max_loss", *_COUNTS, "symbols"))
                raise ConfigError(source, f"was not expected, only {expected}", key)
        symbols = {}
        for symbol, table in tables.items():
            place = f"symbols.{symbol}"
            if not isinstance(table, dict):
                raise ConfigError(source, f"was {shown(table)}, expected a table", place)
            for key in table:
                if key not in _SIZES:
                    raise ConfigError(
                        source, f"was not expected, only {', '.join(_SIZES)}", f"{place}.{key}"
                    )
            symbols[symbol] = SizeLimits(
                **{key: _size(source, f"{place}.{key}", value) for key, value in table.items()}
            )
        return cls(**values, symbols=symbols)

    def describe(self) -> dict[str, Any]:
        """Return the limits that are on as plain values; what ``risk_hash`` covers."""
        found: dict[str, Any] = {}
        for key in (*_SIZES, "max_loss"):
            if getattr(self, key).mantissa:
                found[key] = plain(getattr(self, key))
        for key in _COUNTS:
            if getattr(self, key):
                found[key] = getattr(self, key)
        if self.on_max_loss != ON_MAX_LOSS[0] and self.max_loss.mantissa:
            found["on_max_loss"] = self.on_max_loss
        if self.symbols:
            found["symbols"] = {
                symbol: {key: plain(getattr(own, key)) for key in _SIZES}
                for symbol, own in sorted(self.symbols.items())
            }
        return found

    @classmethod
    def from_description(cls, described: dict[str, Any]) -> RiskLimits:
        """Return the limits that `describe` described.

        Raises
        ------
        ConfigError
            It is no description of this version.
        """
        if not isinstance(described, dict):
            raise ConfigError("risk", "is no set of limits")
        limits = cls._from_plain("risk", described)
        if limits.describe() != described:
            raise ConfigError("risk", "is no set of limits of this version")
        return limits

    @property
    def risk_hash(self) -> bytes:
        """SHA-256 of the canonical description: equal limits give equal hashes."""
        return canonical_digest("quantlaxmi.risk.1", self.describe())

    def sizes(self, symbol: str) -> SizeLimits:
        """Limits of one instrument: its own, else those of all."""
        own = self.symbols.get(symbol)
        if own is not None:
            return own
        return SizeLimits(max_position=self.max_position, max_notional=self.max_notional)

    def check_symbols(self, instruments: Sequence[Instrument]) -> None:
        """Refuse limits none of whose symbols is here: surely a slip.

        Raises
        ------
        ConfigError
        """
        known = {one.symbol for one in instruments}
        if self.symbols and not self.symbols.keys() & known:
            here = ", ".join(sorted(known))
            raise ConfigError("risk", f"is not traded here, only {here}", min(self.symbols))


def order_rules(
    instruments: Sequence[Instrument], costs: CostModel, limits: RiskLimits, ledger: int
) -> tuple[list[Rule], Limits]:
    """Return the integers a kernel holds orders against; money at 10**ledger.

    Parameters
    ----------
    instruments : sequence of Instrument
        Tick and lot as they carry them.
    costs : CostModel
        Least notionals.
    limits : RiskLimits
    ledger : int
        Exponent of the run's money.

    Raises
    ------
    ConfigError
        A limit does not fit a kernel's integers.
    """
    limits.check_symbols(instruments)
    rules: list[Rule] = []
    for one in instruments:
        own = limits.sizes(one.symbol)
        unit = one.contract_size * Fraction(10) ** one.qty_exponent
        position = math.floor(_value(own.max_position) / unit)
        if own.max_position.mantissa and position < 1:
            raise ConfigError(
                "risk",
                f"was {own.max_position.to_text()}, below the smallest quantity of {one.symbol}",
                "max_position",
            )
        worth = _money(own.max_notional, ledger)
        least = costs.least_notional(one) or _OFF
        rules.append(
            (
                one.tick,
                one.lot,
                _fits("min_notional", math.ceil(_money(least, ledger)), 126),
                one.kind != InstrumentKind.SPOT,
                # Beyond int64 no position can be.
                min(position, (1 << 63) - 1),
                _fits("max_notional", math.floor(worth), 126) if worth else None,
            )
        )
    loss = None
    if limits.max_loss.mantissa:
        loss = -_fits("max_loss", math.floor(_money(limits.max_loss, ledger - 1)), 126)
    return rules, (
        limits.max_orders_per_second,
        limits.max_orders_per_minute,
        limits.max_book_age_ms * 10**6,
        loss,
        _fits("money", 10 ** (money_exponent(ledger) - ledger), 126),
        limits.on_max_loss == "close",
    )


def money_exponent(ledger: int) -> int:
    """Exponent of money in risk rows."""
    return max(ledger, RISK_MONEY_EXPONENT)


def risk_exponent(rule: RiskRule, instrument: Instrument, ledger: int) -> int:
    """Exponent of a risk row's value and limit; ages are nanoseconds, written as seconds."""
    if rule in (RiskRule.LOT, RiskRule.MAX_POSITION, RiskRule.TRIM_REST):
        return instrument.qty_exponent
    if rule == RiskRule.TICK:
        return instrument.price_exponent
    if rule in (RiskRule.ORDERS_PER_SECOND, RiskRule.ORDERS_PER_MINUTE):
        return 0
    if rule == RiskRule.STALE_BOOK:
        return -9
    return money_exponent(ledger)


def _value(value: FixedPoint) -> Fraction:
    return value.mantissa * Fraction(10) ** value.exponent


def _money(value: FixedPoint, ledger: int) -> Fraction:
    return _value(value) / Fraction(10) ** ledger


def _fits(field: str, value: int, bits: int) -> int:
    if value >= 1 << bits:
        raise ConfigError("risk", f"is {value} ledger units, which do not fit a kernel", field)
    return value


def _size(source: object, place: str, value: object) -> FixedPoint:
    found = decimal_setting(source, place, value)
    if found.mantissa < 0:
        raise ConfigError(source, f"was {value}, expected 0 (off) or above", place)
    return found


def _count(source: object, place: str, value: object) -> int:
    most = _COUNTS[place]
    if type(value) is not int or not 0 <= value <= most:
        raise ConfigError(source, f"was {shown(value)}, expected 0 (off) to {most}", place)
    return value
