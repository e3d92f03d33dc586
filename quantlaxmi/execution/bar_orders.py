"""Orders that stand while a bar is made, and whether and at what price the bar met them.

Of a bar only open, high, low and close are known, not their order. Each doubt is settled against
the order:

- A **stop** is met where the bar touches its level. It trades at its level, or at the open where
  the bar begins beyond it, as a taker: half a spread worse than that.
- A **limit** is met where the bar goes through its level by a unit; to touch it is not enough. It
  trades at its level, as a maker, also where the bar opens beyond it: never better than the open.
- Where stop and target both lie in a bar, the stop is met, unless the bar opens beyond the target:
  then that was first.
- What a limit opened within the bar cannot reach its target in the same bar, because the extreme
  may have come before. Its stop it can.
"""

from __future__ import annotations

from typing import NamedTuple

from quantlaxmi.schema import TimeInForce

__all__ = ["Bar", "Met", "exit_met", "limit_met"]


class Bar(NamedTuple):
    """Prices of one bar, as mantissas."""

    open: int
    high: int
    low: int
    close: int


class Met(NamedTuple):
    """How a bar met an order.

    Attributes
    ----------
    price : int
        Mantissa.
    how : TimeInForce
        One of those that are met inside a bar.
    """

    price: int
    how: TimeInForce


def limit_met(bar: Bar, side: int, level: int) -> bool:
    """Whether a bar goes through the level of a limit order.

    Parameters
    ----------
    bar : Bar
    side : int
        1 for an order to buy, -1 to sell.
    level : int
        Mantissa.

    Examples
    --------
    >>> limit_met(Bar(100, 105, 99, 104), 1, 99), limit_met(Bar(100, 105, 99, 104), 1, 100)
    (False, True)
    """
    return bar.low < level if side > 0 else bar.high > level


def exit_met(
    bar: Bar,
    side: int,
    stop: int | None,
    target: int | None,
    half_spread: int,
    tick: int = 1,
    *,
    within: bool = False,
) -> Met | None:
    """How a bar met the stop or the target of a position; None where it met neither.

    Parameters
    ----------
    bar : Bar
    side : int
        Of the orders that close the position: -1 where it is long.
    stop, target : int or None
        Levels, mantissas.
    half_spread : int
        What a taker pays, a price mantissa.
    tick : int
        A taker's price is rounded to multiples of it, against him.
    within : bool
        Whether the position was opened inside this bar, after its open.

    Returns
    -------
    Met or None

    Examples
    --------
    >>> bar = Bar(100, 110, 90, 105)
    >>> exit_met(bar, -1, 95, 108, 1)
    Met(price=94, how=<TimeInForce.IN_BAR_STOP_FIRST: 6>)
    >>> exit_met(bar, -1, 102, 120, 1).price
    99
    """
    # Mirrored at 0, so that one case is left: a long position, whose stop is below.
    opened, high, low = bar.open, bar.high, bar.low
    if side > 0:
        opened, high, low = -opened, -bar.low, -bar.high
        stop = None if stop is None else -stop
        target = None if target is None else -target
    if target is not None and opened > target and not within:
        return Met(abs(target), TimeInForce.IN_BAR_TARGET)
    reached = target is not None and high > target
    if stop is not None and low <= stop:
        price = (stop if within else min(opened, stop)) - half_spread
        price -= price % tick
        first = TimeInForce.IN_BAR_STOP_FIRST if reached else TimeInForce.IN_BAR_STOP
        return Met(abs(price), first)
    if target is not None and reached and not within:
        return Met(abs(target), TimeInForce.IN_BAR_TARGET)
    return None
