"""Markets written down message by message: the segment's tables, and a segment in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES

START_NS = 1_000

Tables = dict[str, dict[str, np.ndarray]]


class MemorySegment:
    """What `backtest` and `replay` ask of a segment, without a folder."""

    def __init__(
        self, tables: Tables, instruments: Sequence[Instrument], cuts: Sequence[int] = ()
    ) -> None:
        self.tables, self.instruments, self.cuts = tables, tuple(instruments), tuple(cuts)
        self.digest = self.origin = "00" * 32
        self.segment_id = "test"
        self.gaps = ()
        self.cadence, self.path = "events", Path("(test)")
        self.n_messages = len(set().union(*(t["seq"].tolist() for t in tables.values())))
        stamps = [
            ts for t in tables.values() for ts in (t["ts_ns"][:1], t["ts_ns"][-1:]) if len(ts)
        ]
        self.first_ts_ns = min((int(ts[0]) for ts in stamps), default=-1)
        self.last_ts_ns = max((int(ts[0]) for ts in stamps), default=-1)
        self.n_rows = sum(len(t["seq"]) for t in tables.values())
        seqs = [int(s) for t in tables.values() for s in (*t["seq"][:1], *t["seq"][-1:])]
        self.first_seq, self.last_seq = min(seqs, default=-1), max(seqs, default=-1)

    def columns(self, table: str) -> dict[str, np.ndarray]:
        if table in self.tables:
            return dict(self.tables[table])
        return {name: np.zeros(0, dtype) for name, dtype in TABLES[table].items()}

    def log(self, table: str):
        """Batches of the table, cut before each row number of ``cuts`` that it has."""
        columns = self.columns(table)
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
    """Rows of a market, message by message; ``seq`` goes up by itself.

    Messages are stamped ``transit`` before they are received; None: not at all.
    """

    ts_ns: int = START_NS
    seq: int = 0
    transit: int | None = 7
    rows: dict[str, list[dict[str, int]]] = field(
        default_factory=lambda: {table: [] for table in TABLES}
    )

    def _add(self, table: str, instrument: int, **fields: int) -> None:
        head = {"seq": self.seq, "ts_ns": self.ts_ns, "instrument": instrument}
        stamp = 0 if self.transit is None else self.ts_ns - self.transit
        self.rows[table].append({**head, "exch_ts_ns": stamp, **fields})

    def wait(self, ns: int) -> MarketBuilder:
        self.ts_ns += ns
        return self

    def late(self, transit: int | None) -> MarketBuilder:
        """Messages from here on are stamped so long before they are received."""
        self.transit = transit
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

    def chain(self, rows: Mapping[int, tuple[int, ...]], unchanged: bool = False) -> MarketBuilder:
        """One snapshot: by instrument bid, its size, ask, its size, last, open interest, IV."""
        names = ("bid", "bid_qty", "ask", "ask_qty", "last", "oi", "iv")
        for k, i in enumerate(sorted(rows)):
            values = dict(zip(names, rows[i], strict=False))
            self._add("chain", i, **values, flags=2 * unchanged + (k == len(rows) - 1))
        self.seq += 1
        return self

    def settle(self, instrument: int, price: int) -> MarketBuilder:
        """The price that the instrument's underlying came to is known."""
        self._add("settlement", instrument, price=price)
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
