"""Resting orders and their queues, from the rules; see the naive engine.

1. An order joins behind all that is displayed at its price on its side: nothing where it improves
   the touch; unknown where the data does not show the size: a level that is not there is 0 only
   within the levels of the snapshot. Never before an older one of ours.
2. A trade at the price by the opposite aggressor takes from what is ahead, then from the order.
   A trade beyond the price fills the order whole. Its quantity is given out once: best price first,
   then oldest.
3. After the book has changed: with pro rata, what the displayed size lost beyond the trades is
   taken from ahead in proportion; then never more is ahead than is displayed, and a place that was
   unknown is behind all that.
4. An opposite touch at or beyond the price fills from the displayed size that was not taken.
5. Fills are whole lots, or all that is left of an order.
6. A trade whose stamp is not later than the venue's clock when an order arrived does nothing for
   it; one without a stamp acts, and so do all on an order that came before the clock was known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.naive.books import Book, Row
from tests.naive.venue_clock import counts

if TYPE_CHECKING:
    from tests.naive.engine import Engine


@dataclass(eq=False)
class Resting:
    order: Row
    left: int
    ahead: int | None
    shown: int | None
    traded: int = 0
    since: int | None = None

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
    best = max((side * p for p in levels), default=None)
    if best is None or side * price > best:
        return None
    if price in levels:
        return levels[price]
    worst = book.depth.worst[side]
    return None if worst is None or side * price < side * (worst + book.shift) else 0


class Queues:
    def __init__(self, engine: Engine, pro_rata: bool, by_receipt: bool) -> None:
        self.engine, self.pro_rata, self.by_receipt = engine, pro_rata, by_receipt
        self.lanes: dict[tuple[int, int], list[Resting]] = {}

    def lane(self, instrument: int, side: int) -> list[Resting]:
        """Best price first, then oldest."""
        return self.lanes.setdefault((instrument, side), [])

    def all(self) -> list[Resting]:
        keys = sorted(self.lanes, key=lambda key: (key[0], -key[1]))
        return [one for key in keys for one in self.lanes[key]]

    def join(self, order: Row, left: int, ts_ns: int) -> None:
        side, price = order["side"], order["limit_price"]
        lane = self.lane(order["instrument"], side)
        shown = displayed(self.engine.market.books[order["instrument"]], side, price)
        ahead = shown
        clock = self.engine.clocks[order["instrument"]]
        since = None if self.by_receipt else clock.venue_time(ts_ns)
        for older in lane:
            if older.price == price and ahead is not None:
                ahead = None if older.ahead is None else max(ahead, older.ahead)
            if older.price == price and older.since is not None:
                since = older.since if since is None else max(since, older.since)
        lane.append(Resting(order, left, ahead, shown, since=since))
        lane.sort(key=lambda one: -side * one.price)  # stable: the oldest stay first

    def whole(self, instrument: int, qty: int, left: int) -> int:
        """What an order of which ``left`` is open gets of ``qty``."""
        lot = self.engine.rules[instrument].lot or 1
        return left if qty >= left else qty // lot * lot

    def trade(self, instrument: int, row: Row, price: int) -> None:
        qty, aggressor = row["qty"], row["side"]
        clock = self.engine.clocks[instrument]
        stamp = row["exch_ts_ns"] if counts(row["ts_ns"], row["exch_ts_ns"]) else None
        pool = max(0, qty)
        hit = -aggressor if aggressor else 1
        for side in (hit, -hit):
            lane = self.lane(instrument, side)
            for one in list(lane):
                beyond = (one.price - price) * side
                at = beyond == 0 and side == -aggressor
                if qty <= 0 or not (beyond > 0 or at):
                    continue
                clock.met += 1
                if None not in (stamp, one.since) and stamp <= one.since:
                    clock.over += 1
                    continue
                if at:
                    one.traded += qty
                    if one.ahead is None:
                        continue
                    used = min(one.ahead, pool)
                    one.ahead -= used
                    fill = self.whole(instrument, pool - used, one.left)
                else:
                    one.ahead, fill = 0, one.left
                pool = max(0, pool - self._fill(lane, one, fill))

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
                levels = [
                    level[:2]
                    for level in book.available(side)
                    if (one.price - level[0]) * side >= 0
                ]
                fill = self.whole(instrument, sum(qty for _, qty in levels), one.left)
                rest = fill
                for price, qty in levels:
                    if rest:
                        book.take(side, price, min(rest, qty))
                        rest -= min(rest, qty)
                self._fill(lane, one, fill)

    def _requeue(self, book: Book, side: int, one: Resting) -> None:
        shown = displayed(book, side, one.price)
        if self.pro_rata and None not in (one.ahead, shown, one.shown):
            before = one.shown - one.traded
            if before > shown:
                one.ahead -= (before - shown) * one.ahead // before
        if shown is not None:
            one.ahead = shown if one.ahead is None else min(one.ahead, shown)
        one.shown, one.traded = shown, 0
