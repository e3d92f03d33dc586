"""From a segment and a strategy to a report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.gates.checkpoint import Checkpoint, check_place
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.keys import check_seed
from quantlaxmi.gates.observation import context_of, with_grid
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import combine
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import failed_guard_of, run_suite, suite_names
from quantlaxmi.given import many, of_class, whole
from quantlaxmi.report.gate_report import DIAGNOSIS, GateReport, now
from quantlaxmi.report.holdout_question import HOLDOUT_GATES, OpenedRows, SealQuestion
from quantlaxmi.report.judged_rows import window_of
from quantlaxmi.report.known import NOTHING, AnyGrid, Known
from quantlaxmi.report.told import Progress, told
from quantlaxmi.report.tried import Tried
from quantlaxmi.version import __version__

if TYPE_CHECKING:
    from quantlaxmi.execution.conversion import Conversion
    from quantlaxmi.execution.costs import CostModel
    from quantlaxmi.execution.latency import LatencyModel
    from quantlaxmi.execution.risk import RiskLimits
    from quantlaxmi.run.config import SettleAt
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData
    from quantlaxmi.strategies.grid_file import Grid

__all__ = [
    "Progress",
    "check_suites",
    "conversion_of",
    "report_of",
    "run_gates",
    "searches_declared",
]


def check_suites(gates: str | Sequence[str]) -> tuple[str, ...]:
    """Return the suites asked for, where this version has them all.

    Parameters
    ----------
    gates : str or sequence of str
        Names of suites, in either case; in one text they are separated by commas.

    Raises
    ------
    ConfigError
    """
    known = suite_names()
    names = gates.split(",") if isinstance(gates, str) else gates
    stripped = [name.strip() if isinstance(name, str) else name for name in names]
    gates = tuple(
        name.lower() if isinstance(name, str) and name not in known else name for name in stripped
    )
    for name in gates:
        if name not in known:
            raise ConfigError("--gates", f"was {shown(name)}, expected of {', '.join(known)}")
    if not gates or len(set(gates)) != len(gates):
        raise ConfigError("--gates", f"was {','.join(gates)!r}, expected suites named once")
    return gates


def run_gates(
    segment: MarketData | Path | str,
    strategy: Any,
    *,
    gates: str | Sequence[str] = ("g2",),
    policy: GatePolicy | None = None,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int | None = None,
    latency: LatencyModel | None = None,
    leg_latency_ns: int = 0,
    settle_at: SettleAt = "price",
    run_seed: int = 0,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
    checkpoint: str | Path | None = None,
    convert: Sequence[str | Path] = (),
    grid: AnyGrid | None = None,
    trials: Path | str | None = None,
    open_seal: bool = False,
) -> GateReport:
    """Run a strategy and try to break the result.

    Parameters
    ----------
    segment : MarketData, Path or str
        A path is a segment's folder.
    strategy : Strategy, BoundStrategy, str or callable
        As `quantlaxmi.run.replay.backtest` takes it, or a function that makes a strategy from a
        segment: the prefix guard calls it with beginnings of this one.
    gates : str or sequence of str
        Suites to run, of ``"g2"`` and ``"g3"``.
    policy : GatePolicy, optional
        Thresholds; the defaults of `GatePolicy` without.
    costs : CostModel, optional
        What it does not say is taken from the dated tables.
    limits : RiskLimits, optional
    latency_ns : int, optional
        From a decision to its orders' arrival; as of `backtest`.
    latency : LatencyModel, optional
        Takes the place of ``latency_ns``.
    leg_latency_ns : int
        From the arrival of one leg of a bundle to that of the next.
    settle_at : {"price", "mark"}
        As of `backtest`.
    run_seed : int
        Of the run's own draws (latencies); stands in the trace header.
    seed : int, optional
        Of the gates' draws: the report is then a diagnosis and no verdict. By default a hash of
        segment, settings searched and policy.
    threads : int, optional
        Of the sweeps; the report does not depend on it. All by default.
    progress : callable or bool, optional
        Called with (what is done, how far, of how much). True: a line on stderr, with the time
        left (`quantlaxmi.progress.Progress`).
    checkpoint : str or Path, optional
        File that keeps the counts of draws. After an interruption the same call goes on there and
        gives the report, hash and all, that it would have given at once. That it is the same call
        is told by the run's hashes, policy, seed, the package's version and the strategy's code;
        not by what that code imports (`quantlaxmi.strategies.code_digest`).
    convert : sequence of str or Path
        Files of rates, ``FILE`` or ``CURRENCY=FILE``, for a segment of several currencies; see
        `quantlaxmi.execution.conversion`. Without them a strategy that trades several is
        INCONCLUSIVE: amounts are never added.
    grid : Path, str, Grid or sequence of StrategyConfig, optional
        Settings to search in every draw, in place of those that the strategy declares; a path is a
        TOML file (`quantlaxmi.strategies.grid_file`). A strategy that is given by name or as a
        class is judged with the setting of the largest Z on the data, of ties that of the smaller
        hash; the settings of one that is given as an object are judged, and added to the grid.
    trials : Path or str, optional
        Folder of a trial ledger: the run and the grid's settings are written to it, its seals hold,
        and the report keeps the keys of the trials that bear on the data. By default that of the
        environment's ``QUANTLAXMI_TRIALS``, where it is set.
    open_seal : bool
        Open the seal of the segment in the ledger, once, for this setting: the sealed rows are
        judged, by the equity test alone. Stopped before its verdict, the same call goes on.

    Returns
    -------
    GateReport
        Sealed with its hash.

    Raises
    ------
    ConfigError
        For an unknown suite, a seed or number of threads out of range, a grid that cannot be used,
        or a checkpoint of another run or in a place where it cannot be written.
    HoldoutError
        Some rows are sealed; or there is no seal to open.
    TrialError
        The ledger is broken or cannot be written.
    InputError
        For rates that cannot be used.
    EngineError
        When an identity does not hold; no report is made.

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> policy = ql.GatePolicy(suites={"g2": ("net_positive", "equity")})
    >>> report = ql.run_gates("data/planted", "basis_capture", policy=policy)
    >>> [(one.gate, one.verdict.value) for suite in report.results for one in suite.results]
    [('net_positive', 'PASS'), ('equity', 'PASS')]
    """
    from quantlaxmi.run.config import RunConfig
    from quantlaxmi.segment import as_market
    from quantlaxmi.trials.ledger import current_ledger, using

    gates, segment = check_suites(gates), as_market(segment)
    seed = _check(seed, threads, checkpoint)
    policy = None if policy is None else of_class(policy, GatePolicy, "policy", ConfigError)
    late: dict[str, Any] = {"latency": latency, "leg_latency_ns": leg_latency_ns}
    late["settle_at"] = settle_at
    config = RunConfig.of(costs=costs, limits=limits, latency_ns=latency_ns, seed=run_seed, **late)
    ledger = current_ledger(trials)
    with using(ledger), told(progress) as tell:
        opened: OpenedRows | None = None
        if open_seal:
            asked = SealQuestion.of(segment, config, conversion_of(convert, segment), policy, seed)
            opened = asked.ask(strategy, ledger, grid)
            segment, gates, policy = opened.rows, HOLDOUT_GATES, asked.policy
        rates = conversion_of(convert, segment)
        tried = Tried.on(
            segment, strategy, config, rates, grid=grid, threads=threads, progress=tell
        )
        if ledger is not None and grid is None and searches_declared(gates, policy or GatePolicy()):
            tried = tried.with_declared(threads=threads, progress=tell)
        report = report_of(
            tried.run,
            policy=policy,
            seed=seed,
            threads=threads,
            progress=tell,
            gates=gates,
            checkpoint=checkpoint,
            maker=tried.maker,
            grid=tried.grid,
            known=tried.write(ledger, judges_holdout=open_seal),
        )
        return report if opened is None else opened.judged(report)


def searches_declared(gates: Sequence[str], policy: GatePolicy) -> bool:
    """Whether some gate tries the settings that a strategy's class declares."""
    from quantlaxmi.gates.resampling.market_settings import MarketNullSettings

    asked = {gate for suite in gates for gate in policy.suites.get(suite, ())}
    if asked & {"walk_forward", "selection"}:
        return True
    return "market_null" in asked and policy.settings(MarketNullSettings).grid_search != "off"


def _check(seed: int | None, threads: int | None, checkpoint: str | Path | None) -> int | None:
    """Refuse what no run can have, before any work; the seed as an integer of Python.

    Raises
    ------
    ConfigError
    """
    found = None if seed is None else check_seed(seed)
    if threads is not None and (whole(threads) or 0) < 1:
        raise ConfigError("--threads", f"was {shown(threads)}, expected at least 1")
    if checkpoint is not None:
        check_place(checkpoint)
    return found


def conversion_of(convert: Sequence[str | Path], segment: MarketData) -> Conversion | None:
    """Rates for the currencies of a segment, or None where none are given."""
    from quantlaxmi.execution.conversion import Conversion, RateFile

    if not convert:
        return None
    currencies = list(dict.fromkeys(one.currency for one in segment.instruments))
    files = [RateFile.load(named) for named in many(convert)]
    return Conversion.of(files, currencies, segment.first_ts_ns, segment.last_ts_ns)


def report_of(
    run: Run,
    *,
    policy: GatePolicy | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    gates: str | Sequence[str] = ("g2",),
    checkpoint: str | Path | None = None,
    maker: Callable[[Any], Any] | None = None,
    grid: Grid | None = None,
    known: Known = NOTHING,
) -> GateReport:
    """Judge a finished run; see `run_gates` for the parameters.

    The run must have been made without flattening; `maker` is the function that made its strategy
    from the segment, where there was one; `known` is what a trial ledger says.

    Parameters
    ----------
    run : Run
    policy, seed, threads, progress, gates, checkpoint, grid
        As of `run_gates`.
    maker : callable, optional
    known : Known

    Returns
    -------
    GateReport

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> from quantlaxmi.report import report_of
    >>> policy = ql.GatePolicy(suites={"g2": ("net_positive",)})
    >>> run = ql.backtest("data/edgeless", "basis_capture")
    >>> report_of(run, policy=policy).verdict
    'FAIL'
    """
    policy = of_class(policy or GatePolicy(), GatePolicy, "policy", ConfigError)
    context = context_of(run, policy, seed=seed, threads=threads, progress=progress, maker=maker)
    if grid is not None:
        context = with_grid(context, grid, seed=seed)
    if known.trials is not None:
        context = replace(context, trials=known.trials)
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, _identity(context, policy, maker))
        context = replace(context, checkpoint=kept)
    found: list[SuiteResult] = []
    failed_guard: str | None = None
    for name in check_suites(gates):
        found.append(run_suite(name, context, failed_guard))
        failed_guard = failed_guard or failed_guard_of(found[-1].results)
    verdict = combine(suite.verdict for suite in found).value
    if known.judges_holdout:  # one test, by which a suite does not pass whole
        verdict = found[0].results[0].verdict.value
    return _report(context, policy, tuple(found), verdict if seed is None else DIAGNOSIS, known)


def _identity(
    context: GateContext, policy: GatePolicy, maker: Callable[[Any], Any] | None
) -> bytes:
    """Hash of what the draws of a gate run depend on.

    The run's outcome, the policy, the seed, the settings searched, this version and the strategy's
    code, which draws run again on other markets. Code and data that the strategy takes from
    elsewhere are not in it: they are known by the decisions they made.
    """
    from quantlaxmi.strategies.code_digest import code_digest

    run = _run_of(context)
    bound, rates = run.strategy, run.conversion
    parts = (
        run.header.run_id.bytes,
        run.trace.trace_hash,
        run.trace.outcome_hash,
        bytes.fromhex(policy.policy_hash),
        context.seed.to_bytes(8, "little"),
        code_digest(bound.strategy or bound.instance, bound.owner, maker),
        __version__.encode(),
        b"" if rates is None else canonical_json(rates.describe()),
        b"" if context.grid is None else bytes.fromhex(context.grid.grid_hash),
        b"" if context.trials is None else bytes.fromhex(context.trials.keys_hash),
    )
    return hashlib.sha256(b"quantlaxmi.gate-run.v2\0" + b"".join(parts)).digest()


def _run_of(context: GateContext) -> Run:
    """The run that is judged."""
    assert context.rerun is not None  # context_of has seen to it
    return context.rerun.run


def _report(
    context: GateContext,
    policy: GatePolicy,
    suites: tuple[SuiteResult, ...],
    verdict: str,
    known: Known,
) -> GateReport:
    from quantlaxmi.gates.resampling.grid_search import searched_hashes
    from quantlaxmi.trace.file import header_json

    run, grid = _run_of(context), context.grid
    trials: dict[str, Any] | None = None
    if known.trials is not None:
        trials = known.trials.describe({one.hex() for one in searched_hashes(context)})
    return GateReport(
        run_id=str(run.header.run_id),
        strategy_id=run.strategy.strategy_id,
        segment_id=run.segment.segment_id,
        timestamp=now(),
        verdict=verdict,
        suites={suite.suite: suite.to_json() for suite in suites},
        results=suites,
        header=json.loads(header_json(run.header)),
        trace_hash=run.trace.trace_hash.hex(),
        outcome_hash=run.trace.outcome_hash.hex(),
        policy=policy.to_json(("g2", *(suite.suite for suite in suites))),
        policy_hash=policy.policy_hash,
        policy_differences=policy.differences,
        seed=context.seed,
        config=run.strategy.config.as_texts(),
        costs=run.costs.describe(),
        risk=run.limits.describe(),
        latency_ns=run.latency_ns,
        latency=run.config.described_latency,
        conversion=None if run.conversion is None else run.conversion.describe(),
        grid=None if grid is None else grid.describe(),
        grid_hash=None if grid is None else grid.grid_hash,
        trials=trials,
        holdout=known.holdout,
        window=None if known.judges_holdout else window_of(run.segment),
    ).sealed()
