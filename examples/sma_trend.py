"""A trend follower in plain Python: long while the fast mean of closes is above the slow one.

    quantlaxmi-crypto run-gates --segment-dir seg --strategy examples/sma_trend.py:Trend

It names its own signal, so the ablation gate can run it without. `sma_trend_numba.py` is the same
rule as a kernel, with the same trace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Annotated

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import DecisionEvent, ReplayEvent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.strategies.basis_capture import leg_qty
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import CryptoStrategy

SECOND = 1_000_000_000


class TrendConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings: lengths of the two means in closes, what is held, and how far closes are apart.

    An empty symbol is the segment's first instrument.
    """

    fast: Annotated[int, Bounds(ge=1, le=255)] = 12
    slow: Annotated[int, Bounds(ge=2, le=256)] = 96
    size: Annotated[FixedPoint, Bounds(ge="0.00000001")] = FixedPoint(1, -2)
    both_sides: bool = True
    every_seconds: Annotated[int, Bounds(ge=1, le=10**7)] = 3600
    symbol: str = ""

    def check(self) -> None:
        """The fast mean has to be the shorter one."""
        if self.fast >= self.slow:
            raise self.refuse("fast", "expected below slow")


def traded(instruments: Sequence[Instrument], config: TrendConfig) -> int:
    """Index of the instrument it trades.

    Raises
    ------
    StrategyError
        The segment does not have it.
    """
    for i, one in enumerate(instruments):
        if config.symbol in ("", one.symbol):
            return i
    wanted = config.symbol or "an instrument"
    raise StrategyError(f"sma_trend needs {wanted}, which the segment does not have")


class Trend(CryptoStrategy):
    """Follows the difference of two moving means."""

    strategy_id = "sma_trend"
    Config = TrendConfig
    rationales = ("cross",)
    signals = ("trend",)

    config: TrendConfig

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """The one instrument."""
        return (traded(instruments, self.config),)

    def on_start(self, ctx: Context) -> None:
        """Take the live views once."""
        one = ctx.instruments[traded(ctx.instruments, self.config)]
        self.symbol, self.book, self.held = (
            one.symbol,
            ctx.book(one.symbol),
            ctx.position(one.symbol),
        )
        self.qty = leg_qty(self.config.size, one, "size")
        self.closes: deque[int] = deque(maxlen=self.config.slow)
        self.next_ns = 0

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Take a close now and then, and hold the side of the trend."""
        book = self.book
        if not book.valid or event.ts_ns < self.next_ns:
            return None
        self.next_ns = event.ts_ns + self.config.every_seconds * SECOND
        self.closes.append(book.bid + book.ask)
        fast, slow = self.config.fast, self.config.slow
        if len(self.closes) < slow or ctx.in_flight:
            return None
        closes = list(self.closes)
        trend = ctx.signal("trend", sum(closes[-fast:]) * slow - sum(closes) * fast)
        side = (trend > 0) - (trend < 0)
        if side < 0 and not self.config.both_sides:
            side = 0
        change = side * self.qty - self.held.qty
        if not change:
            return None
        return ctx.decide([ctx.net(self.symbol, change)], rationale="cross", direction=side)
