"""Resting orders and their queues, from the rules; see the naive engine.

1. An order joins behind all that is displayed at its price on its side: nothing where it improves
   the touch; unknown where the data does not show the size. Never before an older one of ours.
2. A trade at the price by the opposite aggressor takes from what is ahead, then from the order.
   A trade beyond the price leaves nothing ahead. Its quantity is given out once: best price first,
   then oldest.
3. After the book has changed: an unknown place is known once the price is the touch or better; with
   pro rata, what the displayed size lost beyond the trades is taken from ahead in proportion.
4. An opposite touch at or beyond the price fills from the displayed size that was not taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.naive.books import Book, Row

if TYPE_CHECKING:
    from tests.naive.engine import Engine


@dataclass(eq=False)
class Resting:
    order: Row
    left: int
    ahead: int | None
    shown: int | None
    traded: int = 0

    @property
    def price(self) -> int:
        return self.order["limit_price"]


def displayed(book: Book, side: int, price: int) -> int | None:
    """Size shown on ``side`` at ``price``; None where nobody can tell."""
    if not book.valid:
        return None
    touch = book.bid if side > 0 else book.ask
    if price == touch:
        return book.bid_qty if side > 0 else book.ask_qty
    if (price - touch) * side > 0:
        return 0
    levels = {p + book.shift: q for p, q in book.depth.levels(side)} if book.depth.valid else {}
    if not levels or not min(levels) <= price <= max(levels):
        return None
    return levels.get(price, 0)


class Queues:
    def __init__(self, engine: Engine, pro_rata: bool) -> None:
        self.engine, self.pro_rata = engine, pro_rata
        self.lanes: dict[tuple[int, int], list[Resting]] = {}

    def lane(self, instrument: int, side: int) -> list[Resting]:
        """Best price first, then oldest."""
        return self.lanes.setdefault((instrument, side), [])

    def all(self) -> list[Resting]:
        keys = sorted(self.lanes, key=lambda key: (key[0], -key[1]))
        return [one for key in keys for one in self.lanes[key]]

    def join(self, order: Row, left: int) -> None:
        side, price = order["side"], order["limit_price"]
        lane = self.lane(order["instrument"], side)
        shown = displayed(self.engine.market.books[order["instrument"]], side, price)
        ahead = shown
        for older in lane:
            if older.price == price and ahead is not None:
                ahead = None if older.ahead is None else max(ahead, older.ahead)
        lane.append(Resting(order, left, ahead, shown))
        lane.sort(key=lambda one: -side * one.price)  # stable: the oldest stay first

    def trade(self, instrument: int, price: int, qty: int, aggressor: int) -> None:
        pool = max(0, qty)
        hit = -aggressor if aggressor else 1
        for side in (hit, -hit):
            lane = self.lane(instrument, side)
            for one in list(lane):
                beyond = (one.price - price) * side
                at = beyond == 0 and side == -aggressor
                if qty <= 0 or not (beyond > 0 or at):
                    continue
                used = 0
                if at:
                    one.traded += qty
                    if one.ahead is None:
                        continue
                    used = min(one.ahead, pool)
                    one.ahead -= used
                else:
                    one.ahead = 0
                pool -= self._fill(lane, one, min(one.left, pool - used))

    def _fill(self, lane: list[Resting], one: Resting, qty: int) -> int:
        if qty > 0:
            one.left -= qty
            if one.left == 0:
                lane.remove(one)
            self.engine.rest_filled(one, qty)
        return qty

    def book_changed(self, instrument: int) -> None:
        book = self.engine.market.books[instrument]
        if not book.valid:
            return
        for side in (1, -1):
            older: Resting | None = None
            for one in self.lane(instrument, side):
                self._requeue(book, side, one)
                if older is not None and older.price == one.price and one.ahead is not None:
                    one.ahead = max(one.ahead, older.ahead or 0)
                older = one
        for side in (1, -1):
            lane = self.lane(instrument, side)
            for one in list(lane):
                fill = 0
                for price, qty, *_ in list(book.available(side)):
                    part = min(one.left - fill, qty) if (one.price - price) * side >= 0 else 0
                    if part:
                        book.take(side, price, part)
                    fill += part
                self._fill(lane, one, fill)

    def _requeue(self, book: Book, side: int, one: Resting) -> None:
        shown = displayed(book, side, one.price)
        touch = book.bid if side > 0 else book.ask
        if one.ahead is None:
            if (one.price - touch) * side >= 0:
                one.ahead = shown
        elif self.pro_rata and shown is not None and one.shown is not None:
            before = one.shown - one.traded
            if before > shown:
                one.ahead -= (before - shown) * one.ahead // before
        one.shown, one.traded = shown, 0
