"""Limits a desk sets itself, and the integers with which a kernel checks orders.

The venue's own rules (tick, lot, least notional) are always on where they are known; these limits
are off at 0. What breaks either is refused and leaves a `RiskEvent`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel, money_shape, plain
from quantlaxmi.execution.daily_volatility import DailyVolatility, check_rows
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument, symbols_text
from quantlaxmi.recent import Recent
from quantlaxmi.schema import RISK_MONEY_EXPONENT, InstrumentKind, RiskRule
from quantlaxmi.settings import Bounds, Items, Settings

#: Orders within a window at most; a ring of as many times is kept.
MAX_ORDERS: Final = 1_000_000
MAX_AGE_MS: Final = 7 * 86_400_000
MAX_VOLATILITIES: Final = 10_000
Size = Annotated[FixedPoint, Bounds(ge=0, le="1e18")]
Orders = Annotated[int, Bounds(ge=0, le=MAX_ORDERS)]
_OFF: Final = FixedPoint(0, 0)
_ONE: Final = FixedPoint(1, 0)
_SIZES: Final = ("max_position", "max_notional")
#: Rules whose values and limits are quantities.
_QUANTITIES: Final = (
    RiskRule.LOT,
    RiskRule.MAX_POSITION,
    RiskRule.TRIM_REST,
    RiskRule.TRIM_SHORT,
    RiskRule.SHORT_SPOT,
)
_COUNTS: Final = ("max_orders_per_second", "max_orders_per_minute", "max_book_age_ms")

#: Of an instrument: tick, lot, least notional, whether closing orders are exempt from it, max
#: position, max notional.
Rule = tuple[int, int, int, bool, int, int | None, bool]
#: Orders per second and per minute, oldest book in ns, least result, ledger units of a money unit,
#: whether passing the least result closes; capital, with numerator and denominator of the leverage.
Limits = tuple[int, int, int, int | None, int, bool, tuple[int, int, int] | None]


class SizeLimits(Settings, frozen=True, kw_only=True):
    """Limits on one instrument; 0 is off.

    Attributes
    ----------
    max_position : FixedPoint
        Units of the base, long or short: a contract counts its size.
    max_notional : FixedPoint
        Worth of the position at the touch, in the instrument's currency.
    """

    max_position: Size = _OFF
    max_notional: Size = _OFF


class RiskLimits(Settings, frozen=True, kw_only=True):
    """Limits of a run, read from a TOML file; a limit that it does not name is off.

    ::

        max_loss = "1000"
        on_max_loss = "close"   # or "refuse"
        max_orders_per_second = 10
        max_book_age_ms = 500
        capital = "10000"
        leverage = "3"
        short_spot = "refuse"   # or "borrow"
        margin = "scan"         # or "none"; needs capital
        [symbols.BTCUSDT-PERP]
        max_position = "0.5"
        max_notional = "30000"
        [[daily_volatility]]    # needs margin = "scan"
        underlying = "NIFTY"
        valid_from = 2025-08-29
        value = "0.0086"

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
    capital : FixedPoint
        Stated capital in the one currency of the run's instruments: return and drawdown are of it,
        and equity below margin used is a margin call, which closes and stops as ``"close"`` does.
    leverage : FixedPoint
        Margin used is the sum of the positions' notionals at the mid over this; at least 0.01.
        Needs ``capital``.
    short_spot : {"borrow", "refuse"}
        Whether spot that is not held is borrowed to be sold, at interest, or such an order refused.
    margin : {"none", "scan"}
        Whether orders are refused whose margin, by the scan of `quantlaxmi.options.scan_margin`, is
        not there. Of contracts of NSE; needs ``capital``.
    daily_volatility : tuple of DailyVolatility
        Which price and volatility scans of the margin follow; of an underlying that has none they
        are the least ones. Rows of one underlying ascend, and cover the data. Needs ``margin``.
    symbols : dict of str to SizeLimits
        Of one instrument, by its symbol; take the place of the first two, both of them.

    Examples
    --------
    >>> limits = RiskLimits(max_loss=FixedPoint(1500, 0), on_max_loss="close")
    >>> limits.max_loss.to_text(), limits.max_orders_per_second
    ('1500', 0)
    """

    file_kind: ClassVar[str] = "a file of risk limits"

    max_position: Size = _OFF
    max_notional: Size = _OFF
    max_loss: Size = _OFF
    max_orders_per_second: Orders = 0
    max_orders_per_minute: Orders = 0
    max_book_age_ms: Annotated[int, Bounds(ge=0, le=MAX_AGE_MS)] = 0
    on_max_loss: Literal["refuse", "close"] = "refuse"
    capital: Size = _OFF
    leverage: Annotated[FixedPoint, Bounds(ge="0.01", le="1000000")] = _ONE
    short_spot: Literal["borrow", "refuse"] = "borrow"
    margin: Literal["none", "scan"] = "none"
    daily_volatility: Annotated[tuple[DailyVolatility, ...], Items(most=MAX_VOLATILITIES)] = ()
    symbols: dict[str, SizeLimits] = msgspec.field(default_factory=dict)

    def check(self) -> None:
        """Refuse a leverage, and a margin, of no capital."""
        if not self.capital.mantissa:
            if self.margin != "none":
                raise self.lacks("capital", 'margin = "scan" needs it')
            if self.leverage.to_fraction() != 1:
                raise self.lacks("capital", "leverage needs it")
        if self.daily_volatility and self.margin == "none":
            problem = 'expected margin = "scan" beside it: it counts for that margin alone'
            raise ConfigError("risk", problem, "daily_volatility")
        check_rows(self.daily_volatility)

    def describe(self) -> dict[str, Any]:
        """Return the limits that are on as plain values; what ``risk_hash`` covers."""
        found: dict[str, Any] = {}
        for key in (*_SIZES, "max_loss"):
            if getattr(self, key).mantissa:
                found[key] = plain(getattr(self, key))
        for key in _COUNTS:
            if getattr(self, key):
                found[key] = getattr(self, key)
        if self.on_max_loss != "refuse" and self.max_loss.mantissa:
            found["on_max_loss"] = self.on_max_loss
        if self.capital.mantissa:
            found["capital"] = plain(self.capital)
            if self.leverage.to_fraction() != 1:
                found["leverage"] = plain(self.leverage)
        if self.short_spot != "borrow":
            found["short_spot"] = self.short_spot
        if self.margin != "none":
            found["margin"] = self.margin
        if self.daily_volatility:
            found["daily_volatility"] = [row.describe() for row in self.daily_volatility]
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
        limits = cls.from_mapping(described, "risk")
        if limits.describe() != described:
            raise ConfigError("risk", "is no set of limits of this version")
        return limits

    @property
    def entries(self) -> tuple[dict[str, SizeLimits], ...]:
        """A copy of the dict inside: the limits are frozen, it is not."""
        return (dict(self.symbols),)

    @property
    def risk_hash(self) -> bytes:
        """SHA-256 of the canonical description: equal limits give equal hashes."""
        return _hashes.get(
            (self,), self.entries, lambda: canonical_digest("quantlaxmi.risk.1", self.describe())
        )

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
            here = symbols_text(sorted(known), min(self.symbols))
            raise ConfigError("risk", f"is not traded here, only {here}", min(self.symbols))


#: Every run's header has the hash; most runs have the limits of a few others.
_hashes: Final = Recent[bytes](most=8)


def order_rules(
    instruments: Sequence[Instrument], costs: CostModel, limits: RiskLimits, ledger: int
) -> tuple[list[Rule], Limits]:
    """Return the integers a kernel checks orders with; money at 10**ledger.

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
    alike: dict[object, tuple[int, int, int | None]] = {}
    own = {*limits.symbols, *(key.partition(".")[2] for key in costs.min_notional)}
    for one in instruments:
        # A chain has a thousand contracts with the same amounts.
        key = one.symbol if one.symbol in own else money_shape(one)
        if key not in alike:
            alike[key] = _amounts(one, costs, limits, ledger)
        least, position, worth = alike[key]
        exempt = one.kind != InstrumentKind.SPOT
        traded = one.kind != InstrumentKind.INDEX
        rules.append((one.tick, one.lot, least, exempt, position, worth, traded))
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
        _capital(instruments, limits, ledger),
    )


def _amounts(
    one: Instrument, costs: CostModel, limits: RiskLimits, ledger: int
) -> tuple[int, int, int | None]:
    """Least notional, largest position and largest notional of an instrument."""
    own = limits.sizes(one.symbol)
    position = math.floor(own.max_position.to_fraction() / one.base_unit)
    if own.max_position.mantissa and position < 1:
        raise ConfigError(
            "risk",
            f"was {own.max_position.to_text()}, below the smallest quantity of {one.symbol}",
            "max_position",
        )
    worth = _money(own.max_notional, ledger)
    least = costs.least_notional(one) or _OFF
    return (
        _fits("min_notional", math.ceil(_money(least, ledger)), 126),
        min(position, (1 << 63) - 1),  # beyond int64 no position can be
        _fits("max_notional", math.floor(worth), 126) if worth else None,
    )


def _capital(
    instruments: Sequence[Instrument], limits: RiskLimits, ledger: int
) -> tuple[int, int, int] | None:
    if not limits.capital.mantissa:
        return None
    currencies = sorted({one.currency for one in instruments})
    if len(currencies) > 1:
        here = ", ".join(currencies)
        raise ConfigError("risk", f"is of one currency, and the segment has {here}", "capital")
    stated = _fits("capital", math.floor(_money(limits.capital, ledger - 1)), 126)
    if stated < 1:
        raise ConfigError(
            "risk",
            f"was {limits.capital.to_text()}, below the least amount of the run's money",
            "capital",
        )
    leverage = limits.leverage.to_fraction()
    return stated, leverage.numerator, leverage.denominator


def money_exponent(ledger: int) -> int:
    """Exponent of money in risk rows."""
    return max(ledger, RISK_MONEY_EXPONENT)


def risk_exponent(rule: RiskRule, instrument: Instrument, ledger: int) -> int:
    """Exponent of a risk row's value and limit; ages are nanoseconds, written as seconds."""
    if rule in _QUANTITIES:
        return instrument.qty_exponent
    if rule == RiskRule.TICK:
        return instrument.price_exponent
    if rule in (RiskRule.ORDERS_PER_SECOND, RiskRule.ORDERS_PER_MINUTE):
        return 0
    if rule == RiskRule.STALE_BOOK:
        return -9
    return money_exponent(ledger)


def _money(value: FixedPoint, ledger: int) -> Fraction:
    return value.to_fraction() / Fraction(10) ** ledger


def _fits(field: str, value: int, bits: int) -> int:
    if value >= 1 << bits:
        raise ConfigError("risk", f"is {value} ledger units, which do not fit a kernel", field)
    return value
