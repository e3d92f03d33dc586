"""One run of a `BarStrategy`: its bars, its standing orders and the legs of its next decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from quantlaxmi.errors import StrategyError, shown
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.bar_orders import Bar
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import OrderAction, Side, TimeInForce
from quantlaxmi.strategies.bar_history import BarHistory
from quantlaxmi.strategies.bar_sizes import price_of, qty_of, shares_of
from quantlaxmi.strategies.bar_views import BarData, BarPosition
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.decisions import effect_of, write_legs
from quantlaxmi.strategies.standing_orders import Bracket, Placed, StandingOrders

__all__ = ["RATIONALES", "BarRun"]

#: What a decision gives as its reason, where a bar met a standing order.
REASONS: Final = {
    TimeInForce.IN_BAR_LIMIT: "limit",
    TimeInForce.IN_BAR_STOP: "stop",
    TimeInForce.IN_BAR_STOP_FIRST: "stop",
    TimeInForce.IN_BAR_TARGET: "take profit",
}
RATIONALES: Final = ("rule", *dict.fromkeys(REASONS.values()))


class BarRun:
    """What a strategy over bars has in one run.

    Parameters
    ----------
    universe : tuple of Instrument
        All of the segment.
    mine : sequence of int
        Those that the strategy trades.

    Attributes
    ----------
    history : BarHistory
    data : BarData
    position : BarPosition
    begun : bool
        Whether ``init`` is over.
    latency_ns : int
        Of orders, at most.
    first_seq : int
        Message before which orders are refused: the warm-up.
    equity : callable or None
        The stated capital with the result so far.
    legs_out : ctypes array of LegOut, or None
        Where the engine reads a decision.
    """

    def __init__(self, universe: tuple[Instrument, ...], mine: Sequence[int]) -> None:
        self.universe, self.mine = universe, tuple(mine)
        self.history = BarHistory(universe)
        self.data = BarData([self.history.series[k] for k in self.mine])
        self.symbol = universe[self.mine[0]].symbol
        self.position = BarPosition(self.held, self.symbol)
        self.begun = False
        self.latency_ns, self.first_seq = 0, -1
        self.equity: Callable[[], Decimal] | None = None
        self.legs_out: Any = None
        self._index = {universe[k].symbol: k for k in self.mine}
        self._standing = {k: StandingOrders(universe[k]) for k in self.mine}
        self._pairs = tuple(self._standing.items())
        self._evaluated = dict.fromkeys(self.mine, -1)
        self._legs: list[LegIntent] = []
        self._asked = dict.fromkeys(self.mine, 0)  # by the legs of the decision being made
        self._met = dict.fromkeys(self.mine, 0)  # of these, what a bar met
        self._advance = self.history.clock.advance

    def attach(self, ctx: Context, call_next: Callable[[], None]) -> None:
        """Meet the engine's memory."""
        self._ctx, self._event, self._next = ctx, ctx._event, call_next

    def number(self, symbol: str | None) -> int:
        """Index of one of the strategy's instruments; of its first one for None."""
        if symbol is None:
            return self.mine[0]
        k = self._index.get(symbol) if isinstance(symbol, str) else None
        if k is None:
            names = ", ".join(self._index)
            raise StrategyError(f"symbol {shown(symbol)} is not one the strategy trades ({names})")
        return k

    def held(self, symbol: str) -> FixedPoint:
        """Filled position with what the bar that has just ended met."""
        k = self.number(symbol)
        qty = self._ctx.position(symbol).qty + self._met[k]
        return FixedPoint(qty, self.universe[k].qty_exponent)

    def order(
        self, side: int, qty: Any, symbol: str | None, limit: Any, stop: Any, target: Any
    ) -> None:
        """Ask for an order at the open of the next bar, or place a limit."""
        k = self.number(symbol)
        one = self.universe[k]
        units = qty_of(qty, one, "qty")
        if units < 0:
            raise StrategyError(f"qty was {shown(qty)}, expected a number above 0")
        if not units:
            return
        level = None if limit is None else price_of(limit, one, "limit")
        bracket = self._bracket(k, side, stop, target, level)
        if level is None:
            self._market(k, side, units, bracket)
            return
        if self._event.seq >= self.first_seq:
            arrives = self._ctx.now_ns + self.latency_ns
            self._standing[k].limits.append(Placed(side, units, level, arrives, bracket))

    def target(self, symbol: str, qty: Any, share: Any, stop: Any, target: Any) -> None:
        """Ask for what is missing to a position."""
        k = self.number(symbol)
        one = self.universe[k]
        if (qty is None) == (share is None):
            raise StrategyError("target takes either qty or share_of_equity")
        if share is None:
            wanted = qty_of(qty, one, "qty")
        else:
            mid2 = self._ctx.book(one.symbol).mid2
            wanted = shares_of(share, Fraction(self.equity_now()), mid2, one, "share_of_equity")
        position = self._ctx.position(one.symbol)
        missing = wanted - position.qty - position.pending_qty - self._asked[k]
        if missing:
            side = 1 if missing > 0 else -1
            opens = side * wanted > 0
            bracket = self._bracket(k, side, stop, target) if opens else None
            # Where a buy pays its fee in base, the position is what was asked for after the fee.
            self._market(k, side, abs(missing), bracket, OrderAction.NEW_NET)

    def cancel(self, symbol: str | None) -> None:
        """Take back limits."""
        for k in self.mine if symbol is None else (self.number(symbol),):
            self._standing[k].forget_limits()

    def equity_now(self) -> Decimal:
        """Capital and result so far.

        Raises
        ------
        StrategyError
            Outside of a run, or where no capital is stated.
        """
        if self.equity is None:
            raise StrategyError("equity is known only within a run")
        return self.equity()

    def _bracket(
        self, k: int, side: int, stop: Any, target: Any, limit: int | None = None
    ) -> Bracket | None:
        """What a new order is ended by; its stop is on the losing side of its price."""
        if stop is None and target is None:
            return None
        one = self.universe[k]
        low = None if stop is None else price_of(stop, one, "stop")
        high = None if target is None else price_of(target, one, "take_profit")
        if low is not None and high is not None and side * (high - low) <= 0:
            raise StrategyError(
                f"take_profit was {shown(target)}, expected {'above' if side > 0 else 'below'} "
                f"the stop {shown(stop)}"
            )
        series = self.history.series[k]
        price, what = limit, "limit"
        if limit is None and series.cursor.known:
            price, what = series.mantissas(series.cursor.known - 1)[3], "close"
        if low is not None and price is not None and side * (price - low) <= 0:
            raise StrategyError(
                f"stop was {shown(stop)}, expected {'below' if side > 0 else 'above'} the {what} "
                f"{FixedPoint(price, one.price_exponent)}"
            )
        return Bracket(side, low, high)

    def _market(
        self,
        k: int,
        side: int,
        qty: int,
        bracket: Bracket | None,
        action: OrderAction = OrderAction.NEW,
    ) -> None:
        if bracket is not None:
            number = self._ctx.next_order + len(self._legs)
            self._standing[k].follow(number, bracket)
        self._legs.append(LegIntent(self.universe[k].symbol, Side(side), qty, action=action))
        self._asked[k] += side * qty

    def step(self) -> int:
        """The engine's call at the last close of a time; the legs of a decision, if any."""
        if not self._advance(self._event.seq):
            if not self.history.clock.passed:
                raise StrategyError(
                    "the segment has no table of bars, which a BarStrategy reads: import again "
                    "what an earlier version imported from bars"
                )
            return 0
        for k, standing in self._pairs:
            if standing.brackets or standing.limits:
                self._meet(k, standing)
        if self.history.warm or self.history.is_warm():
            self._next()
        return self._decide() if self._legs else 0

    def _meet(self, k: int, standing: StandingOrders) -> None:
        """Evaluate what stands in an instrument over the bar that has just ended."""
        series = self.history.series[k]
        row = series.cursor.known - 1
        if row <= self._evaluated[k]:
            return
        self._evaluated[k] = row
        book = self._ctx.book(series.symbol)
        number = self._ctx.next_order + len(self._legs)
        bar, held = Bar(*series.mantissas(row)), self._ctx.position(series.symbol).qty
        legs = standing.meet(bar, series.ended_ns(row), book, number, held)
        self._legs += legs
        moved = sum(leg.side * leg.qty for leg in legs)
        self._met[k] += moved
        self._asked[k] += moved

    def _decide(self) -> int:
        """Hand the decision over, and begin the next one."""
        legs, self._legs = self._legs, []
        reason = 0
        for leg in legs:
            if leg.time_in_force in REASONS:
                reason = RATIONALES.index(REASONS[leg.time_in_force])
                break
        kind = effect_of(legs, self._filled)
        k = self._index[legs[0].symbol]
        after = self._filled(legs[0].symbol) + self._asked[k]
        for k in self.mine:
            self._asked[k] = self._met[k] = 0
        if self.legs_out is None:
            raise StrategyError("a BarStrategy decides only within a run")
        effect = (kind, (after > 0) - (after < 0), reason)
        return write_legs(legs, self.legs_out, self._index, effect)

    def _filled(self, symbol: str) -> int:
        return self._ctx.position(symbol).qty

    def heard(self, notice: Any) -> None:
        """Take note of a fill or of other news of an order."""
        standing = self._standing.get(notice.instrument)
        if standing is not None:
            held = self._ctx.position(standing.instrument.symbol).qty
            standing.heard(notice, held)
