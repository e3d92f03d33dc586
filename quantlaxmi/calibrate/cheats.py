"""Strategies that look ahead, for the self-check: what the gates have to catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quantlaxmi.schema import I64
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy, Strategy

__all__ = ["LAST_ROW", "NEXT_ROW", "hindsight", "peeker"]

#: How far a peeker looks: one row, or to the end.
NEXT_ROW, LAST_ROW = 1, -1
_QTY = 10**8
_EVERY, _HELD = 40, 20


def _mids(segment: MarketData) -> I64:
    """Twice the mid of every quote of the first instrument."""
    quotes = segment.columns("quotes")
    own = quotes["instrument"] == 0
    mids: I64 = (quotes["bid"] + quotes["ask"])[own]
    return mids


class _InAndOut(CryptoStrategy):
    """Enters every so many calls on a side that `side_at` gives, and leaves some calls later."""

    Config = StrategyConfig
    rationales = ("in", "out")

    def on_start(self, ctx: Any) -> None:
        """Begin to count calls."""
        self._calls = 0

    def side_at(self, call: int) -> int:
        """1 for long, -1 for short, 0 for nothing."""
        raise NotImplementedError

    def on_market(self, event: Any, ctx: Any) -> Any:
        """Enter or leave."""
        call, self._calls = self._calls, self._calls + 1
        symbol = ctx.instruments[0].symbol
        if ctx.in_flight or not ctx.book(symbol).valid:
            return None
        held = ctx.position(symbol).qty
        if held and call % _EVERY >= _HELD:
            return ctx.decide([ctx.net(symbol, -held)], rationale="out")
        if held or call % _EVERY >= _HELD:
            return None
        wanted = self.side_at(call)
        if not wanted:
            return None
        return ctx.decide([ctx.net(symbol, wanted * _QTY)], rationale="in")


def peeker(rows: int) -> Callable[[MarketData], Strategy]:
    """Makes a strategy that reads prices which come later from the segment it runs on.

    Parameters
    ----------
    rows : int
        `NEXT_ROW` or `LAST_ROW`.
    """

    def make(segment: MarketData) -> Strategy:
        class Peeker(_InAndOut):
            strategy_id = "peeker"

            def side_at(self, call: int) -> int:
                mids = _mids(segment)
                later = len(mids) - 1 if rows == LAST_ROW else min(call + rows, len(mids) - 1)
                move = int(mids[later]) - int(mids[min(call, len(mids) - 1)])
                return (move > 0) - (move < 0)

        return Peeker(StrategyConfig())

    return make


def hindsight(segment: MarketData) -> Strategy:
    """Makes a schedule of the best sides from the whole segment before the run begins."""
    mids = _mids(segment)

    class Hindsight(_InAndOut):
        strategy_id = "hindsight"

        def side_at(self, call: int) -> int:
            if call + _HELD >= len(mids):
                return 0
            move = int(mids[call + _HELD]) - int(mids[call])
            return (move > 0) - (move < 0)

    return Hindsight(StrategyConfig())
