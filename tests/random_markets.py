"""Random markets, schedules and orders for the engine, its depth book, attribution and grid.

A market is a dict of the segment's tables; a schedule says what a strategy decides at which of its
calls. Everything follows from a seed, and a shorter market of one seed is a prefix of a longer one,
so that a failing example shrinks well.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np

from quantlaxmi.schema import OrderAction, OrderType
from tests.market_builder import START_NS, MarketBuilder, Tables
from tests.naive.engine import Decision, Leg

#: Actions that make an order.
ORDERS = (OrderAction.NEW, OrderAction.NEW_NET)


def stretched(tables: Tables, factor: int) -> Tables:
    """The same market with every time multiplied."""
    times = ("ts_ns", "exch_ts_ns", "next_funding_ns")
    return {
        table: {name: c * factor if name in times else c for name, c in columns.items()}
        for table, columns in tables.items()
    }


class _Source:
    """Draws a market; small prices and sizes, so that everything collides."""

    def __init__(self, seed: int, n_instruments: int, with_quotes: bool) -> None:
        self.random, self.n, self.with_quotes = Random(seed), n_instruments, with_quotes
        self.builder = MarketBuilder()
        self.mid = [1_000 + 10 * k for k in range(n_instruments)]
        self.last_id = [100] * n_instruments
        self.seen = [False] * n_instruments
        self.next_funding = START_NS + 20

    def message(self) -> None:
        r, b = self.random, self.builder
        b.wait(r.choice((0, 0, 0, 1, 1, 3, 10)))
        b.seq += r.choice((0, 0, 0, 5))
        k = r.randrange(self.n)
        self.mid[k] += r.randrange(-2, 3)
        what = r.choice("qqqqqqdddddtf")
        # Trades are received late, some messages have no stamp, and two clocks differ either way.
        b.late(r.choice((7, 7, 7, 9, 12, 30, None, -2) if what != "t" else (7, 9, 12, 30, None)))
        if what == "q" and (self.with_quotes or r.random() < 0.05):
            bid = self.mid[k] - r.randrange(0, 3)
            if r.random() < 0.07:
                bid, ask = r.choice(((bid, bid), (bid, bid - 1), (0, bid), (bid, 0), (-1, bid)))
            else:
                ask = bid + r.randrange(1, 4)
            bid_qty, ask_qty = r.choice((0, 1, 2, 3, 5, 8, 20)), r.choice((1, 1, 2, 4, 9, 20))
            b.quote(k, bid, bid_qty, ask, ask_qty, quiet=r.random() < 0.2)
        elif what == "t":
            b.trade(k, self.mid[k], r.randrange(1, 9), r.choice((1, -1)))
        elif what == "f":
            rate = r.choice((50_000_000, -50_000_000, 12_345_678, 0, -7, 99_999_999))
            if r.random() < 0.3:
                self.next_funding += r.choice((5, 20, -10))
            mark = 0 if k == 0 else self.mid[k] + r.randrange(-1, 2)
            b.funding(k, mark, rate, self.next_funding)
        else:
            self._depth(k)

    def _depth(self, k: int) -> None:
        r, b, last = self.random, self.builder, self.last_id[k]
        perp = k == 1
        if not self.seen[k] or r.random() < 0.12:
            self.seen[k] = self.seen[k] or r.random() < 0.7
            if self.seen[k]:
                at = last - r.choice((0, 0, 1, 3, -4))
                self.last_id[k] = max(last, at)
                b.depth(k, (at, at, -1), self._levels(k, r.randrange(0, 9)), snapshot=True)
                return
        size, shift = r.randrange(1, 4), r.choice((0,) * 12 + (1, 2, -1, -3))
        first, prev = last + 1 + shift, last + shift
        self.last_id[k] = max(last, last + shift + size)
        b.depth(
            k,
            (first + (r.randrange(2) if perp else 0), last + shift + size, prev if perp else -1),
            self._levels(k, r.randrange(0, 4)),
        )

    def _levels(self, k: int, n: int) -> list[tuple[int, int, int]]:
        r, found = self.random, []
        for _ in range(n):
            side = r.choice((1, -1))
            offset = r.randrange(-1, 6)
            found.append((side, self.mid[k] - side * offset, r.choice((0, 1, 2, 3, 5, 12))))
        return found


@functools.lru_cache(maxsize=64)
def random_market(
    seed: int, n_messages: int, n_instruments: int = 2, with_quotes: bool = True
) -> Tables:
    source = _Source(seed, n_instruments, with_quotes)
    for _ in range(n_messages):
        source.message()
    return source.builder.tables()


Schedule = dict[int, Decision]


def random_schedule(
    seed: int, n_calls: int, n_instruments: int = 2, share: float = 0.25, bundles: bool = True
) -> Schedule:
    """Decisions by number of call: sizes below and above what is shown, in and out at random."""
    r, schedule = Random(seed + 1), {}
    for call in range(n_calls):
        if r.random() > share:
            continue
        bundle = bundles and r.random() < 0.7
        count = r.randrange(1, n_instruments + 1 + (not bundle))
        chosen = (
            r.sample(range(n_instruments), count)
            if bundle
            else [r.randrange(n_instruments) for _ in range(count)]
        )
        schedule[call] = Decision(
            legs=tuple(
                Leg(k, r.choice((1, -1)), r.choice((1, 2, 3, 5, 7, 12, 30))) for k in chosen
            ),
            bundle=bundle,
            decision_type=r.choice((1, 2, 3)),
            direction=r.choice((-1, 0, 1)),
            confidence=r.choice((-1, 0, 10_000)),
            rationale=r.randrange(2),
        )
    return schedule


def resolved(
    decision: Decision | None,
    mine: list[tuple[int, int]],
    next_order: int,
    tops: Sequence[tuple[int, int, bool]],
) -> Decision | None:
    """A decision with its prices and targets named, and ``mine`` with the orders it makes.

    Of a relative decision, limit prices are offsets from the own side's touch toward the other
    one, and a target counts own orders of the instrument, from the newest.
    """
    if decision is None:
        return None
    legs = []
    for leg in decision.legs:
        bid, ask, valid = tops[leg.instrument]
        if decision.relative and leg.action != OrderAction.CANCEL:
            touch = (bid if leg.side > 0 else ask) if valid else 1_000
            price = max(1, touch + leg.side * leg.limit_price) if _priced(leg) else 0
            leg = replace(leg, limit_price=price)
        if decision.relative and leg.action not in ORDERS:
            own = [order for order, instrument in mine if instrument == leg.instrument]
            if not own:
                continue
            leg = replace(leg, target=own[-1 - leg.target % len(own)])
        legs.append(leg)
    for k, leg in enumerate(legs):
        if leg.action in ORDERS:
            mine.append((next_order + k, leg.instrument))
    return replace(decision, legs=tuple(legs)) if legs else None


def _priced(leg: Leg) -> bool:
    return leg.order_type == OrderType.LIMIT or leg.action == OrderAction.MODIFY


def random_orders(
    seed: int,
    n_calls: int,
    n_instruments: int = 2,
    share: float = 0.3,
    depth: int = 4,
    kinds: str = "mlllliippccddee",
) -> Schedule:
    """Limit, immediate, post-only and market orders near the touch, changes and cancels.

    ``kinds`` has a letter for each: market, limit, immediate, post-only, cancel, change (d), and
    two changes of an order at once (e).
    """
    r, schedule = Random(seed + 2), {}
    for call in range(n_calls):
        if r.random() > share:
            continue
        bundle = r.random() < 0.15
        count = r.randrange(1, n_instruments + 1 if bundle else 5)
        chosen = (
            r.sample(range(n_instruments), count)
            if bundle
            else [r.randrange(n_instruments) for _ in range(count)]
        )
        legs: list[Leg] = []
        for k in chosen:
            side, qty = r.choice((1, -1)), r.choice((1, 2, 3, 5, 7, 12, 30))
            offset = r.choice((-depth, -2, -1, -1, 0, 0, 0, 0, 1, 1, 2, 3, depth))
            if bundle:
                kind = r.randrange(2)
                legs.append(Leg(k, side, qty, kind, offset if kind else 0, kind))
                continue
            what = r.choice(kinds)
            if what == "m":
                legs.append(Leg(k, side, qty))
            elif what in "lip":
                tif = {"l": 0, "i": 1, "p": 2}[what]
                legs.append(Leg(k, side, qty, 1, offset, tif))
            elif what == "c":
                legs.append(Leg(k, 1, 0, action=2, target=r.randrange(6)))
            else:
                # One change, or two of an order at once: they are in flight together.
                target = r.randrange(4)
                legs.append(Leg(k, side, qty, 1, offset, action=1, target=target))
                if what == "e":
                    qty, offset = r.choice((1, 2, 5, 12)), offset + r.choice((0, 0, 0, 1, -1))
                    legs.append(Leg(k, side, qty, 1, offset, action=1, target=target))
        schedule[call] = Decision(
            legs=tuple(legs), bundle=bundle, decision_type=r.choice((1, 2, 3)), relative=True
        )
    return schedule


def n_messages(tables: Tables) -> int:
    return len(set().union(*(t["seq"].tolist() for t in tables.values())))


def truncated(tables: Tables, messages: int) -> Tables:
    """The first messages of a market."""
    kept = sorted(set().union(*(t["seq"].tolist() for t in tables.values())))[:messages]
    end = kept[-1] if kept else -1
    return {
        table: {
            name: c[: int(np.searchsorted(t["seq"], end, side="right"))] for name, c in t.items()
        }
        for table, t in tables.items()
    }
