"""Small seeded segments for tests, with every table and messages of many rows."""

from __future__ import annotations

import itertools

import numpy as np

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import MemorySegment, SegmentWriter

INSTRUMENTS = tuple(
    Instrument(
        symbol="BTCUSDT" + suffix,
        venue=venue,
        venue_symbol="BTCUSDT",
        kind=kind,
        price_exponent=-8,
        qty_exponent=-8,
        currency="USDT",
        base="BTC",
    )
    for suffix, venue, kind in (
        ("", "binance", InstrumentKind.SPOT),
        ("-PERP", "binance-usdm", InstrumentKind.PERP),
    )
)
START_NS = 1_723_075_200_000_000_000 - 5_000_000_000  # five seconds before a UTC midnight


def make_tables(n_messages, *, seed=7, first_seq=0, step_ns=50_000_000):
    """Tables of ``n_messages`` messages in one order; many stamps are equal."""
    rng = np.random.default_rng(seed)
    lists = {table: {name: [] for name in columns} for table, columns in TABLES.items()}
    for k in range(n_messages):
        table = ("quotes", "depth", "trades", "quotes", "funding", "quotes", "depth", "bars")[
            int(rng.integers(8))
        ]
        rows = int(rng.integers(1, 6)) if table == "depth" else 1
        instrument = int(rng.integers(2))
        for row in range(rows):
            for name, column in lists[table].items():
                value = int(rng.integers(1, 1 << 40))
                if name == "seq":
                    value = first_seq + k
                elif name == "ts_ns":
                    value = START_NS + (first_seq + k) // 3 * step_ns
                elif name == "instrument":
                    value = instrument
                elif name == "side":
                    value = (-1, 1)[value % 2]
                elif name == "flags":
                    value = 2 * (k % 2) + (row == rows - 1) if table == "depth" else k % 2
                column.append(value)
    return {
        table: {name: np.array(lists[table][name], dtype) for name, dtype in columns.items()}
        for table, columns in TABLES.items()
    }


def write_segment(path, tables, *, pieces=3, seal=None, **options):
    """Write tables in a few appends each and seal."""
    with SegmentWriter(path, venue="binance", instruments=INSTRUMENTS, **options) as writer:
        for table, columns in tables.items():
            seq = columns["seq"]
            cuts = np.searchsorted(seq, np.linspace(0, seq[-1] + 1, pieces + 1)) if len(seq) else []
            for start, stop in itertools.pairwise(cuts):
                writer.append(table, {k: v[start:stop] for k, v in columns.items()})
        return writer.seal(**(seal or {}))


#: Ways to make market data of the same tables.
WAYS = ("sealed", "memory")


def make_data(way, path, tables, **options):
    """The tables as a sealed segment or as one in memory."""
    if way == "memory":
        return MemorySegment(INSTRUMENTS, tables)
    return write_segment(path, tables, **options)


def rows_of(table, numbers):
    """One-row messages that are a function of their number alone."""
    seq = np.array(numbers)
    columns = {
        name: (seq * 7919 + 13 * k) % (100 if dtype == "<i1" else 1 << 40)
        for k, (name, dtype) in enumerate(TABLES[table].items())
    }
    columns |= {"seq": seq, "ts_ns": seq * 1000, "instrument": seq % 2}
    if "side" in columns:
        columns["side"] = seq % 2 * 2 - 1
    if "flags" in columns:
        columns["flags"] = np.ones(len(seq), np.int8)
    return columns


def chain_tables(n_snapshots, *, n_rows=2, first_seq=0, step_ns=60_000_000_000):
    """Snapshots of one to ``n_rows`` instruments and, after the last, a settlement of each."""
    rng = np.random.default_rng(11)
    rows = [
        (first_seq + k, START_NS + k * step_ns, i, k % 3 == 2)
        for k in range(n_snapshots)
        for i in range(n_rows if k % 4 else 1)
    ]
    seq, ts_ns, instrument, unchanged = np.array(rows, np.int64).reshape(-1, 4).T
    columns = {name: rng.integers(0, 1 << 40, len(seq)) for name in TABLES["chain"]}
    last = np.append(seq[1:] != seq[:-1], True)[: len(seq)]
    columns |= {"seq": seq, "ts_ns": ts_ns, "instrument": instrument}
    columns |= {"flags": last + 2 * unchanged}
    over = np.arange(n_rows)
    prices = dict.fromkeys(TABLES["settlement"], over)
    prices |= {"seq": first_seq + n_snapshots + over}
    prices |= {"ts_ns": START_NS + n_snapshots * step_ns + over}
    found = {"chain": columns, "settlement": prices}
    return make_tables(0) | {
        table: {name: column.astype(TABLES[table][name]) for name, column in columns.items()}
        for table, columns in found.items()
    }
