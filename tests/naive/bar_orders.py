"""Naive twin of a strategy over bars: what fills, at which price, worked out bar by bar.

Prices and quantities are ints; bars are (open, high, low, close). What is decided at the end of a
bar trades at the open of the next, half a spread worse. The last bar is only marked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

Bar = tuple[int, int, int, int]
#: Kind ("market", "limit" or "target"), signed quantity, limit, stop, target.
Action = tuple[str, int, int | None, int | None, int | None]
#: Bar, side, quantity, price, kind.
Fill = tuple[int, int, int, int, str]


@dataclass(eq=False)
class Lot:
    """What one order opened."""

    side: int
    qty: int
    stop: int | None
    target: int | None


@dataclass(eq=False)
class Limit:
    side: int
    qty: int
    price: int
    stop: int | None
    target: int | None


def spread(price: int, bps: Fraction) -> tuple[int, int]:
    return floor(price * (1 - bps / 10_000)), ceil(price * (1 + bps / 10_000))


def left_by(lot: Lot, bar: Bar, half: int, within: bool) -> tuple[int, str] | None:
    """Price and kind at which a bar ends a lot; every doubt goes against it."""
    opened, high, low, _ = bar
    stop, target = lot.stop, lot.target
    if lot.side > 0:
        beyond = target is not None and opened > target
        through = target is not None and high > target
        touched = stop is not None and low <= stop
    else:
        beyond = target is not None and opened < target
        through = target is not None and low < target
        touched = stop is not None and high >= stop
    if beyond and not within:
        return target, "target"
    if touched:
        level = stop
        if not within:
            level = min(stop, opened) if lot.side > 0 else max(stop, opened)
        return level - lot.side * half, "stop first" if through else "stop"
    if through and not within:
        return target, "target"
    return None


def run(
    bars: Sequence[Bar], plan: Mapping[int, Sequence[Action]], bps: Fraction
) -> tuple[list[Fill], list[int]]:
    """Fills, and the position after each bar's end as the strategy sees it."""
    fills: list[Fill] = []
    lots: list[Lot] = []
    limits: list[Limit] = []
    queue: list[tuple[int, int, int | None, int | None]] = []
    position, seen = 0, []

    def trade(k: int, side: int, qty: int, price: int, kind: str) -> int:
        """Fill; what of it opened."""
        nonlocal position
        position += side * qty
        fills.append((k, side, qty, price, kind))
        return min(qty, max(position * side, 0))

    def close_oldest(side: int, qty: int) -> None:
        for lot in lots:
            if lot.side == side:
                taken = min(lot.qty, qty)
                lot.qty, qty = lot.qty - taken, qty - taken

    for k, bar in enumerate(bars):
        bid, ask = spread(bar[0], bps)
        for side, qty, stop, target in queue:
            opened = trade(k, side, qty, ask if side > 0 else bid, "market")
            close_oldest(-side, qty - opened)
            if (stop, target) != (None, None):
                lots.append(Lot(side, opened, stop, target))
        queue = []
        if k == len(bars) - 1:
            break
        bid, ask = spread(bar[3], bps)
        half = ceil(Fraction(ask - bid, 2))
        for lot in list(lots):
            found = left_by(lot, bar, half, within=False) if lot.qty else None
            if found:
                # Never more than is held.
                qty = min(lot.qty, max(position * lot.side, 0))
                lot.qty = 0
                if qty:
                    trade(k, -lot.side, qty, *found)
        for one in list(limits):
            through = bar[2] < one.price if one.side > 0 else bar[1] > one.price
            if not through:
                continue
            limits.remove(one)
            opened = trade(k, one.side, one.qty, one.price, "limit")
            close_oldest(-one.side, one.qty - opened)
            if (one.stop, one.target) == (None, None):
                continue
            lot = Lot(one.side, opened, one.stop, one.target)
            lots.append(lot)
            found = left_by(lot, bar, half, within=True)
            if found:
                qty = min(one.qty, max(position * lot.side, 0))
                lot.qty -= min(lot.qty, qty)
                if qty:
                    trade(k, -lot.side, qty, *found)
        seen.append(position)
        asked = 0
        for kind, qty, limit, stop, target in plan.get(k, ()):
            if kind == "limit":
                limits.append(Limit(1 if qty > 0 else -1, abs(qty), limit, stop, target))
                continue
            if kind == "target":
                wanted, qty = qty, qty - position - asked
                if wanted * qty <= 0:  # it opens nothing
                    stop = target = None
            if qty:
                asked += qty
                queue.append((1 if qty > 0 else -1, abs(qty), stop, target))
    return fills, seen


def cash(fills: Sequence[Fill], fee: Callable[[int, str], Fraction]) -> Fraction:
    """Money after all fills, at price times quantity."""
    return sum(
        (-side * qty * price - fee(qty * price, kind) for _, side, qty, price, kind in fills),
        Fraction(0),
    )
