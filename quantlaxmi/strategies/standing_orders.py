"""Limits, stops and targets of a `BarStrategy`: what stands, and what each bar met of it.

The engine knows nothing of an order that stands here. At the end of a bar those that the bar met by
the rule of `execution.bar_orders` are written as legs of the decision made then, and the engine
fills them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quantlaxmi.events import LegIntent
from quantlaxmi.execution.bar_orders import Bar, exit_met, limit_met
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import OrderAction, OrderType, Side, TimeInForce
from quantlaxmi.strategies.context import BookView

__all__ = ["Bracket", "Placed", "StandingOrders"]


@dataclass(slots=True, eq=False)
class Bracket:
    """What one order opened, with the levels that end it.

    Attributes
    ----------
    side : int
        Of the order that opens it.
    stop, target : int or None
        Levels, price mantissas.
    open_qty : int
        What it holds now.
    coming : bool
        Its order has not ended.
    leaving : bool
        A leg that closes it was sent, and has not been heard of.
    since_ns : int
        Time of its last fill: bars that ended before say nothing of it.
    """

    side: int
    stop: int | None
    target: int | None
    open_qty: int = 0
    coming: bool = True
    leaving: bool = False
    since_ns: int = -(2**63)


@dataclass(slots=True, eq=False)
class Placed:
    """A limit order that stands.

    Attributes
    ----------
    side, qty, limit : int
    arrives_ns : int
        It stands in bars that end later.
    bracket : Bracket or None
        Of what it will open.
    sent : bool
        A leg of it was sent, and has not been heard of.
    """

    side: int
    qty: int
    limit: int
    arrives_ns: int
    bracket: Bracket | None
    sent: bool = False


@dataclass(slots=True, eq=False)
class StandingOrders:
    """What stands in one instrument.

    Attributes
    ----------
    instrument : Instrument
    limits : list of Placed
    brackets : list of Bracket
        Oldest first.
    """

    instrument: Instrument
    limits: list[Placed] = field(default_factory=list)
    brackets: list[Bracket] = field(default_factory=list)
    _held: int = 0
    _orders: dict[int, tuple[Bracket | None, Placed | None, bool]] = field(default_factory=dict)

    def follow(
        self,
        order: int,
        bracket: Bracket | None,
        placed: Placed | None = None,
        *,
        closes: bool = False,
    ) -> None:
        """Remember what the news of an order are about."""
        self._orders[order] = (bracket, placed, closes)
        if bracket is not None and not closes and bracket not in self.brackets:
            self.brackets.append(bracket)

    def meet(
        self, bar: Bar, ended_ns: int, book: BookView, first_order: int, held: int
    ) -> list[LegIntent]:
        """Legs of all that a bar met, each remembered by its order's number.

        Parameters
        ----------
        bar : Bar
        ended_ns : int
            When it ended.
        book : BookView
            At its close: half its spread is what a taker pays, and no more than its size fills.
        first_order : int
            Number of the first leg's order.
        held : int
            The position, signed: no more of it is closed.
        """
        if not book.valid:
            return []
        legs: list[LegIntent] = []
        half, left = (book.ask - book.bid + 1) // 2, {1: book.ask_qty, -1: book.bid_qty}

        def add(side: int, qty: int, price: int, how: TimeInForce) -> int:
            nonlocal held
            qty = min(qty, left[side])
            if how != TimeInForce.IN_BAR_LIMIT:
                qty = min(qty, -side * held)
            qty -= qty % (self.instrument.lot or 1)
            if qty > 0:
                left[side] -= qty
                held += side * qty
                # What closes is left flat by a buy that pays its fee in base, too.
                closes = how != TimeInForce.IN_BAR_LIMIT
                action = OrderAction.NEW_NET if closes and side > 0 else OrderAction.NEW
                symbol, at = self.instrument.symbol, OrderType.LIMIT
                legs.append(LegIntent(symbol, Side(side), qty, at, price, how, action=action))
            return max(qty, 0)

        for one in self.brackets:
            if one.since_ns < ended_ns:
                order = first_order + len(legs)
                self._leave(one, one.open_qty, bar, half, add, order, within=False)
        for placed in self.limits:
            stands = placed.arrives_ns < ended_ns and not placed.sent
            if not stands or not limit_met(bar, placed.side, placed.limit):
                continue
            order = first_order + len(legs)
            qty = add(placed.side, placed.qty, placed.limit, TimeInForce.IN_BAR_LIMIT)
            if not qty:
                continue
            placed.sent = True
            self.follow(order, placed.bracket, placed)
            if placed.bracket is not None:
                self._leave(placed.bracket, qty, bar, half, add, order + 1, within=True)
        return legs

    def _leave(
        self, one: Bracket, qty: int, bar: Bar, half: int, add: Any, order: int, *, within: bool
    ) -> None:
        """Close a bracket where the bar met its stop or target."""
        if one.leaving or qty <= 0:
            return
        met = exit_met(
            bar, -one.side, one.stop, one.target, half, self.instrument.tick or 1, within=within
        )
        if met is not None and met.price > 0 and add(-one.side, qty, met.price, met.how):
            one.leaving = True
            self.follow(order, one, closes=True)

    def heard(self, notice: Any, held: int) -> None:
        """Take note of a fill, or of the end of an order.

        Parameters
        ----------
        notice : record of FILL_NOTICE_DTYPE
        held : int
            The position after it, signed.
        """
        was, self._held = self._held, held
        order, side, qty, left = notice.order, notice.side, notice.qty, notice.order_left
        bracket, placed, closes = self._orders.get(order, (None, None, False))
        # Of a buy that pays its fee in base, less than was filled.
        gained = side * (held - was)
        if closes and bracket is not None:
            bracket.open_qty -= min(gained, bracket.open_qty)
        else:
            opened = min(gained, max(held * side, 0))
            self._reduce(-side, gained - opened)
            if bracket is not None and opened:
                bracket.open_qty += opened
                bracket.since_ns = notice.ts_ns
        if placed is not None:
            placed.qty -= qty
        if not qty or not left:
            self._ended(order, bracket, placed, closes, filled=qty > 0)
        for one in self.brackets:
            if held * one.side <= 0:  # the engine may have closed by itself
                one.open_qty = 0
        self.brackets = [one for one in self.brackets if one.coming or one.open_qty]

    def _ended(
        self, order: int, bracket: Bracket | None, placed: Placed | None, closes: bool, filled: bool
    ) -> None:
        self._orders.pop(order, None)
        if placed is not None:
            placed.sent = False
            if not placed.qty or not filled:  # a refused order does not stand
                self.limits.remove(placed)
                placed.qty = 0
        if bracket is None:
            return
        if closes:
            bracket.leaving = False
        elif placed is None or not placed.qty:
            bracket.coming = False

    def _reduce(self, side: int, qty: int) -> None:
        """A trade the other way closes what was opened first."""
        for one in self.brackets:
            if one.side == side and qty > 0:
                closed = min(one.open_qty, qty)
                one.open_qty -= closed
                qty -= closed

    def forget_limits(self) -> None:
        """Cancel the limits that stand; what they opened stays."""
        for placed in self.limits:
            if placed.bracket is not None and not placed.sent:
                placed.bracket.coming = False
        self.limits = [placed for placed in self.limits if placed.sent]
        self.brackets = [one for one in self.brackets if one.coming or one.open_qty]
