"""Replays over sign-flipped markets, several at a time: the draws of the market null.

A thread makes the signs and shifts of one draw in its own arrays, runs the strategy over the
recorded columns with those shifts, and sums its clock buckets from the engine's records. Kernels
run without the GIL. A draw depends on its number alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.bucket_sums import bucket_sums
from quantlaxmi._ext.lane_draws import LaneDraws
from quantlaxmi._ext.lanes import Lanes
from quantlaxmi._ext.market_null import SignFlips
from quantlaxmi._ext.quiet_rows import MOST_INSTRUMENTS, QuietRows
from quantlaxmi._ext.trip_sums import NO_MID_SEEN, trip_sums
from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.gates.context import DecisionPoints, GateContext
from quantlaxmi.gates.path.clock_buckets import bucket_ends
from quantlaxmi.gates.path.columns import BoundError, attribution_units
from quantlaxmi.gates.resampling.bar_flips import BarFlips
from quantlaxmi.gates.resampling.draw_parts import in_parts
from quantlaxmi.gates.resampling.moved_mids import MovedMids
from quantlaxmi.parallel import cores
from quantlaxmi.run.ledger_lines import last_seq_at, marks_at
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.run.session import Session
from quantlaxmi.schema import I64, TABLES
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy

__all__ = ["MAX_TRIES", "Moved", "Replays", "Sums"]

#: Most markets made for one draw until one has positive prices.
MAX_TRIES = 100
#: A message number after any other.
_NO_LATER = 2**63 - 1

#: Weights, mids at the end of the data, its time, ends of the clock buckets and the mids there.
Marks = tuple[I64, I64, int, I64, I64]

T = TypeVar("T")


class Sums(NamedTuple):
    """PnL of a strategy on one market, mid to mid, in units of `Replays.scale`.

    Attributes
    ----------
    followed : bool
        False where a filled decision had seen no valid book; the rest is then 0.
    total, squares : int
        Sum of the clock buckets' gross and of its squares.
    trips : int
    held_ns : int
        Time in position.
    """

    followed: bool
    total: int
    squares: int
    trips: int
    held_ns: int


@dataclass(slots=True)
class Moved:
    """One sign-flipped market.

    Attributes
    ----------
    signs : ndarray of uint64
    quotes, depth : ndarray of int64
        Shift of every row of the tables.
    tries : int
        Markets made until this one was accepted.
    accepted : bool
        Whether all valid books are positive; False where none of `MAX_TRIES` markets was such.
    draw : int
        Its number.
    bars : mapping of str to ndarray, optional
        Its bars, where the strategy reads bars.
    """

    signs: npt.NDArray[np.uint64]
    quotes: I64
    depth: I64
    tries: int = 0
    accepted: bool = True
    draw: int = 0
    bars: Mapping[str, npt.NDArray[Any]] | None = None


class Replays:
    """Runs a strategy over a market with random signs.

    Parameters
    ----------
    context : GateContext
        With a run to make again.
    rerun : Rerun
    key : int
        Key of the gate's random numbers.

    Attributes
    ----------
    flips : SignFlips
    key : int
    scale : int
        Attribution units in one unit of the sums.
    threads : int
        1 where the strategy needs the GIL.

    Raises
    ------
    BoundError
        When prices or money units do not fit their integers.
    """

    def __init__(self, context: GateContext, rerun: Rerun, key: int) -> None:
        run = rerun.run
        self._rerun, self.key = rerun, key
        self._rooms: list[Moved] = []  # one for each thread; the next draw takes it again
        self._tables: dict[str, Mapping[str, npt.NDArray[Any]]] = {
            name: run.segment.columns(name) for name in TABLES
        }
        self.depth_index = depth_index_of(run.segment)
        n = len(run.instruments)
        self.quiet_rows = QuietRows(self._tables, n) if n <= MOST_INSTRUMENTS else None
        try:
            self.flips = SignFlips(self._tables["quotes"], self._tables["depth"], n)
        except OverflowError as error:
            raise BoundError(f"The market cannot be moved: {error}.") from None
        self._bars: BarFlips | None = None
        if getattr(run.strategy.instance, "reads_bars", False):
            quotes, instants = self._tables["quotes"], self.flips.quote_instants
            self._bars = BarFlips(self._tables["bars"], quotes, instants)
        units = attribution_units(context.decision_points)
        self.scale = math.gcd(*units)
        weights = [u // self.scale for u in units]
        if max(weights) >= 2**63:
            raise BoundError(f"A money unit of {max(weights)} times the finest, the limit is 2^63.")
        self._weights = np.array(weights, np.int64)
        points = context.decision_points
        self._end_ns = int(points.ts_ns[-1])
        self._ends = bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns)
        self._marked = self._mids_to_mark(run.segment, points)
        own = rerun.run.strategy
        self._bounds: dict[bytes, BoundStrategy] = {}
        self.threads = 1
        if own.form == "kernel":
            self.threads = cores(context.threads)

    def _rows_of(self, instrument: int) -> tuple[I64, I64, I64]:
        """Messages that set an instrument's shift, and their rows of depth and of quotes."""
        quotes, depth = self._tables["quotes"], self._tables["depth"]
        of_quotes = np.flatnonzero(quotes["instrument"] == instrument)
        of_depth = np.zeros(0, np.int64)
        if self.flips.uses_depth:
            of_depth = np.flatnonzero(depth["instrument"] == instrument)
            if len(of_quotes):  # quotes are the top from the first one on
                first = quotes["seq"][of_quotes[0]]
                of_depth = of_depth[: np.searchsorted(depth["seq"][of_depth], first)]
        seq = np.concatenate([depth["seq"][of_depth], quotes["seq"][of_quotes]])
        return seq, of_depth, of_quotes

    def _mids_to_mark(self, segment: MarketData, points: DecisionPoints) -> MovedMids:
        """Mids that positions are marked at: by instrument the last one, then by bucket."""
        n = len(segment.instruments)
        # On a moved market an instrument that the run did not trade may be traded: it is marked
        # at the end of the data.
        last_seq = dict.fromkeys(points.instruments, int(points.seq[-1]))
        seq = last_seq_at(segment, self._ends)
        mids = MovedMids(np.concatenate([points.last_mid2, *marks_at(segment, seq, range(n))]))
        for i in range(n):
            known, of_depth, of_quotes = self._rows_of(i)
            asked = np.concatenate([[last_seq.get(i, _NO_LATER)], seq])
            places = np.concatenate([[i], n + i * len(seq) + np.arange(len(seq))])
            at = np.searchsorted(known, asked, "right") - 1
            by_depth, by_quotes = (at >= 0) & (at < len(of_depth)), at >= len(of_depth)
            mids.follow("depth", places[by_depth], of_depth[at[by_depth]])
            mids.follow("quotes", places[by_quotes], of_quotes[at[by_quotes] - len(of_depth)])
        return mids

    def shifts(self, moved: Moved, instrument: int, seq: I64) -> I64:
        """Shift of an instrument's prices at given messages.

        Parameters
        ----------
        moved : Moved
        instrument : int
        seq : ndarray of int64
        """
        known, of_depth, of_quotes = self._rows_of(instrument)
        values = np.concatenate([[0], moved.depth[of_depth], moved.quotes[of_quotes]])
        found: I64 = values[np.searchsorted(known, seq, "right")]
        return found

    def room(self) -> Moved:
        """Arrays for the draws of one thread; at first they are the recorded market."""
        return Moved(*self.flips.room())

    def move(self, draw: int, moved: Moved, drift: bool = True) -> Moved:
        """Make the market of a draw in the arrays of `moved`, with the data's drift or without."""
        moved.draw = draw
        for attempt in range(MAX_TRIES):
            moved.tries = attempt + 1
            moved.accepted = self.flips.draw(
                self.key, draw, attempt, moved.signs, moved.quotes, moved.depth, drift
            )
            if moved.accepted and self._bars is not None:
                moved.bars = self._bars.moved(moved.signs, moved.quotes)
                moved.accepted = moved.bars is not None
            if moved.accepted:
                break
        return moved

    def _bound(self, config: StrategyConfig | None) -> BoundStrategy:
        """A strategy for one run; kernels keep no state of their own and serve all runs."""
        bound = self._bounds.get(b"" if config is None else config.config_hash)
        return self._rerun.bind(config) if bound is None else bound

    def keep_bound(self, configs: Sequence[StrategyConfig | None]) -> None:
        """Bind once what many runs can use; call it before threads are started."""
        for config in configs:
            bound = self._rerun.bind(config)
            if bound.form != "python":
                self._bounds[b"" if config is None else config.config_hash] = bound

    def session(
        self,
        moved: Moved,
        config: StrategyConfig | None = None,
    ) -> Session:
        """The finished session of the strategy on a sign-flipped market."""
        session = self.new_session(config)
        session.feed(self.tables(moved), depth_index=self.depth_index)
        session.finish()
        return session

    @property
    def strategy_id(self) -> str:
        """Name of the strategy."""
        return self._rerun.run.strategy.strategy_id

    @property
    def n_rows(self) -> int:
        """Rows of the recorded tables."""
        return self._rerun.run.segment.n_rows

    @property
    def has_no_bars(self) -> bool:
        """Whether a draw is shifts and nothing else: bars follow from them outside the engine."""
        return self._bars is None

    @property
    def table_bytes(self) -> int:
        """Memory of the run's own tables."""
        exact = self._rerun.run.exact
        names = ("decisions", "legs", "orders", "fills", "funding", "risk", "borrow")
        return sum(int(getattr(exact, name).nbytes) for name in names)

    def new_session(self, config: StrategyConfig | None = None) -> Session:
        """A run that has read nothing."""
        return self._rerun.session(self._bound(config))

    def tables(self, moved: Moved) -> dict[str, Mapping[str, npt.NDArray[Any]]]:
        """The recorded columns, with the shifts of a market."""
        tables = dict(self._tables)
        tables["quotes"] = {**tables["quotes"], "shift": moved.quotes}
        if self.flips.uses_depth:
            tables["depth"] = {**tables["depth"], "shift": moved.depth}
        if moved.bars is not None:
            tables["bars"] = moved.bars
        return tables

    def marks(self, moved: Moved) -> Marks:
        """What the sums of any run over a market are made with."""
        mids, n = self._marked.on(moved.quotes, moved.depth), len(self._weights)
        return self._weights, mids[:n], self._end_ns, self._ends, mids[n:].reshape(n, -1)

    def lane_draws(self, lanes: Lanes, moved: Moved) -> LaneDraws:
        """Draws of lanes that have loaded the tables of a market, in its arrays."""
        return LaneDraws(
            lanes,
            self.flips,
            (moved.signs, moved.quotes, moved.depth),
            self._marked.recorded,
            (self._marked.followed("quotes"), self._marked.followed("depth")),
            self._weights,
            self._end_ns,
            self._ends,
        )

    def sums(
        self,
        moved: Moved,
        config: StrategyConfig | None = None,
    ) -> Sums:
        """Sums of the strategy on a sign-flipped market.

        Raises
        ------
        StrategyError, FixedPointOverflow, EngineError
            The run cannot go on.
        """
        session = self.session(moved, config)
        weights, last, end_ns, ends, mid2 = self.marks(moved)
        try:
            status, _, _, trips, held_ns = trip_sums(session.engine, weights, last, end_ns)
            followed, total, squares = bucket_sums(session.engine, weights, ends, mid2)
        except OverflowError as error:
            raise FixedPointOverflow("market null", (str(error),)) from None
        if status == NO_MID_SEEN or not followed:
            return Sums(False, 0, 0, 0, 0)
        return Sums(True, total, squares, trips, held_ns)

    def each(self, draws: range, work: Callable[[int, Moved], T], drift: bool = True) -> list[T]:
        """Do something with the market of every draw, on all threads; results by draw.

        Parameters
        ----------
        draws : range
        work : callable
            ``work(draw, moved)``.
        drift : bool
            Whether the markets keep the data's drift.

        Raises
        ------
        DrawFailed
            With the first draw on which the strategy cannot be run.
        """

        def one(part: range, room: Moved, made: list[T]) -> None:
            made.append(work(part[0], self.move(part[0], room, drift)))

        return self.in_parts(draws, 1, one)

    def in_parts(
        self, draws: range, most: int, work: Callable[[range, Moved, list[T]], None]
    ) -> list[T]:
        """Do something with draws, at most so many at a time, as `draw_parts.in_parts` says."""
        return in_parts(draws, most, work, self._rooms, self.room, self.threads)
