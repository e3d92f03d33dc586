"""A passive maker: a post-only order at each touch of one instrument, moved when the touch moves.

    quantlaxmi-crypto backtest --segment-dir seg --strategy examples/passive_maker.py:Maker

It shows how orders that rest are sent, remembered, cancelled and told of. It is no edge: it buys
before falls and sells before rises, as the queue lets it. `passive_maker_numba.py` is the same rule
as a kernel, with the same trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from quantlaxmi.errors import StrategyError
from quantlaxmi.events import DecisionEvent, FillEvent, OrderNotice, ReplayEvent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import DecisionType, InstrumentKind, OrderReason, Side, TimeInForce
from quantlaxmi.strategies.basis_capture import leg_qty
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import CryptoStrategy

MS = 1_000_000
#: News that do not end an order.
GOES_ON = (OrderReason.RESTS, OrderReason.MODIFIED, OrderReason.NOT_RESTING)


class MakerConfig(StrategyConfig, frozen=True, kw_only=True):
    """Settings: size of an order, the largest position, the least time between moves, the symbol.

    An empty symbol is the segment's first perpetual.
    """

    size: Annotated[FixedPoint, Bounds(ge="0.00000001")] = FixedPoint(1, -2)
    max_position: Annotated[FixedPoint, Bounds(ge="0.00000001")] = FixedPoint(5, -2)
    least_rest_ms: Annotated[int, Bounds(ge=0)] = 100
    symbol: str = ""


def traded(instruments: Sequence[Instrument], config: MakerConfig) -> int:
    """Index of the instrument it quotes.

    Raises
    ------
    StrategyError
        The segment does not have it.
    """
    for i, one in enumerate(instruments):
        if one.symbol == config.symbol or (not config.symbol and one.kind == InstrumentKind.PERP):
            return i
    wanted = config.symbol or "a perpetual"
    raise StrategyError(f"passive_maker needs {wanted}, which the segment does not have")


class Quote:
    """One side's order: its number, price, and when it was sent; number -1 while there is none."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.order, self.price, self.since, self.left, self.cancelling = -1, 0, 0, 0, False

    def end(self) -> None:
        """Forget the order."""
        self.order, self.cancelling = -1, False


class Maker(CryptoStrategy):
    """Quotes both touches of one instrument."""

    strategy_id = "passive_maker"
    Config = MakerConfig
    rationales = ("quote",)

    config: MakerConfig

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """The one instrument."""
        return (traded(instruments, self.config),)

    def on_start(self, ctx: Context) -> None:
        """Take the live views once, and settings as integers."""
        one = ctx.instruments[traded(ctx.instruments, self.config)]
        self.symbol, self.book = one.symbol, ctx.book(one.symbol)
        self.held = ctx.position(one.symbol)
        self.size = leg_qty(self.config.size, one, "size")
        self.most = leg_qty(self.config.max_position, one, "max_position")
        self.least_rest_ns = self.config.least_rest_ms * MS
        self.quotes = (Quote(Side.BUY), Quote(Side.SELL))

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Cancel what is off its touch; quote the sides that have no order."""
        if event.symbol != self.symbol or not self.book.valid:
            return None
        legs = []
        for quote in self.quotes:
            touch = self.book.bid if quote.side > 0 else self.book.ask
            if quote.order >= 0:
                rested = ctx.now_ns - quote.since
                if touch != quote.price and not quote.cancelling and rested >= self.least_rest_ns:
                    quote.cancelling = True
                    legs.append(ctx.cancel(self.symbol, quote.order))
            elif quote.side * self.held.qty + self.size <= self.most:
                quote.order = ctx.next_order + len(legs)
                quote.price, quote.since, quote.left = touch, ctx.now_ns, self.size
                legs.append(
                    ctx.limit(self.symbol, quote.side, self.size, touch, TimeInForce.POST_ONLY)
                )
        if not legs:
            return None
        return ctx.decide(legs, rationale="quote", decision_type=DecisionType.ADJUST, bundle=False)

    def on_fill(self, fill: FillEvent) -> None:
        """Forget an order that is filled."""
        for quote in self.quotes:
            if quote.order == fill.order:
                quote.left -= fill.qty
                if quote.left == 0:
                    quote.end()

    def on_order(self, notice: OrderNotice) -> None:
        """Forget an order that ended; a cancel that came before its order may be sent again."""
        for quote in self.quotes:
            if quote.order == notice.order:
                if notice.reason not in GOES_ON:
                    quote.end()
                elif notice.reason == OrderReason.NOT_RESTING:
                    quote.cancelling = False
