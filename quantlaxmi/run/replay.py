"""Run a strategy over a segment, by two routes that must agree bit for bit.

`backtest` maps the sealed columns; `replay` streams the append-only log. Both drive the same
engine, and their decision traces must be equal: that is the proof that a result follows from the
recorded market alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from quantlaxmi import schema
from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi.errors import StrategyError, shown
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.attribution import attribute_fills
from quantlaxmi.run.bundle_costs import costed_bundles
from quantlaxmi.run.capital import CapitalUse
from quantlaxmi.run.config import RunConfig, SettleAt
from quantlaxmi.run.feed import TableColumns, merged_chunks
from quantlaxmi.run.note_rounding import note_rows
from quantlaxmi.run.records import Account, RunRecords, VenueClock
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import Session
from quantlaxmi.run.trial_lines import recorded
from quantlaxmi.segment import MarketData, as_market
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.segment.unchanged import check_unchanged
from quantlaxmi.strategies.bind_once import bind_once
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.registry import StrategyRegistry, check_class
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trace.header import TraceHeader
from quantlaxmi.trials.holdout import refuse_sealed

__all__ = ["Account", "Progress", "Run", "backtest", "replay", "run_columns", "run_log"]

Progress = Callable[[int, int], None]
#: A strategy with its settings, its class or name for its defaults, or a bound one.
AnyStrategy = Strategy | type[Strategy] | BoundStrategy | str


def backtest(
    segment: MarketData | Path | str,
    strategy: AnyStrategy,
    *,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int | None = None,
    latency: LatencyModel | None = None,
    flatten: bool = False,
    leg_latency_ns: int = 0,
    settle_at: SettleAt = "price",
    interpreted: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    trials: Path | str | None = None,
) -> Run:
    """Run a strategy over a segment's sealed columns.

    Parameters
    ----------
    segment : MarketData, Path or str
        As `open_segment` gives it, or a window of it; or a segment's folder.
    strategy : Strategy, type of Strategy, BoundStrategy or str
        A strategy with its settings; for its defaults its class, its registered name or
        ``path.py:Class``.
    costs : CostModel, optional
        What it does not say is taken from the dated tables of `quantlaxmi.venues`, by venue, kind
        and the data's first date.
    limits : RiskLimits, optional
        All off by default; the venue's ticks, lots and least notionals hold where they are known.
    latency_ns : int, optional
        From decision to arrival of its orders, in the time of the recording: it covers the way
        of the order to the venue and of the market data from it. By default a millisecond; of a
        chain session one median interval between its snapshots.
    latency : LatencyModel, optional
        Takes the place of ``latency_ns``: drawn from a table, and a response latency.
    flatten : bool
        Close what is open at the last message.
    leg_latency_ns : int
        A leg of a bundle arrives so much after the one before it; 0: all arrive together.
    settle_at : {"price", "mark"}
        A position past its contract's expiry takes the settlement price that the data have, else
        it is an error; ``"mark"`` takes the last mid then.
    interpreted : bool
        Run the kernel's interpreted twin; slow, same trace.
    seed : int
        Of drawn latencies; the trace header has it.
    progress : callable, optional
        Called with rows done and rows in all.
    trials : Path or str, optional
        Folder of a trial ledger, to which the run is written and whose seals hold; by default that
        of the environment's ``QUANTLAXMI_TRIALS``, where it is set.

    Returns
    -------
    Run
        Decisions, orders, fills, ledger and trace; equal inputs give equal bytes.

    Raises
    ------
    StrategyError, FixedPointOverflow, InputError
    HoldoutError
        Some rows are sealed in the ledger.
    TrialError
        The ledger is broken or cannot be written.
    ConfigError
        Commissions are not known for the data's date, or change within it, and none were given.

    Examples
    --------
    >>> run = backtest("data/planted", "basis_capture")
    >>> run.n_decisions, run.n_fills
    (602, 1212)
    """
    config = RunConfig.of(
        costs=costs,
        limits=limits,
        latency_ns=latency_ns,
        latency=latency,
        seed=seed,
        flatten=flatten,
        leg_latency_ns=leg_latency_ns,
        settle_at=settle_at,
    )
    with recorded(trials, "backtest") as record:
        run = run_columns(
            as_market(segment), strategy, config, interpreted=interpreted, progress=progress
        )
        record(run)
    return run


def replay(
    segment: MarketData | Path | str,
    strategy: AnyStrategy,
    *,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int | None = None,
    latency: LatencyModel | None = None,
    flatten: bool = False,
    leg_latency_ns: int = 0,
    settle_at: SettleAt = "price",
    interpreted: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    trials: Path | str | None = None,
) -> Run:
    """Run a strategy over a segment's log, in bounded memory.

    The log's checksums are verified while it is read.

    Parameters
    ----------
    segment, strategy, costs, limits, latency_ns, latency, flatten, leg_latency_ns, settle_at, \
    interpreted, seed, progress, trials
        As in `backtest`.

    Returns
    -------
    Run
        Equal to that of `backtest`, byte for byte.

    Raises
    ------
    StrategyError, FixedPointOverflow, InputError, HoldoutError, TrialError, ConfigError
        As in `backtest`.
    SegmentCorrupt
        A byte of the log was changed.

    Examples
    --------
    >>> run = replay("data/planted", "basis_capture")
    >>> run.trace.trace_hash == backtest("data/planted", "basis_capture").trace.trace_hash
    True
    """
    config = RunConfig.of(
        costs=costs,
        limits=limits,
        latency_ns=latency_ns,
        latency=latency,
        seed=seed,
        flatten=flatten,
        leg_latency_ns=leg_latency_ns,
        settle_at=settle_at,
    )
    with recorded(trials, "replay") as record:
        run = run_log(
            as_market(segment), strategy, config, interpreted=interpreted, progress=progress
        )
        record(run)
    return run


def run_columns(
    market: MarketData,
    strategy: AnyStrategy,
    config: RunConfig,
    *,
    interpreted: bool = False,
    progress: Progress | None = None,
    depth: Literal["live", "index"] = "live",
) -> Run:
    """Do what `backtest` does, with a config made before.

    Parameters
    ----------
    market, strategy, config, interpreted, progress
        As in `backtest`.
    depth : {"live", "index"}
        Rebuild the books row by row, or look levels up in the market's index, which is made at the
        first use: faster from the fourth run or so, with the same result.
    """
    tables = {name: market.columns(name) for name in schema.TABLES}
    index = depth_index_of(market) if depth == "index" else None
    # All columns at once: they are mapped, so a chunk costs nothing.
    return _run(market, strategy, config, iter([tables]), interpreted, progress, index)


def run_log(
    market: MarketData,
    strategy: AnyStrategy,
    config: RunConfig,
    *,
    interpreted: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Do what `replay` does, with a config made before."""
    chunks = merged_chunks({name: market.log(name) for name in schema.TABLES})
    return _run(market, strategy, config, chunks, interpreted, progress)


def _run(
    market: MarketData,
    strategy: AnyStrategy,
    config: RunConfig,
    chunks: Iterator[Mapping[str, TableColumns]],
    interpreted: bool,
    progress: Progress | None,
    index: DepthIndex | None = None,
) -> Run:
    refuse_sealed(market)
    config = config.complete_for(market)
    bound = bind(strategy, market.instruments, interpreted=interpreted)
    header = make_header(market, bound, config)
    session = Session(market.instruments, bound, config, market.origin)
    session.refuse_before(market.first_seq)
    total, done = 0, 0
    if progress is not None:
        total = market.n_rows - len(market.columns("bars")["seq"])  # bars are not played
    for chunk in chunks:
        further = None if progress is None else _further(progress, done, total)
        session.feed(chunk, further, index)
        done += session.engine.chunk_rows
    session.finish()
    check_unchanged(market)
    return Run(_records(header, session, market), market, bound, config)


def _further(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    """Progress of one chunk as progress of the whole."""
    return lambda rows: progress(done + rows, total)


def bind(
    strategy: AnyStrategy,
    instruments: tuple[Instrument, ...],
    *,
    interpreted: bool = False,
) -> BoundStrategy:
    """Bind a strategy, named or made, to a segment's instruments.

    Plain Python is bound afresh for each run; a kernel keeps nothing of a run (`bind_once`).

    Raises
    ------
    StrategyError
        It is none, or is bound to other instruments.
    """
    if isinstance(strategy, str):
        strategy = StrategyRegistry().create(strategy)
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        check_class(strategy)
        strategy = strategy.made_with()
    if isinstance(strategy, Strategy):
        return bind_once(strategy, instruments, interpreted=interpreted)
    if not isinstance(strategy, BoundStrategy):
        raise StrategyError(
            f"strategy was {shown(strategy)}, expected a strategy with its settings, its class or "
            "its name"
        )
    if strategy.universe != instruments:
        raise StrategyError(f"strategy {strategy.strategy_id!r} is bound to other instruments")
    return strategy


def make_header(market: MarketData, bound: BoundStrategy, config: RunConfig) -> TraceHeader:
    """Return the header: all that decides a run's outcome, hashed."""
    return TraceHeader(
        schema_version=schema.TRACE_SCHEMA_VERSION,
        semantics_version=schema.SEMANTICS_VERSION,
        segment_digest=bytes.fromhex(market.digest),
        strategy_id=bound.strategy_id,
        config_hash=bound.config_hash,
        cost_hash=config.costs.cost_hash,
        latency_hash=config.latency_hash,
        risk_hash=config.limits.risk_hash,
        seed=config.seed,
        instruments=market.instruments,
        rationales=bound.rationales,
    )


def _records(header: TraceHeader, session: Session, market: MarketData) -> RunRecords:
    """Rows and money of a finished session; every fill is attributed, and the sum checked."""
    engine = session.engine
    tables = engine.tables(last=True)
    cash = engine.cash(len(session.currencies))
    scales = [term[1] for term in session.terms]
    mids = session.last_mids()
    attributions = attribute_fills(
        tables,
        scales,
        mids,
        session.ledger_exponent,
        cash,
        engine.close_references(),
        [term[0] for term in session.terms],
    )
    accounts = [
        Account.marked(booked, mid, scale)
        for booked, mid, scale in zip(engine.accounts(), mids.tolist(), scales, strict=True)
    ]
    margin, exponent = engine.margin(), session.ledger_exponent
    notes = note_rows(tables["fills"], header.instruments, session.config.costs, exponent, market)
    return RunRecords(
        header=header,
        ledger_exponent=exponent,
        decisions=tables["decisions"],
        legs=tables["legs"],
        orders=tables["orders"],
        fills=tables["fills"],
        funding=tables["funding"],
        risk=tables["risk"],
        borrow=tables["borrow"],
        bundles=costed_bundles(tables["bundles"], tables["fills"], attributions),
        settled=tables["settled"],
        accounts=tuple(accounts),
        cash=dict(zip(session.currencies, cash, strict=True)),
        attributions=attributions,
        n_messages=engine.n_messages,
        last_mids=mids,
        depth_gaps=tuple(engine.depth_gaps()),
        venue_clocks=tuple(VenueClock(*each) for each in engine.venue_clocks()),
        capital=None if margin is None else CapitalUse(*margin),
        notes=notes,
    )
