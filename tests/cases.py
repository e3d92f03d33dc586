"""Shared nasty markets and schedules for the engine, its depth book, attribution and grid.

A market is a dict of the segment's tables; a schedule says what a strategy decides at which of its
calls. Everything follows from a seed, and a shorter market of one seed is a prefix of a longer one,
so that a failing example shrinks well.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from quantlaxmi.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.risk import RiskLimits
from quantlaxmi.schema import TABLES, InstrumentKind, OrderAction, OrderType
from tests.naive.engine import Decision, Leg, Limits, Rules, Terms

I64_MAX = 2**63 - 1
START_NS = 1_000
Tables = dict[str, dict[str, np.ndarray]]


def instrument(
    symbol: str, kind: InstrumentKind, price_exponent: int, qty_exponent: int, **other: Any
) -> Instrument:
    options = {"currency": "USDT", "base": "BTC", "venue": "test", "venue_symbol": symbol}
    return Instrument(
        symbol=symbol,
        kind=kind,
        price_exponent=price_exponent,
        qty_exponent=qty_exponent,
        **{**options, **other},
    )


SPOT = instrument("S", InstrumentKind.SPOT, -8, -8)
PERP = instrument("P", InstrumentKind.PERP, -8, -8)
#: Universes: as on Binance; coarse money, where every rounding shows; mixed scales, two currencies.
UNIVERSES = {
    "binance": (SPOT, PERP),
    "coarse": (
        instrument("S", InstrumentKind.SPOT, 0, 0),
        instrument("P", InstrumentKind.PERP, 0, 0),
    ),
    "mixed": (
        instrument("S", InstrumentKind.SPOT, -2, -3),
        instrument("P", InstrumentKind.PERP, -1, 0, contract_size=75),
        instrument("F", InstrumentKind.FUTURE, -4, -1, currency="INR"),
    ),
}

#: The same with lots, where every fill and trim has a rest.
STEPPED = {
    "lots": (
        instrument("S", InstrumentKind.SPOT, 0, 0, lot=2),
        instrument("P", InstrumentKind.PERP, 0, 0, lot=3),
    ),
    "fine lots": (
        instrument("S", InstrumentKind.SPOT, -8, -8, lot=1),
        instrument("P", InstrumentKind.PERP, -8, -8, lot=5),
    ),
}
NO_LIMITS = RiskLimits()


def costs(
    spot: str = "10",
    perp: str = "5",
    future: str = "2",
    fee_exponent: int = -8,
    queue: str = "trades",
) -> CostModel:
    rates = {}
    for kind, bps in zip(
        (InstrumentKind.SPOT, InstrumentKind.PERP, InstrumentKind.FUTURE),
        (spot, perp, future),
        strict=True,
    ):
        taker = FixedPoint.from_text(bps)
        maker = FixedPoint.from_text("-0.7") if bps == "50" else FixedPoint(1, 0)
        rates[kind] = FeeRate(maker_bps=maker, taker_bps=taker)
    return CostModel(rates=rates, fee_exponent=fee_exponent, queue=queue)


#: Ties, rebates, nothing, and rates of many digits.
COSTS = (
    costs(),
    costs("50", "-25", "0", fee_exponent=0),
    costs("0.12345678", "500", "-1.5", fee_exponent=-2),
    costs("0", "0", "0"),
)


def terms_of(instruments: Sequence[Instrument], model: CostModel) -> tuple[Terms, ...]:
    """What the naive engine needs, read off the same description."""
    made = []
    for one in instruments:
        rate = model.rates[one.kind]
        taker, maker = (
            bps.mantissa * Fraction(10) ** bps.exponent for bps in (rate.taker_bps, rate.maker_bps)
        )
        made.append(
            Terms(
                one.price_exponent,
                one.qty_exponent,
                taker,
                maker,
                one.currency,
                one.contract_size,
            )
        )
    return tuple(made)


def rules_of(
    instruments: Sequence[Instrument], model: CostModel, limits: RiskLimits
) -> tuple[tuple[Rules, ...], Limits]:
    """The same of what may be sent."""

    def value(fixed: FixedPoint | None) -> Fraction:
        return Fraction(0) if fixed is None else fixed.mantissa * Fraction(10) ** fixed.exponent

    made = []
    for one in instruments:
        own = limits.symbols.get(one.symbol, limits)
        unit = one.contract_size * Fraction(10) ** one.qty_exponent
        least = model.min_notional.get(f"{one.kind}.{one.symbol}", model.min_notional.get(one.kind))
        made.append(
            Rules(
                one.lot,
                one.tick,
                value(least),
                one.kind != InstrumentKind.SPOT,
                int(value(own.max_position) / unit),
                value(own.max_notional),
            )
        )
    return tuple(made), Limits(
        limits.max_orders_per_second,
        limits.max_orders_per_minute,
        limits.max_book_age_ms * 10**6,
        value(limits.max_loss),
        limits.on_max_loss == "close",
    )


class MemorySegment:
    """What `backtest` and `replay` ask of a segment, without a folder."""

    def __init__(
        self, tables: Tables, instruments: Sequence[Instrument], cuts: Sequence[int] = ()
    ) -> None:
        self.tables, self.instruments, self.cuts = tables, tuple(instruments), tuple(cuts)
        self.digest = "00" * 32
        self.n_messages = len(set().union(*(t["seq"].tolist() for t in tables.values())))
        stamps = [
            ts for t in tables.values() for ts in (t["ts_ns"][:1], t["ts_ns"][-1:]) if len(ts)
        ]
        self.first_ts_ns = min((int(ts[0]) for ts in stamps), default=-1)
        self.last_ts_ns = max((int(ts[0]) for ts in stamps), default=-1)
        self.n_rows = sum(len(t["seq"]) for t in tables.values())

    def columns(self, table: str) -> dict[str, np.ndarray]:
        return dict(self.tables[table])

    def log(self, table: str):
        """Batches of the table, cut before each row number of ``cuts`` that it has."""
        columns = self.tables[table]
        n = len(columns["seq"])
        edges = [0, *sorted({c for c in self.cuts if 0 < c < n}), n]
        for start, stop in itertools.pairwise(edges):
            yield {name: column[start:stop] for name, column in columns.items()}


def to_tables(rows: Mapping[str, Sequence[Mapping[str, int]]]) -> Tables:
    """Lists of rows as read-only columns of the schema's dtypes."""
    made: Tables = {}
    for table, names in TABLES.items():
        made[table] = {}
        for name, dtype in names.items():
            column = np.array([row.get(name, 0) for row in rows.get(table, ())], dtype=dtype)
            column.setflags(write=False)
            made[table][name] = column
    return made


@dataclass
class MarketBuilder:
    """Rows of a market, message by message; ``seq`` goes up by itself."""

    ts_ns: int = START_NS
    seq: int = 0
    rows: dict[str, list[dict[str, int]]] = field(
        default_factory=lambda: {table: [] for table in TABLES}
    )

    def _add(self, table: str, instrument: int, **fields: int) -> None:
        head = {"seq": self.seq, "ts_ns": self.ts_ns, "instrument": instrument}
        self.rows[table].append({**head, "exch_ts_ns": self.ts_ns - 7, **fields})

    def wait(self, ns: int) -> MarketBuilder:
        self.ts_ns += ns
        return self

    def quote(
        self, instrument: int, bid: int, bid_qty: int, ask: int, ask_qty: int, quiet: bool = False
    ) -> MarketBuilder:
        prices = {"bid": bid, "bid_qty": bid_qty, "ask": ask, "ask_qty": ask_qty}
        self._add("quotes", instrument, **prices, flags=int(quiet))
        self.seq += 1
        return self

    def trade(self, instrument: int, price: int, qty: int, side: int) -> MarketBuilder:
        self._add("trades", instrument, price=price, qty=qty, side=side)
        self.seq += 1
        return self

    def funding(self, instrument: int, mark: int, rate: int, at: int) -> MarketBuilder:
        self._add("funding", instrument, mark=mark, rate=rate, next_funding_ns=at)
        self.seq += 1
        return self

    def depth(
        self,
        instrument: int,
        ids: tuple[int, int, int],
        levels: Sequence[tuple[int, int, int]],
        snapshot: bool = False,
    ) -> MarketBuilder:
        """``ids`` are first, last and previous; ``levels`` side, price and quantity."""
        levels = list(levels) or [(0, 0, 0)]
        first, last, prev = ids
        for k, (side, price, qty) in enumerate(levels):
            self._add(
                "depth",
                instrument,
                first_id=first,
                last_id=last,
                prev_id=prev,
                side=side,
                price=price,
                qty=qty,
                flags=2 * snapshot + (k == len(levels) - 1),
            )
        self.seq += 1
        return self

    def tables(self) -> Tables:
        return to_tables(self.rows)


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
        if decision.relative and leg.action != OrderAction.NEW:
            own = [order for order, instrument in mine if instrument == leg.instrument]
            if not own:
                continue
            leg = replace(leg, target=own[-1 - leg.target % len(own)])
        legs.append(leg)
    for k, leg in enumerate(legs):
        if leg.action == OrderAction.NEW:
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


@dataclass(frozen=True)
class Case:
    """One market with a schedule and the run's settings."""

    name: str
    tables: Tables
    schedule: Schedule
    latency_ns: int = 0
    flatten: bool = False
    universe: str = "coarse"
    costs: CostModel = COSTS[1]
    limits: RiskLimits = NO_LIMITS

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return {**UNIVERSES, **STEPPED}[self.universe]

    def __str__(self) -> str:
        return self.name


def _both(buy_qty: int, sell_qty: int, bundle: bool = True) -> Decision:
    return Decision((Leg(0, 1, buy_qty), Leg(1, -1, sell_qty)), bundle=bundle)


def _quotes(qty: int = 10) -> MarketBuilder:
    return MarketBuilder().quote(0, 99, qty, 101, qty).quote(1, 103, qty, 105, qty)


def replay_cases() -> list[Case]:
    """Named corners; every one is run by the engine and by its twin."""
    one = Decision((Leg(0, 1, 3),))
    big = Decision((Leg(0, 1, 300),))
    levels = [(1, 98, 4), (1, 97, 9), (-1, 102, 5), (-1, 101, 2), (-1, 104, 50), (-1, 100, 77)]
    depth = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True)
    half = 10**8 // 2
    far = START_NS + 10
    return [
        Case("zero rows", MarketBuilder().tables(), {}, flatten=True),
        Case("one row", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: one}),
        Case("one row late", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: one}, 1),
        Case(
            "equal stamps",
            _quotes().quote(0, 89, 1, 91, 1).quote(0, 95, 2, 96, 2).tables(),
            {1: one, 2: one},
        ),
        Case(
            "crossed",
            _quotes().quote(0, 101, 5, 99, 5).wait(1).quote(1, 1, 1, 2, 1).tables(),
            {2: one},
        ),
        Case("locked", _quotes().quote(0, 100, 5, 100, 5).wait(1).tables(), {2: one}, flatten=True),
        Case(
            "decided on no book", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: _both(1, 1)}
        ),
        Case(
            "turns invalid in flight",
            _quotes().wait(1).quote(0, 99, 0, 101, 0).wait(9).quote(0, 99, 9, 101, 9).tables(),
            {1: _both(2, 3)},
            5,
        ),
        Case(
            "trim",
            _quotes(10).wait(5).quote(0, 99, 3, 101, 3).wait(9).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5)},
            6,
            flatten=True,
        ),
        Case(
            "trim of nothing filled",
            _quotes().wait(5).quote(0, 0, 0, 0, 0).wait(9).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5)},
            6,
        ),
        Case(
            "trim that ends short",
            _quotes()
            .wait(5)
            .quote(1, 103, 9, 105, 1)
            .quote(0, 99, 1, 101, 1)
            .wait(9)
            .quote(0, 9, 9, 10, 9)
            .tables(),
            {1: _both(7, 7)},
            6,
            flatten=True,
        ),
        Case(
            "no trim without bundle",
            _quotes().quote(0, 99, 3, 101, 3).wait(1).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5, bundle=False)},
        ),
        Case(
            "same size taken once",
            _quotes(4)
            .wait(1)
            .trade(0, 100, 1, 1)
            .wait(1)
            .trade(0, 100, 1, 1)
            .wait(1)
            .quote(0, 99, 4, 101, 4)
            .wait(1)
            .tables(),
            {1: one, 2: one, 3: one, 4: one},
            flatten=True,
        ),
        Case(
            "a level shrinks below what was taken, and grows",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 101, 3)
            .wait(1)
            .quote(0, 98, 9, 101, 5)
            .wait(1)
            .quote(0, 98, 9, 101, 12)
            .wait(1)
            .tables(),
            {0: _both(6, 6), 2: one, 3: _both(9, 1), 4: _both(30, 30)},
            flatten=True,
        ),
        Case(
            "the touch flickers inside and comes back; it passes and comes back",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 100, 2)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .quote(0, 99, 9, 102, 9)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .tables(),
            {0: _both(6, 6), 2: _both(2, 2), 3: _both(8, 8), 5: _both(8, 8)},
        ),
        Case(
            "depth beyond the touch taken, shrunk, gone and back",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels, snapshot=True)
            .quote(0, 99, 3, 101, 3)
            .wait(1)
            .depth(0, (6, 6, -1), [(-1, 102, 1), (-1, 103, 9)])
            .wait(1)
            .depth(0, (7, 7, -1), [(-1, 102, 4), (-1, 103, 0)])
            .wait(1)
            .depth(0, (8, 8, -1), [(-1, 103, 5), (1, 90, 0)])
            .wait(1)
            .quote(0, 99, 3, 101, 3)
            .tables(),
            {1: big, 2: one, 3: big, 4: one, 5: big},
            flatten=True,
        ),
        Case(
            "flip through zero",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .quote(0, 90, 9, 92, 9)
            .wait(1)
            .quote(0, 94, 9, 95, 9)
            .tables(),
            {0: one, 2: Decision((Leg(0, -1, 8),)), 3: Decision((Leg(0, 1, 2),))},
        ),
        Case(
            "depth alone",
            depth.wait(1).depth(0, (6, 6, -1), [(-1, 101, 0), (-1, 100, 0)]).wait(1).tables(),
            {1: big, 0: Decision((Leg(0, -1, 300),))},
            flatten=True,
        ),
        Case(
            "depth beyond the touch",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels, snapshot=True)
            .quote(0, 99, 3, 101, 3)
            .wait(1)
            .trade(0, 1, 1, 1)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: Decision((Leg(0, 1, 6),)), 2: Decision((Leg(0, 1, 6),)), 3: big},
            flatten=True,
        ),
        Case(
            "depth breaks",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels[:4], snapshot=True)
            .wait(1)
            .depth(0, (9, 9, -1), levels[:1])
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {0: one, 1: one, 2: one},
            1,
            flatten=True,
        ),
        Case(
            "funding meets arrival",
            _quotes()
            .funding(1, 104, half, far)
            .wait(10)
            .trade(0, 1, 1, 1)
            .wait(1)
            .funding(1, 105, -half, far + 1)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: _both(3, 3), 2: _both(1, 1)},
            10,
        ),
        Case(
            "a quiet quote is met by the order and asks nobody",
            _quotes()
            .wait(1)
            .quote(0, 99, 5, 101, 5)
            .quote(1, 102, 5, 104, 5)
            .quote(0, 119, 5, 121, 5, quiet=True)
            .quote(1, 142, 5, 144, 5, quiet=True)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {3: _both(3, 3)},
            0,
        ),
        Case(
            "a quiet quote takes the book away",
            _quotes()
            .wait(1)
            .quote(0, 99, 5, 101, 5)
            .quote(0, 99, 0, 101, 0, quiet=True)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {2: _both(3, 3)},
            0,
        ),
        Case(
            "funding of nothing held",
            _quotes().funding(1, 104, half, far).wait(20).trade(0, 1, 1, 1).tables(),
            {3: one},
            0,
        ),
        Case(
            "later settlement named early",
            _quotes()
            .wait(1)
            .funding(1, 103, half, far)
            .wait(1)
            .funding(1, 77, 3 * half, far + 99)
            .wait(200)
            .funding(1, 7, half, far)
            .tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "settled once",
            _quotes()
            .wait(1)
            .funding(1, 103, half, far)
            .wait(20)
            .funding(1, 99, half, far)
            .wait(20)
            .funding(1, 99, half, far - 5)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "no settlement announced",
            _quotes().funding(1, 104, half, 0).wait(20).trade(0, 1, 1, 1).wait(1).tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "cancelled at the end",
            _quotes().wait(1).trade(0, 1, 1, 1).tables(),
            {1: _both(3, 3), 2: one},
            5,
            flatten=True,
        ),
    ]
