"""Trading costs: commission per fill, by kind of instrument, and interest on sold spot.

A rate is in basis points of the fill's notional (price times quantity). Each commission is rounded
half to even at ``fee_exponent``: Binance books commissions to eight decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, FixedPointOverflow
from quantlaxmi.execution.cost_bounds import check_bounds
from quantlaxmi.execution.cost_components import (
    Components,
    components_of,
    described_components,
    exact_exponent,
    scaled_components,
)
from quantlaxmi.execution.cost_file import KINDS, CostFile, CostTable
from quantlaxmi.execution.cost_keys import cost_key as cost_key
from quantlaxmi.execution.cost_keys import money_shape as money_shape
from quantlaxmi.execution.fee_rate import FeeRate as FeeRate
from quantlaxmi.execution.fee_rate import plain as plain
from quantlaxmi.execution.fee_rate import plain_rate, rate_of
from quantlaxmi.execution.impact import Impact
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument, symbols_text
from quantlaxmi.recent import Recent
from quantlaxmi.schema import TRADED_KINDS, InstrumentKind
from quantlaxmi.settings.place import told

#: Interest a year on spot that is sold and not held, where no table knows a rate: an assumption.
ASSUMED_BORROW_BPS: Final = FixedPoint(1000, 0)

_NO_IMPACT: Final = Impact()
_NO_RATE: Final = FeeRate(maker_bps=FixedPoint(0, 0), taker_bps=FixedPoint(0, 0))
#: What shortens the queue before a resting order.
QUEUES: Final = ("trades", "pro_rata")
#: By which clock a trade is later than a resting order, and so acts on it.
TRADE_CLOCKS: Final = ("exchange", "receive")


#: Fields of a model that have entries by kind or symbol.
_TABLES: Final = (
    "rates", "symbols", "min_notional", "impact", "borrow", "buy_fee", "components",
)  # fmt: skip


class CostModel(msgspec.Struct, frozen=True, kw_only=True):
    """Commissions of a run, and the least an order must be worth.

    Attributes
    ----------
    rates : dict of InstrumentKind to FeeRate
        Rates of an instrument without an entry of its own.
    symbols : dict of str to FeeRate
        By kind and symbol: ``"perp.BTCUSDT-PERP"``.
    min_notional : dict of str to FixedPoint
        By kind (``"perp"``) or by kind and symbol, in the instrument's currency; 0 is no minimum.
    fee_exponent : int
        Each commission is a multiple of 10**fee_exponent of the currency, rounded half to even.
    queue : {"trades", "pro_rata"}
        What shortens the queue before a resting order: trades alone, or also size that was
        cancelled, taken in proportion from before and behind the order.
    trade_clock : {"exchange", "receive"}
        Which trades act on a resting order: those with an exchange time later than its arrival by
        the venue's clock, or those received later than its arrival.
    impact : dict of str to Impact
        By kind or by kind and symbol: how far an order that takes moves its own price.
    borrow : dict of str to FixedPoint
        By kind (``"spot"``) or by kind and symbol: interest a year on spot that is sold and not
        held, in basis points. Where it has no entry `ASSUMED_BORROW_BPS` is paid.
    buy_fee : dict of str to {"quote", "base"}
        By kind (``"spot"``) or by kind and symbol: what a buy of spot pays its fee in. What has no
        entry a run takes from the dated tables; where these know nothing it is the quote currency.
    components : dict of str to tuple of FeeComponent
        By kind (``"call"``) or by kind and symbol: what a fill pays on top of its rate, which is 0
        where there is none. A run lowers ``fee_exponent`` to where they are exact.

    Raises
    ------
    ConfigError
        A value is of another type, or out of the bounds that a file of costs has.

    Examples
    --------
    >>> CostModel.binance().rates[InstrumentKind.PERP].taker_bps.to_text()
    '5'
    """

    rates: dict[InstrumentKind, FeeRate]
    symbols: dict[str, FeeRate] = {}
    min_notional: dict[str, FixedPoint] = {}
    fee_exponent: int = -8
    queue: str = QUEUES[0]
    trade_clock: str = TRADE_CLOCKS[0]
    impact: dict[str, Impact] = {}
    borrow: dict[str, FixedPoint] = {}
    buy_fee: dict[str, str] = {}
    components: dict[str, Components] = {}

    def __post_init__(self) -> None:
        check_bounds(msgspec.structs.asdict(self), _TABLES)

    @classmethod
    def binance(cls) -> CostModel:
        """Return Binance's regular-user rates: spot 10/10 bps, USDM perpetual 2/5 bps.

        A run without costs takes those of its data's date from `quantlaxmi.venues` instead.
        """
        spot, maker, taker = (FixedPoint(n, 0) for n in (10, 2, 5))
        return cls(
            rates={
                InstrumentKind.SPOT: FeeRate(maker_bps=spot, taker_bps=spot),
                InstrumentKind.PERP: FeeRate(maker_bps=maker, taker_bps=taker),
            }
        )

    @classmethod
    def load(cls, path: str | Path) -> CostModel:
        """Read a TOML file; what it does not name, a run takes from the dated tables.

        ::

            fee_exponent = -8
            queue = "trades"        # or "pro_rata"
            trade_clock = "exchange"  # or "receive"
            [spot]
            maker_bps = "10"
            taker_bps = "10"
            min_notional = "5"
            impact_bps = "0.5"      # on the price of every fill that takes
            impact_sqrt_bps = "2"   # times the root of order quantity over displayed touch
            borrow_bps = "1000"     # a year, on spot that is sold and not held
            buy_fee = "base"        # or "quote": what a buy pays its fee in
            [perp.BTCUSDT-PERP]     # one symbol: goes before its kind
            maker_bps = "-0.5"      # a rebate
            taker_bps = "4"
            [[call.components]]     # as many as there are, see `FeeComponent`
            name = "brokerage"
            base = "order"
            side = "both"
            amount = "20"

        Raises
        ------
        ConfigError
            The file cannot be read, or a key or value is not as above; names the field.
        """
        file = CostFile.load(path)
        tables = file.tables()
        rates = {key: _rate(one) for key, one in tables.items() if one.maker_bps is not None}
        return cls(
            rates={InstrumentKind(k): rate for k, rate in rates.items() if k in KINDS},
            symbols={key: rate for key, rate in rates.items() if key not in KINDS},
            min_notional={
                key: one.min_notional for key, one in tables.items() if one.min_notional is not None
            },
            fee_exponent=file.fee_exponent,
            queue=file.queue,
            trade_clock=file.trade_clock,
            impact={key: _impact(one) for key, one in tables.items() if one.has_impact},
            borrow={k: one.borrow_bps for k, one in tables.items() if one.borrow_bps is not None},
            buy_fee={k: one.buy_fee for k, one in tables.items() if one.buy_fee is not None},
            components={k: t.components for k, t in tables.items() if t.components is not None},
        )

    def covers(self, instrument: Instrument) -> bool:
        """Whether the model has a rate for the instrument, or components; an index needs none."""
        key, kind = cost_key(instrument), instrument.kind
        if kind not in TRADED_KINDS:
            return True
        by_rate = key in self.symbols or kind in self.rates
        return by_rate or key in self.components or kind.value in self.components

    def rate(self, instrument: Instrument) -> FeeRate:
        """Return the rate of one instrument: its own, else its kind's, else 0 with components.

        Raises
        ------
        ConfigError
            The model has none of them.
        """
        found = self.symbols.get(cost_key(instrument), self.rates.get(instrument.kind))
        if found is None and self.covers(instrument):
            return _NO_RATE
        if found is None:
            raise ConfigError("costs", f"has no rate for {instrument.symbol}", instrument.kind)
        return found

    def components_on(self, instrument: Instrument) -> Components:
        """Components that fills of one instrument pay: its own entry, else its kind's."""
        own = self.components.get(cost_key(instrument))
        return self.components.get(instrument.kind.value, ()) if own is None else own

    def with_exact_fees(self, instruments: Sequence[Instrument]) -> CostModel:
        """Return the model with a fee exponent at which components of ``instruments`` are exact.

        Raises
        ------
        ConfigError
            They need one that is finer than 10**-18.
        """
        if not self.components:
            return self
        # A chain has a thousand contracts with the same money; an entry of its own is another key.
        own = {key for key in self.components if "." in key}
        alike = {
            (money_shape(one), cost_key(one) if own and cost_key(one) in own else ""): one
            for one in instruments
        }
        pairs = [(self.components_on(one), one.product_exponent) for one in alike.values()]
        needed = (exact_exponent(parts, product) for parts, product in pairs if parts)
        finest = min((self.fee_exponent, *needed))
        return msgspec.structs.replace(self, fee_exponent=finest)

    def least_notional(self, instrument: Instrument) -> FixedPoint | None:
        """Least value of an order, 0 for none, None where the model does not say."""
        if instrument.kind not in TRADED_KINDS:
            return _NO_RATE.maker_bps
        return self.min_notional.get(
            cost_key(instrument), self.min_notional.get(instrument.kind.value)
        )

    def impact_on(self, instrument: Instrument) -> Impact:
        """Impact on one instrument: its own entry, else its kind's, else none."""
        own = self.impact.get(cost_key(instrument))
        return own or self.impact.get(instrument.kind.value) or _NO_IMPACT

    def known_borrow(self, instrument: Instrument) -> FixedPoint | None:
        """Interest a year on selling it short, basis points; None where the model has none.

        Nothing but spot is borrowed to be sold.
        """
        if instrument.kind != InstrumentKind.SPOT:
            return None
        return self.borrow.get(cost_key(instrument), self.borrow.get(instrument.kind.value))

    def borrow_bps(self, instrument: Instrument) -> FixedPoint | None:
        """What a run pays a year on selling it short: None where it need not be borrowed.

        `known_borrow`, or `ASSUMED_BORROW_BPS` for spot without one.
        """
        if instrument.kind != InstrumentKind.SPOT:
            return None
        known = self.known_borrow(instrument)
        return ASSUMED_BORROW_BPS if known is None else known

    def restricted(self, instruments: Sequence[Instrument]) -> CostModel:
        """Return the model without entries for symbols that are not among ``instruments``.

        Raises
        ------
        ConfigError
            There are such entries and none of them is among them: surely a slip.
        """
        known = {cost_key(one) for one in instruments}
        named = {key for table in self.entries for key in table if "." in key}
        if named and not named & known:
            here = symbols_text(sorted(known), min(named))
            raise ConfigError("costs", f"is not traded here, only {here}", min(named))
        kept = {
            name: {k: v for k, v in getattr(self, name).items() if k in known or "." not in k}
            for name in _TABLES[1:]
        }
        if all(len(table) == len(getattr(self, name)) for name, table in kept.items()):
            return self  # a copy would be checked anew, for every beginning of a segment
        return msgspec.structs.replace(self, **kept)

    def scaled(self, factor: Fraction, more_bps: Fraction = Fraction(0)) -> CostModel:
        """Return the model with every commission times ``factor``, and some basis points more."""

        def changed(bps: FixedPoint) -> FixedPoint:
            value = (bps.to_fraction() * factor + more_bps) * 10**8
            if value.denominator != 1:
                raise ConfigError("costs", f"rate times {factor} needs more than 8 decimals")
            return FixedPoint(value.numerator, -8)

        def rate(r: FeeRate) -> FeeRate:
            return FeeRate(maker_bps=changed(r.maker_bps), taker_bps=changed(r.taker_bps))

        rates = {kind: rate(r) for kind, r in self.rates.items()}
        if more_bps:  # what has components alone pays the points by a rate
            alone = {InstrumentKind(key.partition(".")[0]) for key in self.components}
            rates |= {kind: rate(_NO_RATE) for kind in sorted(alone - self.rates.keys())}
        return msgspec.structs.replace(
            self,
            rates=rates,
            symbols={key: rate(r) for key, r in self.symbols.items()},
            components={k: scaled_components(c, factor) for k, c in self.components.items()},
        )

    def describe(self) -> dict[str, Any]:
        """Return the model as plain values, decimals as text; what ``cost_hash`` covers.

        ``queue`` and ``trade_clock`` are in it where they are not the first of `QUEUES` and
        `TRADE_CLOCKS`; ``impact``, ``borrow``, ``buy_fee`` and ``components`` where there are any.
        """
        more: dict[str, Any] = {} if self.queue == QUEUES[0] else {"queue": self.queue}
        if self.trade_clock != TRADE_CLOCKS[0]:
            more["trade_clock"] = self.trade_clock
        if not all(one.is_off for one in self.impact.values()):
            more["impact"] = {
                key: {"fixed_bps": plain(one.fixed_bps), "root_bps": plain(one.root_bps)}
                for key, one in sorted(self.impact.items())
            }
        if self.borrow:
            more["borrow"] = {key: plain(bps) for key, bps in sorted(self.borrow.items())}
        if self.buy_fee:
            more["buy_fee"] = dict(sorted(self.buy_fee.items()))
        if self.components:
            more["components"] = described_components(self.components)
        return {
            **more,
            "fee_exponent": self.fee_exponent,
            "rates": {kind.value: plain_rate(rate) for kind, rate in sorted(self.rates.items())},
            "symbols": {key: plain_rate(rate) for key, rate in sorted(self.symbols.items())},
            "min_notional": {key: plain(v) for key, v in sorted(self.min_notional.items())},
            "rounding": "half-even",
        }

    @classmethod
    def from_description(cls, described: dict[str, Any]) -> CostModel:
        """Return the model that `describe` described.

        Raises
        ------
        ConfigError
            It is no description of this version.
        """
        try:
            options = {
                "fee_exponent": described["fee_exponent"],
                "queue": described.get("queue", QUEUES[0]),
                "trade_clock": described.get("trade_clock", TRADE_CLOCKS[0]),
            }
            CostFile.from_mapping(options, "costs")
            model = cls(
                rates={InstrumentKind(k): rate_of(r) for k, r in described["rates"].items()},
                symbols={k: rate_of(r) for k, r in described["symbols"].items()},
                min_notional={
                    k: FixedPoint.from_text(v) for k, v in described["min_notional"].items()
                },
                impact={k: _impact_of(v) for k, v in described.get("impact", {}).items()},
                borrow={k: FixedPoint.from_text(v) for k, v in described.get("borrow", {}).items()},
                buy_fee=described.get("buy_fee", {}),
                components=components_of(described.get("components", {})),
                **options,
            )
            same = model.describe() == described and type(model.fee_exponent) is int
        except FixedPointOverflow as error:
            problem = f"was {told(error.operands[0])}, expected a decimal of at most 18 digits"
            raise ConfigError("costs", problem) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError("costs", f"is no cost model: {error}") from None
        if not same:
            raise ConfigError("costs", "is no cost model of this version")
        return model

    @property
    def entries(self) -> tuple[dict[Any, Any], ...]:
        """Copies of the dicts inside: the model is frozen, they are not."""
        return tuple(dict(getattr(self, name)) for name in _TABLES)

    @property
    def cost_hash(self) -> bytes:
        """SHA-256 of the canonical description: equal terms give equal hashes."""
        return _hashes.get(
            (self,), self.entries, lambda: canonical_digest("quantlaxmi.costs.2", self.describe())
        )


#: Every run's header has the hash; most runs have the costs of a few others.
_hashes: Final = Recent[bytes](most=8)


def _rate(table: CostTable) -> FeeRate:
    assert table.maker_bps is not None and table.taker_bps is not None
    return FeeRate(maker_bps=table.maker_bps, taker_bps=table.taker_bps)


def _impact(table: CostTable) -> Impact:
    given = {"fixed_bps": table.impact_bps, "root_bps": table.impact_sqrt_bps}
    return Impact(**{name: value for name, value in given.items() if value is not None})


def _impact_of(described: dict[str, str]) -> Impact:
    return Impact(
        fixed_bps=FixedPoint.from_text(described["fixed_bps"]),
        root_bps=FixedPoint.from_text(described["root_bps"]),
    )
