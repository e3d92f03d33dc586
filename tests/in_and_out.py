"""A rule in plain Python that is in and out of the first instrument by the number of quotes."""

from __future__ import annotations

from quantlaxmi.events import LegIntent
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig

#: 0.01 at the exponent of the bundled segments' spot.
SIZE = 1000


class InAndOut(CryptoStrategy):
    """Buys at every fortieth quote and sells at the next, whatever prices did: always long."""

    strategy_id = "in_and_out"
    Config = StrategyConfig
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx):
        self.calls = 0
        self.symbol = ctx.instruments[0].symbol

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls % 40 or ctx.in_flight:
            return None
        held = ctx.position(self.symbol).qty
        side = Side.SELL if held > 0 else Side.BUY
        return ctx.decide([LegIntent(self.symbol, side, abs(held) or SIZE)], rationale="rule")
