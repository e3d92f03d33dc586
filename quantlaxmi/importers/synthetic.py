"""Seeded segments with a known answer: one with a planted basis edge, one with none.

Every number comes from splitmix64 counters and integer arithmetic, so that a kind, seed and number
of rows give the same bytes on every machine. Draw ``k`` of a stream depends on (seed, stream, k)
alone; how many rows are made at a time does not matter.

``planted``: the basis of the perpetual stays near zero, jumps to an excursion of random side and
size, stays, and reverts. ``edgeless``: the basis is a random walk with independent increments, so
that no rule on past prices has an expected gross profit.

References
----------
Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (splitmix64).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import InputError
from quantlaxmi.importers.synthetic_depth import DepthSource
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind, Side
from quantlaxmi.segment import Segment, SegmentWriter

Int64Array = npt.NDArray[np.int64]
UInt64Array = npt.NDArray[np.uint64]
Table = dict[str, npt.NDArray[Any]]

#: Of prices, marks and indices: spot's tick. The perpetual's tick is 0.1; its marks are half ticks.
_PRICE_EXPONENT: Final = -2
SPOT: Final = Instrument(
    symbol="BTCUSDT",
    venue="binance",
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    price_exponent=_PRICE_EXPONENT,
    qty_exponent=-5,
    currency="USDT",
    base="BTC",
    tick=1,
    lot=1,
)
PERP: Final = Instrument(
    symbol="BTCUSDT-PERP",
    venue="binance-usdm",
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.PERP,
    price_exponent=_PRICE_EXPONENT,
    qty_exponent=-3,
    currency="USDT",
    base="BTC",
    tick=10,
    lot=1,
)


class SyntheticKind(enum.StrEnum):
    PLANTED = "planted"
    EDGELESS = "edgeless"


#: Rows and seed of the segments under data/ and of ``demo``.
DEMO_ROWS: Final = 22_000
DEMO_SEED: Final[dict[SyntheticKind, int]] = {
    SyntheticKind.PLANTED: 1,
    SyntheticKind.EDGELESS: 4,  # the first with 40 round trips of basis_capture
}

_START_NS: Final = 1_705_302_000_000_000_000  # 2024-01-15 07:00:00 UTC
_EIGHT_HOURS_NS: Final = 8 * 3_600 * 10**9
_START_PRICE: Final = 42_000 * 100
_LOWEST, _HIGHEST = 30_000 * 100, 60_000 * 100
_BASIS_UNIT: Final = 10**7  # a basis of 1 is a thousandth of a basis point
_FUNDING_RATE: Final = 10_000  # 0.01 %
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def _mix(z: UInt64Array) -> UInt64Array:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Draws:
    """Counter-based integers: draw ``k`` of a named stream, whatever was drawn before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def below(self, stream: int, k: Int64Array, bound: int) -> Int64Array:
        """Integers in ``[0, bound)``, ``bound`` at most 2**32; shape of ``k``."""
        key = _mix(np.array([self._seed * 1_000_003 + stream], np.uint64))
        word = _mix(key + k.astype(np.uint64) * _GOLDEN)
        return ((word >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.int64)

    def between(self, stream: int, k: Int64Array, low: int, high: int) -> Int64Array:
        """Integers in ``[low, high]``."""
        return self.below(stream, k, high - low + 1) + low


def _fold(path: Int64Array, low: int, high: int) -> Int64Array:
    """Reflect a path into [low, high], so that a long one stays a price."""
    width = high - low
    place = np.mod(path - low, 2 * width)
    return low + np.where(place > width, 2 * width - place, place)


class _PlantedBasis:
    """Quiet spans and excursions in turn; thousandths of a basis point."""

    def __init__(self, draws: Draws, rows: int) -> None:
        cycle = np.arange(rows // 36 + 2, dtype=np.int64)
        quiet = draws.between(20, cycle, 18, 50)
        stay = draws.between(21, cycle, 18, 60)
        side = draws.below(22, cycle, 2) * 2 - 1
        size = draws.between(23, cycle, 7_000, 108_000)
        lengths = np.column_stack([quiet, stay]).ravel()
        self._ends = np.cumsum(lengths)
        self._levels = np.column_stack([np.zeros_like(size), side * size]).ravel()
        self._draws = draws

    def at(self, k: Int64Array) -> Int64Array:
        level = self._levels[np.searchsorted(self._ends, k, side="right")]
        return level + self._draws.between(24, k, -1_200, 1_200)


class _WalkingBasis:
    """Independent symmetric increments of up to 8 basis points."""

    def __init__(self, draws: Draws) -> None:
        self._draws, self._last = draws, 0

    def at(self, k: Int64Array) -> Int64Array:
        path = np.cumsum(self._draws.between(25, k, -8_000, 8_000)) + self._last
        self._last = int(path[-1])
        return _fold(path, -1_000_000, 1_000_000)


class _Source:
    """Makes the market ``chunk`` quotes at a time, in order."""

    def __init__(self, kind: SyntheticKind, seed: int, rows: int, *, quotes_only: bool) -> None:
        self._draws = Draws(seed)
        self._basis = (
            _PlantedBasis(self._draws, rows)
            if kind is SyntheticKind.PLANTED
            else _WalkingBasis(self._draws)
        )
        self._quotes_only = quotes_only
        self._ts, self._price, self._seq = _START_NS, _START_PRICE, 0
        self._updates, self._trades = 0, 0
        self._depth = DepthSource((SPOT, PERP))

    def chunk(self, k: Int64Array) -> dict[str, Table]:
        """Tables of the events ``k`` (consecutive, following those of the last call)."""
        d = self._draws
        # One stamp in fifty equals the one before, as in real captures.
        step = np.where(d.below(1, k, 50) == 0, 0, d.between(2, k, 20, 480) * 1_000_000)
        step += np.where(step > 0, d.below(3, k, 1_000_000), 0)
        ts = np.cumsum(step) + self._ts
        price = np.cumsum(d.between(4, k, -75, 75)) + self._price
        basis = self._basis.at(k)
        instrument = d.below(5, k, 2)
        is_perp = instrument == 1

        fair = _fold(price, _LOWEST, _HIGHEST)
        mid = np.where(is_perp, fair + fair * basis // _BASIS_UNIT, fair)
        tick = np.where(is_perp, PERP.tick, SPOT.tick)
        lot = np.where(is_perp, 10**5, 10**3)  # at 10**-8, as sizes are drawn
        bid = mid // tick * tick
        wide = np.where(d.below(6, k, 8) == 0, d.between(7, k, 2, 12), 1)
        ask = bid + wide * tick
        # Products of two uniform numbers: 0.005 to about 4, few of them below 0.01. Whole lots.
        bid_qty = (500_000 + d.below(8, k, 20_000) * d.below(9, k, 20_000)) // lot
        ask_qty = (500_000 + d.below(10, k, 20_000) * d.below(11, k, 20_000)) // lot

        alone = (step > 0) & (d.below(1, k + 1, 50) != 0)
        no_rows = np.zeros(len(k), bool)
        has_trade = no_rows if self._quotes_only else alone & (d.below(12, k, 12) == 0)
        has_depth = no_rows if self._quotes_only else alone & ((k % 400 == 3) | (k % 400 == 4))
        has_funding = no_rows if self._quotes_only else alone & is_perp & (k % 60 < 2)
        # Equal stamps: trade, depth, quote, funding, as EventKind ranks them.
        first = np.cumsum(1 + has_trade + has_depth + has_funding)
        seq_end = first + self._seq
        seq_quote = seq_end - 1 - has_funding
        venue_ts = ts - d.between(13, k, 800_000, 6_000_000)
        quotes = {
            "seq": seq_quote,
            "ts_ns": ts,
            "instrument": instrument.astype(np.int16),
            "exch_ts_ns": np.where(is_perp, venue_ts, 0),
            "update_id": self._updates + 1 + np.arange(len(k), dtype=np.int64),
            "bid": bid,
            "bid_qty": bid_qty,
            "ask": ask,
            "ask_qty": ask_qty,
            "flags": np.zeros(len(k), np.int8),
        }
        tables: dict[str, Table] = {"quotes": quotes}
        if not self._quotes_only:
            t, p, f = (np.flatnonzero(has) for has in (has_trade, has_depth, has_funding))
            tables["trades"] = self._trade_rows(
                k, t, (seq_quote - has_depth - 1)[t], quotes, venue_ts
            )
            tables["funding"] = _funding_rows(f, (seq_end - 1)[f], quotes, venue_ts, fair)
            tables["depth"] = self._depth.rows(
                seq_quote[p] - 1, ts[p], instrument[p], venue_ts[p], bid[p], ask[p]
            )
        self._ts, self._price = int(ts[-1]), int(price[-1])
        self._seq, self._updates = int(seq_end[-1]), self._updates + len(k)
        return tables

    def _trade_rows(
        self,
        k: Int64Array,
        places: Int64Array,
        seq: Int64Array,
        quotes: Table,
        venue_ts: Int64Array,
    ) -> Table:
        """Trades at the touch of the quotes at ``places``, of random side and size."""
        buys = self._draws.below(14, k, 2) == 1
        n = len(places)
        self._trades += n
        return {
            "seq": seq,
            "ts_ns": quotes["ts_ns"][places],
            "instrument": quotes["instrument"][places],
            "exch_ts_ns": venue_ts[places],
            "trade_id": self._trades - n + 1 + np.arange(n, dtype=np.int64),
            "price": np.where(buys, quotes["ask"], quotes["bid"])[places],
            "qty": (1 + self._draws.below(15, k, 400))[places],
            "side": np.where(buys, int(Side.BUY), int(Side.SELL))[places].astype(np.int8),
        }


def _funding_rows(
    places: Int64Array, seq: Int64Array, quotes: Table, venue_ts: Int64Array, fair: Int64Array
) -> Table:
    """Funding rates with the quotes at ``places``."""
    ts = quotes["ts_ns"][places]
    return {
        "seq": seq,
        "ts_ns": ts,
        "instrument": quotes["instrument"][places],
        "exch_ts_ns": venue_ts[places],
        "mark": (quotes["bid"] + quotes["ask"])[places] // 2,
        "index": fair[places],
        "rate": np.full(len(places), _FUNDING_RATE, np.int64),
        "next_funding_ns": (ts // _EIGHT_HOURS_NS + 1) * _EIGHT_HOURS_NS,
    }


def _source(kind: str, rows: int, seed: int, quotes_only: bool) -> _Source:
    if kind not in set(SyntheticKind):
        raise InputError("kind", f"was {kind!r}, expected one of {', '.join(SyntheticKind)}")
    if not 1 <= rows <= 10**9:
        raise InputError("rows", f"was {rows}, expected 1 to 10**9")
    if not 0 <= seed <= 2**40:
        raise InputError("seed", f"was {seed}, expected 0 to 2**40")
    return _Source(SyntheticKind(kind), seed, rows, quotes_only=quotes_only)


def synthetic_tables(
    kind: str,
    rows: int,
    seed: int,
    *,
    quotes_only: bool = False,
    chunk: int = 1 << 18,
) -> Iterator[dict[str, Table]]:
    """The tables of a synthetic market in order, a part at a time.

    Parameters
    ----------
    kind : {"planted", "edgeless"}
    rows : int
        Number of quotes, both instruments together.
    seed : int
        0 to 2**40.
    quotes_only : bool
        Leave out depth, trades and funding.
    chunk : int
        Quotes made at a time; the rows do not depend on it.

    Returns
    -------
    iterator of dict of str to dict of str to ndarray
        Columns of ``schema.TABLES``; prices and quantities are mantissas at the exponents of
        ``SPOT`` and ``PERP``.

    Raises
    ------
    InputError
        For an unknown kind or a number out of range.
    """
    source = _source(kind, rows, seed, quotes_only)
    return (
        source.chunk(np.arange(start, min(start + chunk, rows), dtype=np.int64))
        for start in range(0, rows, chunk)
    )


def generate_segment(
    kind: str,
    out: str | Path,
    *,
    rows: int = DEMO_ROWS,
    seed: int | None = None,
    quotes_only: bool = False,
) -> Segment:
    """Write a synthetic segment of BTCUSDT spot and perpetual.

    Parameters
    ----------
    kind : {"planted", "edgeless"}
    out : path
        Folder to create.
    rows, seed, quotes_only
        As :func:`synthetic_tables`; the seed defaults to the demo's.

    Returns
    -------
    Segment
        Sealed.

    Raises
    ------
    InputError
        For an argument out of range, or a folder that exists.
    """
    if seed is None:
        seed = DEMO_SEED.get(SyntheticKind(kind), 0) if kind in set(SyntheticKind) else 0
    parts = synthetic_tables(kind, rows, seed, quotes_only=quotes_only)
    with SegmentWriter(
        Path(out), venue="synthetic", instruments=(SPOT, PERP), cadence="events"
    ) as writer:
        for tables in parts:
            for name, columns in tables.items():
                writer.append(name, columns)
        return writer.seal(notes=(f"synthetic {kind}, rows {rows}, seed {seed}",))
