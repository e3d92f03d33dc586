"""Run a strategy over a segment, by two routes that must agree bit for bit.

`backtest` maps the sealed columns; `replay` streams the append-only log. Both drive the same
engine, and their decision traces must be equal: that is the proof that a result follows from the
recorded market alone.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi.attribution import Attributions, attribute_fills
from quantlaxmi.costs import CostModel, canonical_json
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.events import TradeAttribution
from quantlaxmi.feed import merged_chunks
from quantlaxmi.instruments import Instrument
from quantlaxmi.segment import Segment
from quantlaxmi.session import Columns, Session
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.registry import bind_strategy
from quantlaxmi.trace import DecisionTrace, TraceHeader

#: One millisecond: a co-located taker's order of magnitude, never zero by default.
DEFAULT_LATENCY_NS: Final = 1_000_000
MAX_LATENCY_NS: Final = 24 * 3600 * 10**9

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Account:
    """What one instrument's position and money came to; money at the run's ledger exponent.

    Attributes
    ----------
    position : int
        Open position at the end, quantity mantissa.
    cost : int
        Total cost of the open position, not negative.
    realized : int
        PnL of what was closed, by average cost, before fees and funding.
    fees, funding : int
        Paid; received.
    unrealized : int
        Open position at the last mid against its cost, at ledger exponent - 1.
    """

    position: int
    cost: int
    realized: int
    fees: int
    funding: int
    unrealized: int


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: what was decided, ordered, filled and earned.

    Attributes
    ----------
    header : TraceHeader
    segment : Segment
    strategy : BoundStrategy
    costs : CostModel
    latency_ns : int
    ledger_exponent : int
        Exponent of all money, unless a field says otherwise.
    decisions, legs, orders, fills, funding, risk : ndarray of the schema's dtypes
    accounts : tuple of Account
        By instrument of the segment.
    cash : dict of str to int
        By currency; starts at 0.
    attributions : Attributions
        One row a fill, checked against the ledger.
    n_messages : int
    last_mids : ndarray of int64
        Mid of each instrument at the end, at price exponent - 1; 0 where it had no book.
    """

    header: TraceHeader
    segment: Segment
    strategy: BoundStrategy
    costs: CostModel
    latency_ns: int
    ledger_exponent: int
    decisions: NDArray[Any]
    legs: NDArray[Any]
    orders: NDArray[Any]
    fills: NDArray[Any]
    funding: NDArray[Any]
    risk: NDArray[Any]
    accounts: tuple[Account, ...]
    cash: Mapping[str, int]
    attributions: Attributions
    n_messages: int
    last_mids: NDArray[np.int64]
    depth_gaps: tuple[int, ...]

    @functools.cached_property
    def trace(self) -> DecisionTrace:
        """The decision trace, hashed on first use."""
        return DecisionTrace.from_arrays(
            self.header,
            self.decisions,
            self.legs,
            self.orders,
            self.fills,
            self.funding,
            self.risk,
        )

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments of the segment, in the order indices name them."""
        return self.segment.instruments

    @property
    def net_pnl(self) -> int:
        """Realized and unrealized PnL minus fees plus funding, at ledger exponent - 1."""
        return sum(
            10 * (a.realized - a.fees + a.funding) + a.unrealized for a in self.accounts
        )

    @property
    def gross_pnl(self) -> int:
        """Mid-to-mid PnL, open positions at the last mid, at ledger exponent - 1."""
        marked = sum(
            a.position * int(mid) * term
            for a, mid, term in zip(self.accounts, self.last_mids, self._scales, strict=True)
        )
        return sum(self.attributions.gross.tolist()) + marked

    @property
    def _scales(self) -> tuple[int, ...]:
        return tuple(
            10 ** (i.price_exponent + i.qty_exponent - self.ledger_exponent) * i.contract_size
            for i in self.instruments
        )

    def trade_attributions(self) -> Iterator[TradeAttribution]:
        """Yield one `TradeAttribution` for every fill, in order."""
        return self.trace.trade_attributions(self.attributions)


def backtest(
    segment: Segment,
    strategy: BoundStrategy | str,
    *,
    config: Mapping[str, Any] | None = None,
    costs: CostModel | None = None,
    latency_ns: int = DEFAULT_LATENCY_NS,
    flatten: bool = False,
    interpreted: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Run a strategy over a segment's sealed columns.

    Parameters
    ----------
    segment : Segment
        As `open_segment` gives it.
    strategy : BoundStrategy or str
        A bound strategy, or the name of a registered one.
    config : mapping, optional
        Settings of a strategy given by name.
    costs : CostModel, optional
        Binance's regular rates by default.
    latency_ns : int
        From decision to arrival of its orders.
    flatten : bool
        Close what is open at the last message.
    interpreted : bool
        Run the kernel's interpreted twin; slow, same trace.
    seed : int
        Stands in the trace header; nothing in a run is random.
    progress : callable, optional
        Called with rows done and rows in all.

    Returns
    -------
    Run

    Raises
    ------
    StrategyError, FixedPointOverflow, InputError
    """
    tables = {name: segment.columns(name) for name in schema.TABLES}
    return _run(
        segment, strategy, _slices(tables), config, costs, latency_ns, flatten, interpreted, seed,
        progress,
    )


def replay(
    segment: Segment,
    strategy: BoundStrategy | str,
    *,
    config: Mapping[str, Any] | None = None,
    costs: CostModel | None = None,
    latency_ns: int = DEFAULT_LATENCY_NS,
    flatten: bool = False,
    interpreted: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Run a strategy over a segment's log, in bounded memory; see `backtest` for the parameters.

    The log's checksums are verified while it is read; a changed byte ends the run with
    SegmentCorrupt.
    """
    chunks = merged_chunks({name: segment.log(name) for name in schema.TABLES})
    return _run(
        segment, strategy, chunks, config, costs, latency_ns, flatten, interpreted, seed, progress
    )


def _slices(tables: Mapping[str, Columns]) -> Iterator[Mapping[str, Columns]]:
    """All columns at once: they are mapped, so a chunk costs nothing."""
    yield tables


def _run(
    segment: Segment,
    strategy: BoundStrategy | str,
    chunks: Iterator[Mapping[str, Columns]],
    config: Mapping[str, Any] | None,
    costs: CostModel | None,
    latency_ns: int,
    flatten: bool,
    interpreted: bool,
    seed: int,
    progress: Progress | None,
) -> Run:
    if not 0 <= latency_ns <= MAX_LATENCY_NS:
        raise InputError("latency_ns", f"was {latency_ns}, expected 0 to {MAX_LATENCY_NS}")
    if not -(1 << 63) <= seed < 1 << 63:
        raise InputError("seed", f"was {seed}, expected a 64-bit integer")
    costs = CostModel.binance() if costs is None else costs
    bound = bind_strategy(strategy, segment.instruments, config, interpreted=interpreted)
    header = make_header(segment, bound, costs, latency_ns, flatten, seed)
    session = Session(
        segment.instruments, bound, costs, latency_ns, has_quotes(segment), segment.digest
    )
    total, done = sum(segment.rows.values()), 0
    for chunk in chunks:
        session.feed(chunk)
        if progress is not None:
            done += sum(len(columns["seq"]) for columns in chunk.values())
            progress(done, total)
    session.finish(flatten)
    return _collect(segment, bound, costs, latency_ns, header, session)


def has_quotes(segment: Segment) -> list[bool]:
    """Per instrument: whether the segment holds quotes of it."""
    present = set(segment.quoted_instruments)
    return [index in present for index in range(len(segment.instruments))]


def make_header(
    segment: Segment,
    bound: BoundStrategy,
    costs: CostModel,
    latency_ns: int,
    flatten: bool,
    seed: int,
) -> TraceHeader:
    """Return the header: all that decides a run's outcome, hashed."""
    latency = {"kind": "constant", "latency_ns": latency_ns, "flatten": flatten}
    return TraceHeader(
        schema_version=schema.SCHEMA_VERSION,
        semantics_version=schema.SEMANTICS_VERSION,
        segment_digest=bytes.fromhex(segment.digest),
        strategy_id=bound.strategy_id,
        config_hash=bound.config_hash,
        cost_hash=costs.cost_hash,
        latency_hash=hashlib.sha256(b"quantlaxmi.latency.1\0" + canonical_json(latency)).digest(),
        risk_hash=hashlib.sha256(b"quantlaxmi.risk.1\0" + canonical_json({})).digest(),
        seed=seed,
        instruments=segment.instruments,
        rationales=bound.rationales,
    )


def _collect(
    segment: Segment,
    bound: BoundStrategy,
    costs: CostModel,
    latency_ns: int,
    header: TraceHeader,
    session: Session,
) -> Run:
    engine = session.engine
    tables = engine.tables()
    cash = engine.cash(len(session.currencies))
    scales = [term[1] for term in session.terms]
    mids = session.last_mids()
    attributions = attribute_fills(tables, scales, mids, session.ledger_exponent, cash)
    accounts = []
    for (position, cost, realized, fees, funding), mid, scale in zip(
        engine.accounts(), mids.tolist(), scales, strict=True
    ):
        sign = 1 if position >= 0 else -1
        unrealized = position * mid * scale - sign * 10 * cost
        accounts.append(Account(position, cost, realized, fees, funding, unrealized))
    for account, instrument in zip(accounts, segment.instruments, strict=True):
        if account.position and not int(mids[accounts.index(account)]):
            raise EngineError(
                f"{instrument.symbol} is open at the end and has no valid book to mark it at"
            )
    return Run(
        header=header,
        segment=segment,
        strategy=bound,
        costs=costs,
        latency_ns=latency_ns,
        ledger_exponent=session.ledger_exponent,
        decisions=tables["decisions"],
        legs=tables["legs"],
        orders=tables["orders"],
        fills=tables["fills"],
        funding=tables["funding"],
        risk=np.zeros(0, schema.RISK_DTYPE),
        accounts=tuple(accounts),
        cash=dict(zip(session.currencies, cash, strict=True)),
        attributions=attributions,
        n_messages=engine.n_messages,
        last_mids=mids,
        depth_gaps=tuple(engine.depth_gaps()),
    )
