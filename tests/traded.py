"""Instruments, costs and the terms they trade at, for the engine and its naive twin."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.execution.fee_components import FeeComponent
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from tests.naive.engine import Limits, Rules, Terms
from tests.naive.margins import MarginTerms
from tests.naive.terms import Component

I64_MAX = 2**63 - 1


def instrument(
    symbol: str, kind: InstrumentKind, price_exponent: int, qty_exponent: int, **other: Any
) -> Instrument:
    options = {"currency": "USDT", "base": "BTC", "venue": "test", "venue_symbol": symbol}
    return Instrument(
        symbol=symbol,
        kind=kind,
        price_exponent=price_exponent,
        qty_exponent=qty_exponent,
        **{**options, **other},
    )


SPOT = instrument("S", InstrumentKind.SPOT, -8, -8)

PERP = instrument("P", InstrumentKind.PERP, -8, -8)

#: Universes: as on Binance; coarse money, where every rounding shows; mixed scales, two currencies.
UNIVERSES = {
    "binance": (SPOT, PERP),
    "coarse": (
        instrument("S", InstrumentKind.SPOT, 0, 0),
        instrument("P", InstrumentKind.PERP, 0, 0),
    ),
    "mixed": (
        instrument("S", InstrumentKind.SPOT, -2, -3),
        instrument("P", InstrumentKind.PERP, -1, 0, contract_size=75),
        instrument("F", InstrumentKind.FUTURE, -4, -1, currency="INR"),
    ),
    "contracts": (
        instrument("S", InstrumentKind.SPOT, -2, -3),
        instrument("P", InstrumentKind.PERP, -1, 0, contract_size=125, contract_exponent=-4),
        instrument("F", InstrumentKind.FUTURE, -2, 0, contract_size=1000, price_units=1000),
    ),
}

#: Options and a future of India: paise, units of the index.
OPTIONS = {
    "options": (
        instrument("C", InstrumentKind.CALL, -2, 0, currency="INR"),
        instrument("Q", InstrumentKind.PUT, -2, 0, currency="INR"),
    ),
    "future": (
        instrument("C", InstrumentKind.CALL, -2, 0, currency="INR"),
        instrument("F", InstrumentKind.FUTURE, -1, -1, currency="INR", contract_size=75),
    ),
}

#: A future and the index that it is of.
INDEXED = {
    "indexed": (
        instrument("F", InstrumentKind.FUTURE, 0, 0, currency="INR"),
        instrument("X", InstrumentKind.INDEX, 0, 0, currency="INR"),
    ),
}

#: When the first contracts of `CHAINS` end, and the others.
FIRST_END, LATER_END = 1_120, 10**18


def _contract(symbol: str, kind: InstrumentKind, strike: int, end: int) -> Instrument:
    return instrument(
        symbol, kind, 0, 0, currency="INR", base="X", venue="nse", strike=strike, expiry_ns=end
    )


#: Both sides of two expiries in coarse money; a future beside them.
CHAINS = {
    "chain": (
        _contract("C1", InstrumentKind.CALL, 100, FIRST_END),
        _contract("P1", InstrumentKind.PUT, 100, FIRST_END),
        _contract("C2", InstrumentKind.CALL, 100, LATER_END),
        _contract("P2", InstrumentKind.PUT, 103, LATER_END),
        instrument("F", InstrumentKind.FUTURE, 0, 0, currency="INR", expiry_ns=LATER_END),
    ),
}

#: The same with lots, where every fill and trim has a rest.
STEPPED = {
    "lots": (
        instrument("S", InstrumentKind.SPOT, 0, 0, lot=2),
        instrument("P", InstrumentKind.PERP, 0, 0, lot=3),
    ),
    "fine lots": (
        instrument("S", InstrumentKind.SPOT, -8, -8, lot=1),
        instrument("P", InstrumentKind.PERP, -8, -8, lot=5),
    ),
    # Finer than the eight decimals of a fee in base.
    "fine spot": (
        instrument("S", InstrumentKind.SPOT, -3, -9),
        instrument("P", InstrumentKind.PERP, -3, -2),
    ),
}

NO_LIMITS = RiskLimits()


def costs(
    spot: str = "10",
    perp: str = "5",
    future: str = "2",
    fee_exponent: int = -8,
    queue: str = "trades",
    borrow: str = "",
    buy_fee: str = "",
) -> CostModel:
    rates = {}
    for kind, bps in zip(
        (InstrumentKind.SPOT, InstrumentKind.PERP, InstrumentKind.FUTURE),
        (spot, perp, future),
        strict=True,
    ):
        taker = FixedPoint.from_text(bps)
        maker = FixedPoint.from_text("-0.7") if bps == "50" else FixedPoint(1, 0)
        rates[kind] = FeeRate(maker_bps=maker, taker_bps=taker)
    return CostModel(
        rates=rates,
        fee_exponent=fee_exponent,
        queue=queue,
        borrow={"spot": FixedPoint.from_text(borrow)} if borrow else {},
        buy_fee={"spot": buy_fee} if buy_fee else {},
    )


#: Ties, rebates, nothing, and rates of many digits; interest that is assumed, high, and nothing.
COSTS = (
    costs(),
    costs("50", "-25", "0", fee_exponent=0, borrow="100000"),
    costs("0.12345678", "500", "-1.5", fee_exponent=-2, borrow="9876.54321001"),
    costs("0", "0", "0", borrow="0"),
)
#: Fees in base: common, of many digits, so high that they show in small quantities, and a rebate of
#: makers; nothing.
BASE_COSTS = (
    costs(buy_fee="base"),
    costs("0.12345678", "500", "-1.5", fee_exponent=-2, borrow="9876.54321001", buy_fee="base"),
    costs("999.99999999", "5", "2", borrow="100000", buy_fee="base"),
    costs("50", "-25", "0", fee_exponent=0, buy_fee="base"),
    costs("0", "0", "0", buy_fee="base"),
)


def borrow_of(one: Instrument, model: CostModel) -> Fraction:
    """Its own rate, else its kind's, else 1,000 bps."""
    found = model.borrow.get(f"spot.{one.symbol}", model.borrow.get("spot", FixedPoint(1000, 0)))
    return found.mantissa * Fraction(10) ** found.exponent


def component(
    name: str, base: str, side: str, rate: str, taxed: bool = False, rounded: bool = False
) -> FeeComponent:
    """One of a fee: of an order an amount, of all others a percentage."""
    value = FixedPoint.from_text(rate)
    return FeeComponent(
        name=name,
        base=base,
        side=side,
        taxed=taxed,
        rounding="rupee" if rounded else "none",
        **{"amount" if base == "order" else "percent": value},
    )


#: A contract note with taxes on taxed amounts; by side, with amounts of an order by side; nothing.
COMPONENTS = (
    (
        component("brokerage", "order", "both", "20", taxed=True),
        component("stt", "value", "sell", "0.1", rounded=True),
        component("exchange", "value", "both", "0.035", taxed=True),
        component("stamp", "value", "buy", "0.003", rounded=True),
        component("gst", "taxed", "both", "18"),
    ),
    (
        component("ticket", "order", "sell", "1.25"),
        component("entry", "order", "buy", "3", taxed=True),
        component("stt", "value", "sell", "12.5", rounded=True),
        component("stt", "value", "buy", "7", rounded=True),
        component("vat", "taxed", "both", "20"),
        component("cess", "taxed", "both", "0.5"),
    ),
    (),
)


def with_components(model: CostModel, which: int, kinds: Sequence[str]) -> CostModel:
    """The model with components on some kinds, by kind."""
    return msgspec.structs.replace(model, components=dict.fromkeys(kinds, COMPONENTS[which]))


def components_of(one: Instrument, model: CostModel) -> tuple[Component, ...]:
    """Components of one instrument for the twin."""
    found = model.components.get(
        f"{one.kind}.{one.symbol}", model.components.get(one.kind.value, ())
    )
    made = []
    for c in found:
        given = c.percent if c.amount is None else c.amount
        rate = given.mantissa * Fraction(10) ** given.exponent / (100 if c.amount is None else 1)
        made.append(Component(c.name, c.base, c.side, rate, c.taxed, c.rounding == "rupee"))
    return tuple(made)


def terms_of(instruments: Sequence[Instrument], model: CostModel) -> tuple[Terms, ...]:
    """What the naive engine needs, read off the same description."""
    made = []
    for one in instruments:
        none = FeeRate(maker_bps=FixedPoint(0, 0), taker_bps=FixedPoint(0, 0))
        rate = model.rates.get(one.kind, none)
        taker, maker = (
            bps.mantissa * Fraction(10) ** bps.exponent for bps in (rate.taker_bps, rate.maker_bps)
        )
        made.append(
            Terms(
                one.price_exponent,
                one.qty_exponent,
                taker,
                maker,
                one.currency,
                one.contract_size * Fraction(10) ** one.contract_exponent,
                one.price_units,
                None if one.kind != InstrumentKind.SPOT else borrow_of(one, model),
                one.kind == InstrumentKind.SPOT and model.buy_fee.get("spot") == "base",
                one.lot,
                components_of(one, model),
                {InstrumentKind.CALL: 1, InstrumentKind.PUT: -1}.get(one.kind, 0),
                one.strike or 0,
                one.expiry_ns,
                one.base,
            )
        )
    return tuple(made)


def rules_of(
    instruments: Sequence[Instrument], model: CostModel, limits: RiskLimits
) -> tuple[tuple[Rules, ...], Limits]:
    """The same of what may be sent."""

    def value(fixed: FixedPoint | None) -> Fraction:
        return Fraction(0) if fixed is None else fixed.mantissa * Fraction(10) ** fixed.exponent

    made = []
    for one in instruments:
        own = limits.symbols.get(one.symbol, limits)
        unit = one.contract_size * Fraction(10) ** (one.contract_exponent + one.qty_exponent)
        least = model.min_notional.get(f"{one.kind}.{one.symbol}", model.min_notional.get(one.kind))
        made.append(
            Rules(
                one.lot,
                one.tick,
                value(least),
                one.kind != InstrumentKind.SPOT,
                int(value(own.max_position) / unit),
                value(own.max_notional),
                one.kind != InstrumentKind.INDEX,
            )
        )
    return tuple(made), Limits(
        limits.max_orders_per_second,
        limits.max_orders_per_minute,
        limits.max_book_age_ms * 10**6,
        value(limits.max_loss),
        limits.on_max_loss == "close",
        value(limits.capital),
        value(limits.leverage),
        limits.short_spot == "refuse",
        None
        if limits.margin == "none"
        else MarginTerms(
            tuple(
                (row.underlying, row.valid_from, float(value(row.value)))
                for row in limits.daily_volatility
            )
        ),
    )
