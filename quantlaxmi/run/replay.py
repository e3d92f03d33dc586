"""Run a strategy over a segment, by two routes that must agree bit for bit.

`backtest` maps the sealed columns; `replay` streams the append-only log. Both drive the same
engine, and their decision traces must be equal: that is the proof that a result follows from the
recorded market alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from quantlaxmi import schema
from quantlaxmi.errors import InputError, StrategyError, shown
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import DEFAULT_LATENCY_NS, MAX_LATENCY_NS, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.attribution import attribute_fills
from quantlaxmi.run.feed import merged_chunks
from quantlaxmi.run.records import Account, RunRecords
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import Columns, Session
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trace.header import TraceHeader
from quantlaxmi.venues import run_costs

__all__ = ["Account", "Progress", "Run", "backtest", "latency_model", "replay"]

Progress = Callable[[int, int], None]


def backtest(
    segment: MarketData,
    strategy: Strategy | BoundStrategy | str,
    *,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int = DEFAULT_LATENCY_NS,
    latency: LatencyModel | None = None,
    flatten: bool = False,
    interpreted: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Run a strategy over a segment's sealed columns.

    Parameters
    ----------
    segment : MarketData
        As `open_segment` gives it, or a window of it.
    strategy : Strategy, BoundStrategy or str
        A strategy with its settings, or the name of a registered one for its defaults.
    costs : CostModel, optional
        What it does not say is taken from the dated tables of `quantlaxmi.venues`, by venue, kind
        and the data's first date.
    limits : RiskLimits, optional
        All off by default; the venue's ticks, lots and least notionals hold where they are known.
    latency_ns : int
        From decision to arrival of its orders.
    latency : LatencyModel, optional
        Takes the place of ``latency_ns``: drawn from a table, and a response latency.
    flatten : bool
        Close what is open at the last message.
    interpreted : bool
        Run the kernel's interpreted twin; slow, same trace.
    seed : int
        Of drawn latencies; stands in the trace header.
    progress : callable, optional
        Called with rows done and rows in all.

    Returns
    -------
    Run

    Raises
    ------
    StrategyError, FixedPointOverflow, InputError
    ConfigError
        Commissions are not known for the data's date, or change within it, and none were given.
    """
    tables = {name: segment.columns(name) for name in schema.TABLES}
    return _run(
        segment,
        strategy,
        _slices(tables),
        costs,
        limits,
        latency_model(latency_ns, latency),
        flatten,
        interpreted,
        seed,
        progress,
    )


def replay(
    segment: MarketData,
    strategy: Strategy | BoundStrategy | str,
    *,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int = DEFAULT_LATENCY_NS,
    latency: LatencyModel | None = None,
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
        segment,
        strategy,
        chunks,
        costs,
        limits,
        latency_model(latency_ns, latency),
        flatten,
        interpreted,
        seed,
        progress,
    )


def latency_model(latency_ns: int, latency: LatencyModel | None) -> LatencyModel:
    """Return the model of a run: as given, else a constant entry latency."""
    if latency is not None:
        return latency
    if not 0 <= latency_ns <= MAX_LATENCY_NS:
        raise InputError("latency_ns", f"was {latency_ns}, expected 0 to {MAX_LATENCY_NS}")
    return LatencyModel.constant(int(latency_ns))


def _slices(tables: Mapping[str, Columns]) -> Iterator[Mapping[str, Columns]]:
    """All columns at once: they are mapped, so a chunk costs nothing."""
    yield tables


def _run(
    segment: MarketData,
    strategy: Strategy | BoundStrategy | str,
    chunks: Iterator[Mapping[str, Columns]],
    costs: CostModel | None,
    limits: RiskLimits | None,
    latency: LatencyModel,
    flatten: bool,
    interpreted: bool,
    seed: int,
    progress: Progress | None,
) -> Run:
    if type(seed) is not int or not 0 <= seed < 1 << 64:
        raise InputError("seed", f"was {shown(seed)}, expected a whole number, 0 to 2**64 - 1")
    costs = complete_costs(segment, costs)
    limits = RiskLimits() if limits is None else limits
    bound = bind(strategy, segment.instruments, interpreted=interpreted)
    header = make_header(segment, bound, costs, limits, latency, flatten, seed)
    session = Session(
        segment.instruments,
        bound,
        costs,
        latency.entry.largest_ns,
        segment.origin,
        limits,
        latency.delays(seed, bound.config_hash),
    )
    session.engine.refuse_before(segment.first_seq)
    total, done = segment.n_rows, 0
    for chunk in chunks:
        session.feed(chunk, None if progress is None else _further(progress, done, total))
        done += session.engine.chunk_rows
    session.finish(flatten)
    return _collect(segment, bound, costs, limits, latency, header, session)


def complete_costs(segment: MarketData, costs: CostModel | None) -> CostModel:
    """Return the costs of a run: what was given, the rest from the tables of the data's date."""
    instruments = segment.instruments
    if costs is not None and all(
        costs.covers(one) and costs.least_notional(one) is not None for one in instruments
    ):
        return costs.restricted(instruments)
    first, last = segment.first_ts_ns, segment.last_ts_ns
    if first < 0:  # no message, and nothing to pay for: the latest terms
        first = last = np.iinfo(np.int64).max
    return run_costs(costs, instruments, first, last)


def _further(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    """Progress of one chunk as progress of the whole."""
    return lambda rows: progress(done + rows, total)


def bind(
    strategy: Strategy | BoundStrategy | str,
    instruments: tuple[Instrument, ...],
    *,
    interpreted: bool = False,
) -> BoundStrategy:
    """Bind a strategy, named or made, to a segment's instruments; a fresh one for each run."""
    if isinstance(strategy, str):
        strategy = StrategyRegistry().create(strategy)
    if isinstance(strategy, Strategy):
        return strategy.bind(instruments, interpreted=interpreted)
    if strategy.universe != instruments:
        raise StrategyError(f"strategy {strategy.strategy_id!r} is bound to other instruments")
    return strategy


def make_header(
    segment: MarketData,
    bound: BoundStrategy,
    costs: CostModel,
    limits: RiskLimits,
    latency: LatencyModel,
    flatten: bool,
    seed: int,
) -> TraceHeader:
    """Return the header: all that decides a run's outcome, hashed."""
    return TraceHeader(
        schema_version=schema.TRACE_SCHEMA_VERSION,
        semantics_version=schema.SEMANTICS_VERSION,
        segment_digest=bytes.fromhex(segment.digest),
        strategy_id=bound.strategy_id,
        config_hash=bound.config_hash,
        cost_hash=costs.cost_hash,
        latency_hash=latency.latency_hash(flatten),
        risk_hash=limits.risk_hash,
        seed=seed,
        instruments=segment.instruments,
        rationales=bound.rationales,
    )


def _collect(
    segment: MarketData,
    bound: BoundStrategy,
    costs: CostModel,
    limits: RiskLimits,
    latency: LatencyModel,
    header: TraceHeader,
    session: Session,
) -> Run:
    engine = session.engine
    tables = engine.tables(last=True)
    cash = engine.cash(len(session.currencies))
    scales = [term[1] for term in session.terms]
    mids = session.last_mids()
    attributions = attribute_fills(
        tables, scales, mids, session.ledger_exponent, cash, engine.close_references()
    )
    accounts = []
    for (position, cost, realized, fees, funding), mid, scale in zip(
        engine.accounts(), mids.tolist(), scales, strict=True
    ):
        sign = 1 if position >= 0 else -1
        unrealized = position * mid * scale - sign * 10 * cost
        accounts.append(Account(position, cost, realized, fees, funding, unrealized))
    exact = RunRecords(
        header=header,
        ledger_exponent=session.ledger_exponent,
        decisions=tables["decisions"],
        legs=tables["legs"],
        orders=tables["orders"],
        fills=tables["fills"],
        funding=tables["funding"],
        risk=tables["risk"],
        accounts=tuple(accounts),
        cash=dict(zip(session.currencies, cash, strict=True)),
        attributions=attributions,
        n_messages=engine.n_messages,
        last_mids=mids,
        depth_gaps=tuple(engine.depth_gaps()),
    )
    return Run(exact, segment, bound, costs, limits, latency)
