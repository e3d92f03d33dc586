"""What a `BarStrategy` reads: its bars and its position."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quantlaxmi.errors import StrategyError, shown
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.strategies.bar_history import BarSeries

__all__ = ["BarData", "BarPosition"]


class BarData:
    """Bars of all instruments up to the bar at hand: ``self.data``.

    ``data.close`` is a series of the strategy's first instrument, ``data["ETHUSDT"]`` has those of
    another. ``data.close[-1]`` is the close of the bar that has just ended, ``data.close[-5:]`` a
    copy of the last five. No bar of the future can be reached.

    Parameters
    ----------
    series : sequence of BarSeries
        The strategy's instruments, in its order.
    """

    __slots__ = ("_by_symbol", "close", "high", "low", "open", "volume")

    def __init__(self, series: Sequence[BarSeries]) -> None:
        self._by_symbol = {one.symbol: one for one in series}
        first = series[0]
        self.open, self.high, self.low = first.open, first.high, first.low
        self.close, self.volume = first.close, first.volume

    def __getitem__(self, symbol: str) -> BarSeries:
        found = self._by_symbol.get(symbol)
        if found is None:
            raise StrategyError(
                f"symbol {shown(symbol)} is not one the strategy trades "
                f"({', '.join(self._by_symbol)})"
            )
        return found

    def __len__(self) -> int:
        return len(self.close)


class BarPosition:
    """What is held now: ``self.position``.

    ``position.size`` is that of the strategy's first instrument in units of the base, positive for
    long; the position is true where something is held; ``position("ETHUSDT")`` is the exact size of
    another.

    Parameters
    ----------
    held : callable
        The filled quantity of a symbol, signed, as `FixedPoint`.
    symbol : str
    """

    __slots__ = ("_held", "_symbol")

    def __init__(self, held: Callable[[str], FixedPoint], symbol: str) -> None:
        self._held, self._symbol = held, symbol

    def __call__(self, symbol: str) -> FixedPoint:
        return self._held(symbol)

    @property
    def size(self) -> float:
        """Units of the base, signed."""
        return self._held(self._symbol).to_f64()

    @property
    def is_long(self) -> bool:
        """Whether something is owned."""
        return self._held(self._symbol).mantissa > 0

    @property
    def is_short(self) -> bool:
        """Whether something is owed."""
        return self._held(self._symbol).mantissa < 0

    def __bool__(self) -> bool:
        return self._held(self._symbol).mantissa != 0

    def __repr__(self) -> str:
        return f"<BarPosition {self._symbol}: {self._held(self._symbol).to_text()}>"
