"""Books that follow messages, for the naive engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quantlaxmi.schema import OPTIONAL_TABLES, TABLES, ChainFlag, DepthFlag
from tests.naive.depth_book import DepthBook, Message

Row = dict[str, Any]


@dataclass
class Book:
    valid: bool = False
    bid: int = 0
    bid_qty: int = 0
    ask: int = 0
    ask_qty: int = 0
    ts_ns: int = 0
    shift: int = 0  # of all recorded prices; the levels of ``depth`` are kept without it
    has_quotes: bool = False
    mid2: int = 0  # bid + ask when the book was last valid
    oi: int = 0
    iv: int = 0
    last: int = 0
    closed: bool = False  # the contract was settled: nothing changes any more
    ends_ns: int | None = None  # from then on nothing can be traded
    said_ns: int = 0  # when the top was said first; a snapshot that repeats it is no news
    #: By the order's side: what we took at a price whose level still stands.
    taken: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})
    depth: DepthBook = field(default_factory=DepthBook)

    def set_top(
        self, bid: int, bid_qty: int, ask: int, ask_qty: int, ts_ns: int, shift: int = 0
    ) -> None:
        if self.closed:
            return
        self.bid = bid + shift if bid > 0 else bid
        self.ask = ask + shift if ask > 0 else ask
        self.bid_qty, self.ask_qty = bid_qty, ask_qty
        self.valid = 0 < bid < ask and bid_qty > 0 and ask_qty > 0
        self.ts_ns, self.said_ns, self.shift = ts_ns, ts_ns, shift
        if self.valid:
            self.mid2 = self.bid + self.ask
            self.seen(depth_changed=False)

    def seen(self, depth_changed: bool) -> None:
        """Forget own takes of levels that are not seen to stand; of one that shrank all is ours."""
        if not self.valid:
            return
        for side, touch, qty in ((1, self.ask, self.ask_qty), (-1, self.bid, self.bid_qty)):
            levels = self.depth.asks if side > 0 else self.depth.bids
            standing = {}
            for price, mine in self.taken[side].items():
                recorded = price - self.shift
                if price == touch:
                    standing[price] = min(mine, qty)
                elif (price - touch) * side < 0 or not (self.depth.valid and levels):
                    continue
                elif min(levels) <= recorded <= max(levels):
                    standing[price] = min(mine, levels.get(recorded, 0)) if depth_changed else mine
            self.taken[side] = {p: q for p, q in standing.items() if q}

    def ladder(self, side: int) -> list[tuple[int, int, bool]]:
        """What an order of ``side`` could take: price, qty, beyond the touch."""
        if not self.valid:
            return []
        touch = self.ask if side > 0 else self.bid
        steps = [(touch, self.ask_qty if side > 0 else self.bid_qty, False)]
        if self.depth.valid:
            steps += [
                (price + self.shift, qty, True)
                for price, qty in self.depth.levels(-side)
                if (price + self.shift - touch) * side > 0
                and (price + self.shift > 0 or not self.shift)
            ]
        return steps

    def available(self, side: int) -> Iterator[tuple[int, int, bool, bool]]:
        """Price, what we have not taken, beyond the touch, whether own takes were passed over."""
        passed = False
        for price, qty, beyond in self.ladder(side):
            mine = self.taken[side].get(price, 0)
            passed = passed or mine > 0
            if qty > mine:
                yield price, qty - mine, beyond, passed

    def take(self, side: int, price: int, qty: int) -> None:
        self.taken[side][price] = self.taken[side].get(price, 0) + qty


class Market:
    """Books that follow messages."""

    def __init__(self, n_instruments: int) -> None:
        self.books = [Book() for _ in range(n_instruments)]

    def apply(self, table: str, rows: Sequence[Row]) -> None:
        row = rows[-1]
        if table == "chain":
            self._snapshot(rows)
            return
        book = self.books[row["instrument"]]
        if table == "quotes":
            book.has_quotes = True
            book.set_top(
                row["bid"],
                row["bid_qty"],
                row["ask"],
                row["ask_qty"],
                row["ts_ns"],
                row.get("shift", 0),
            )
        elif table == "depth":
            levels = tuple((r["side"], r["price"], r["qty"]) for r in rows)
            snapshot = bool(row["flags"] & DepthFlag.SNAPSHOT)
            book.depth.apply(
                Message(row["first_id"], row["last_id"], row["prev_id"], snapshot, levels)
            )
            if book.has_quotes:
                book.seen(depth_changed=True)
                return
            if book.depth.valid and book.depth.bids and book.depth.asks:
                best_bid, best_ask = max(book.depth.bids), min(book.depth.asks)
                book.set_top(
                    best_bid,
                    book.depth.bids[best_bid],
                    best_ask,
                    book.depth.asks[best_ask],
                    row["ts_ns"],
                    row.get("shift", 0),
                )
                book.seen(depth_changed=True)
            else:
                book.valid = False

    def _snapshot(self, rows: Sequence[Row]) -> None:
        for row in rows:
            book = self.books[row["instrument"]]
            if not book.closed:
                top = [row[name] for name in ("bid", "bid_qty", "ask", "ask_qty")]
                said_ns = book.said_ns
                book.set_top(*top, row["ts_ns"])
                if row["flags"] & ChainFlag.UNCHANGED and said_ns:
                    book.said_ns = said_ns
                book.oi, book.iv, book.last = row["oi"], row["iv"], row["last"]
                if book.ends_ns is not None and row["ts_ns"] >= book.ends_ns:
                    book.valid = False


def merged(tables: Mapping[str, Mapping[str, Sequence[int]]]) -> list[tuple[str, list[Row]]]:
    """Messages that are played, in ``seq`` order; rows of a depth message together."""
    by_seq: dict[int, tuple[str, list[Row]]] = {}
    for table in TABLES.keys() - {"bars"}:  # no book changes by a whole bar
        if table in OPTIONAL_TABLES and table not in tables:
            continue
        columns = {name: [int(v) for v in values] for name, values in tables[table].items()}
        for i in range(len(columns["seq"])):
            row = {name: values[i] for name, values in columns.items()}
            by_seq.setdefault(row["seq"], (table, []))[1].append(row)
    return [by_seq[seq] for seq in sorted(by_seq)]
