"""Naive twin of quantlaxmi._ext.depth_book: two dicts of levels and the venue's sequence rule.

A message covers the update ids ``(prev_id, last_id]`` where the venue sends ``prev_id``, else
``[first_id, last_id]``. It follows a book that stands at id ``last`` when it begins right there;
the first one after a snapshot may begin earlier. What ends at or before ``last`` is old and
ignored. Anything else is a gap: no book until a snapshot, to which the messages received since are
added.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from quantlaxmi.schema import DepthFlag

Level = tuple[int, int, int]  # side (0: none), price, qty


@dataclass(frozen=True)
class Message:
    first_id: int
    last_id: int
    prev_id: int  # -1 where the venue sends none
    snapshot: bool
    levels: tuple[Level, ...]


@dataclass
class DepthBook:
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    valid: bool = False
    last_id: int = 0
    gaps: int = 0
    from_snapshot: bool = False  # and no difference added yet
    #: Of the last snapshot by side, its worst price; None where it had no level there.
    worst: dict[int, int | None] = field(default_factory=lambda: {1: None, -1: None})
    waiting: list[Message] = field(default_factory=list)

    def apply(self, message: Message) -> None:
        if message.snapshot:
            if self.valid and message.last_id < self.last_id:
                return
            self.bids, self.asks = {}, {}
            self._write(message)
            self.valid = self.from_snapshot = True
            self.worst = {1: min(self.bids, default=None), -1: max(self.asks, default=None)}
            held, self.waiting = self.waiting, []
            for k, one in enumerate(held):
                if not self._add(one):
                    self.waiting = held[k:]
                    return
        elif not self.valid:
            self.waiting.append(message)
        elif not self._add(message):
            self.waiting = [message]

    def _add(self, message: Message) -> bool:
        """Add a difference to the standing book; False at a gap."""
        if message.last_id <= self.last_id:
            return True
        has_prev = message.prev_id >= 0
        begin = message.prev_id if has_prev else message.first_id - 1
        if begin == self.last_id or (self.from_snapshot and begin < self.last_id):
            self.from_snapshot = False
            self._write(message)
            return True
        self.valid = False
        self.gaps += 1
        return False

    def _write(self, message: Message) -> None:
        self.last_id = message.last_id
        for side, price, qty in message.levels:
            if side == 0:
                continue
            book = self.bids if side > 0 else self.asks
            if qty <= 0:
                book.pop(price, None)
            else:
                book[price] = qty

    def levels(self, side: int) -> list[tuple[int, int]]:
        """Best first; side 1: bids, -1: asks."""
        if side > 0:
            return sorted(self.bids.items(), reverse=True)
        return sorted(self.asks.items())


def messages(columns: dict[str, list[int]]) -> list[Message]:
    """Rows of one instrument's depth table as whole messages; rows after the last LAST are left."""
    found: list[Message] = []
    levels: list[Level] = []
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    for first, last, prev, side, price, qty, flags in zip(
        *(columns[n] for n in names), strict=True
    ):
        levels.append((side, price, qty))
        if flags & DepthFlag.LAST:
            snapshot = bool(flags & DepthFlag.SNAPSHOT)
            found.append(Message(first, last, prev, snapshot, tuple(levels)))
            levels = []
    return found
