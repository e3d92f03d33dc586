"""What the naive engine is told: terms of instruments, rules, limits, decisions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Component:
    """Of a fee: a rate of a base, or an amount of an order."""

    name: str
    base: str
    side: str
    rate: Fraction
    taxed: bool = False
    rounded: bool = False


@dataclass(frozen=True)
class Terms:
    """What the engine must know of one instrument."""

    price_exponent: int
    qty_exponent: int
    taker_bps: Fraction
    maker_bps: Fraction = Fraction(1)
    currency: str = "USDT"
    contract_size: Fraction = Fraction(1)
    price_units: int = 1
    borrow_bps: Fraction | None = None  # a year; None: it need not be borrowed to be sold
    in_base: bool = False  # buys pay their fee in base
    lot: int = 0
    components: tuple[Component, ...] = ()
    right: int = 0  # 1 a call, -1 a put
    strike: int = 0
    ends_ns: int | None = None
    base: str = ""

    def component_fees(self, value: Fraction, side: int, first: bool) -> dict[str, Fraction]:
        """What a fill of a value pays of each component: taxes after what they are counted on."""
        paid: dict[str, Fraction] = {}
        taxed = Fraction(0)
        for one in self.components:
            if one.side not in ("both", "buy" if side > 0 else "sell"):
                continue
            amount = Fraction(0)
            if one.base == "value":
                amount = one.rate * value
            elif one.base == "order" and first:
                amount = one.rate
            taxed += amount if one.taxed else 0
            paid[one.name] = paid.get(one.name, Fraction(0)) + amount
        for one in self.components:
            if one.base == "taxed":
                paid[one.name] = paid.get(one.name, Fraction(0)) + one.rate * taxed
        return paid

    def base_fee(self, owed: Fraction, qty: int, bps: Fraction) -> tuple[int, Fraction]:
        """Units that a buy pays, and what is owed after it: whole steps.

        A step is a lot; where it is not known 10**-8 of the base, or a unit where that is coarser.
        """
        due = owed + qty * bps / 10**4
        paid = int(due // self.step * self.step)
        return paid, due - paid

    @property
    def step(self) -> int:
        """Least fee in base, quantity units; a buy of no more pays in quote."""
        if self.lot:
            return self.lot
        unit = self.contract_size * Fraction(10) ** self.qty_exponent
        return max(1, Fraction(1, 10**8) // unit)

    @property
    def multiplier(self) -> Fraction:
        """Money of a price of 1 for a quantity of 1."""
        return self.contract_size / self.price_units

    @property
    def places(self) -> int:
        """Decimals of the multiplier."""
        return next(k for k in range(40) if (self.multiplier * 10**k).denominator == 1)


@dataclass(frozen=True)
class Rules:
    """What may be sent in one instrument, in quantity mantissas and in currency; 0 is no rule."""

    lot: int = 0
    tick: int = 0
    min_notional: Fraction = Fraction(0)
    closing_exempt: bool = True
    max_position: int = 0
    max_notional: Fraction = Fraction(0)
    tradable: bool = True


@dataclass(frozen=True)
class Limits:
    """Of a whole run; 0 is no limit."""

    orders_per_second: int = 0
    orders_per_minute: int = 0
    max_age_ns: int = 0
    max_loss: Fraction = Fraction(0)
    closes: bool = False
    capital: Fraction = Fraction(0)
    leverage: Fraction = Fraction(1)
    refuse_short: bool = False
    margin: Any = None  # MarginTerms; None: none is asked for


@dataclass(frozen=True)
class Leg:
    instrument: int
    side: int
    qty: int
    order_type: int = 0
    limit_price: int = 0
    time_in_force: int = 0
    action: int = 0
    target: int = -1
    gains: int = -1  # of a net order, once sized: what the position gains; -1: the quantity


@dataclass(frozen=True)
class Decision:
    legs: tuple[Leg, ...]
    bundle: bool = True
    decision_type: int = 1
    direction: int = 0
    confidence: int = -1
    rationale: int = 0
    policy: str = ""  # of a bundle with units; its legs have the quantities of one
    units: int = 1
    relative: bool = False  # for schedules: prices and targets still to be named (cases.resolved)
