"""A strategy in one file, as CONTRIBUTING tells it: settings, rule, name."""

from __future__ import annotations

from typing import Annotated

from quantlaxmi.events import DecisionEvent, LegIntent, ReplayEvent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import DecisionType, Side
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import CryptoStrategy


class ToyConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings of the toy."""

    every: Annotated[int, Bounds(ge=1, le=10**6)] = 50
    size: Annotated[FixedPoint, Bounds(gt=0, le=10)] = FixedPoint(1, -2)


class Toy(CryptoStrategy):
    """Buy and sell the last instrument in turn, at every so many quotes of it."""

    strategy_id = "toy"
    Config = ToyConfig
    rationales = ("turn",)

    config: ToyConfig

    def on_start(self, ctx: Context) -> None:
        """Count from the beginning."""
        self.quotes, self.held = 0, 0
        self.instrument = ctx.instruments[-1]
        self.qty = self.config.size.rescale(self.instrument.qty_exponent).mantissa

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Turn at every so many quotes."""
        if event.symbol != self.instrument.symbol or not ctx.book(event.symbol).valid:
            return None
        self.quotes += 1
        if self.quotes % self.config.every:
            return None
        side = Side.SELL if self.held else Side.BUY
        kind = DecisionType.EXIT if self.held else DecisionType.ENTER
        self.held = not self.held
        legs = [LegIntent(self.instrument.symbol, side, self.qty)]
        return ctx.decide(legs, rationale="turn", decision_type=kind, direction=int(side))
