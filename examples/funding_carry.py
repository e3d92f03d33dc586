"""Funding carry: long spot and short the perpetual of one coin, brought back to size now and then.

    quantlaxmi-crypto run-gates --segment-dir seg --strategy examples/funding_carry.py:Carry

It has no timing. What it earns is funding, which anyone earns who holds the same: the gates call
that a premium, not an edge of timing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import DecisionEvent, LegIntent, ReplayEvent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import CryptoStrategy

HOUR_NS = 3_600_000_000_000


class CarryConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings: value of each leg in money, hours between two times it is restored, symbols.

    A change below `tolerance_bps` of the value is left alone. Where `close` is true both legs are
    closed first, so that every period is a round trip.
    """

    notional: Annotated[FixedPoint, Bounds(gt=0)] = FixedPoint(10_000, 0)
    every_hours: Annotated[int, Bounds(ge=1, le=100_000)] = 216
    tolerance_bps: Annotated[int, Bounds(ge=0, le=10_000)] = 200
    close: bool = False
    spot: str = ""
    perp: str = ""


def find(instruments: Sequence[Instrument], kind: InstrumentKind, symbol: str) -> int:
    """Index of the first instrument of a kind, or of the one that is named.

    Raises
    ------
    StrategyError
        The segment does not have it.
    """
    for i, one in enumerate(instruments):
        if one.kind == kind and symbol in ("", one.symbol):
            return i
    raise StrategyError(f"funding_carry needs a {kind} {symbol}".rstrip() + ", there is none")


class Carry(CryptoStrategy):
    """Holds spot against the perpetual."""

    strategy_id = "funding_carry"
    Config = CarryConfig
    rationales = ("hold", "close")

    config: CarryConfig

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """Spot and perpetual."""
        return (
            find(instruments, InstrumentKind.SPOT, self.config.spot),
            find(instruments, InstrumentKind.PERP, self.config.perp),
        )

    def on_start(self, ctx: Context) -> None:
        """Take the live views once."""
        self.pair = [ctx.instruments[i] for i in self.trades(ctx.instruments)]
        self.books = [ctx.book(one.symbol) for one in self.pair]
        self.positions = [ctx.position(one.symbol) for one in self.pair]
        self.money = self.config.notional.to_fraction()
        # Quantities that both legs can hold: the coarser lot is a multiple of the finer one.
        self.step = max(max(one.lot, 1) * one.base_unit for one in self.pair)
        self.next_ns = 0

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Restore the size when it is time."""
        if event.ts_ns < self.next_ns or ctx.in_flight:
            return None
        if not all(book.valid for book in self.books):
            return None
        if self.config.close and self.positions[0].qty:
            return ctx.decide(self._legs(ctx, Fraction(0)), rationale="close", direction=0)
        self.next_ns = event.ts_ns + self.config.every_hours * HOUR_NS
        spot = self.pair[0]
        book = self.books[0]
        price = Fraction(book.bid + book.ask, 2) * Fraction(10) ** spot.unit_price_exponent
        wanted = self.money / price // self.step * self.step
        change = abs(wanted - self.positions[0].qty * spot.base_unit)
        if change * 10_000 < wanted * self.config.tolerance_bps:
            return None
        legs = self._legs(ctx, wanted)
        return ctx.decide(legs, rationale="hold", direction=1) if legs else None

    def _legs(self, ctx: Context, base: Fraction) -> list[LegIntent]:
        """What brings both legs to a quantity of the coin, spot long and the perpetual short."""
        legs = []
        for sign, one, held in zip((1, -1), self.pair, self.positions, strict=True):
            change = int(sign * base / one.base_unit) - held.qty
            if change:
                legs.append(ctx.net(one.symbol, change))
        return legs
