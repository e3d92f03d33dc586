"""From a report back to the same verdict: computed again from the inputs it records."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quantlaxmi.errors import ConfigError, InputError, ReportError, shown
from quantlaxmi.gates.keys import check_seed
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.given import many, of_class
from quantlaxmi.report.differences import Difference, differences_of
from quantlaxmi.report.gate_report import GateReport, load_report
from quantlaxmi.report.judged_rows import judged_rows
from quantlaxmi.report.known import Known, strategy_class
from quantlaxmi.report.run_gates import Progress, check_suites, conversion_of, report_of
from quantlaxmi.report.tried import run_once

if TYPE_CHECKING:
    from quantlaxmi.run.config import RunConfig
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData
    from quantlaxmi.strategies.grid_file import Grid

__all__ = ["Difference", "ReportCheck", "judged_run", "verify_report"]


@dataclass(frozen=True, slots=True)
class ReportCheck:
    """Result of `verify_report`.

    Attributes
    ----------
    matches : bool
        Whether the recomputed report has the recorded hash.
    recorded, recomputed : GateReport
    differences : tuple of Difference
        Every place that differs, in order of the fields' names.
    """

    recorded: GateReport
    recomputed: GateReport
    differences: tuple[Difference, ...]

    @property
    def matches(self) -> bool:
        return self.recorded.report_hash == self.recomputed.report_hash


def verify_report(
    path: str | Path,
    segment: MarketData | Path | str,
    *,
    strategy: Any = None,
    policy: GatePolicy | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    convert: Sequence[str | Path] = (),
) -> ReportCheck:
    """Compute a report again from its segment, with the inputs it records.

    Parameters
    ----------
    path : str or Path
    segment : MarketData, Path or str
        A path is a segment's folder.
    strategy : Strategy, BoundStrategy, type of Strategy or str, optional
        Needed for one that is not installed. A class or a name (``path.py:Class``) is made with the
        recorded settings. By default the registry's strategy of the recorded name.
    policy : GatePolicy, optional
        The policy that the report must have been judged by; any by default.
    threads : int, optional
    progress : callable, optional
    convert : sequence of str or Path
        The files of rates that the report was made with, as `run_gates` takes them.

    Returns
    -------
    ReportCheck

    Raises
    ------
    ReportError
        When the file was changed, was made from another segment or strategy, was judged by another
        policy, was made with other rates, or names inputs that no run can have: with the field's
        name.

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> policy = ql.GatePolicy(suites={"g2": ("net_positive",)})
    >>> report = ql.run_gates("data/edgeless", "basis_capture", policy=policy)
    >>> path = report.save("report.json")
    >>> ql.verify_report("report.json", "data/edgeless").matches
    True
    """
    from quantlaxmi.run.rerun import maker_of

    recorded = load_report(path)
    known, market, strategy = _judged(path, recorded, segment, strategy, convert)
    gates, recorded_policy, seed, config = _recorded_inputs(path, recorded)
    if policy is not None:
        _demand(path, recorded_policy, of_class(policy, GatePolicy, "policy", ReportError))
    if threads is not None and threads < 1:
        raise ConfigError("--threads", f"was {threads}, expected at least 1")
    grid = _recorded_grid(path, recorded, strategy)
    maker = maker_of(strategy)
    run = run_once(market, strategy, maker, config, conversion_of(convert, market), progress)
    recomputed = report_of(
        run,
        policy=recorded_policy,
        seed=seed,
        threads=threads,
        progress=progress,
        gates=gates,
        maker=maker,
        grid=grid,
        known=known,
    )
    _demand_strategy(path, recorded, recomputed)
    hidden = ("timestamp", "report_hash")
    pairs = [
        {k: v for k, v in r.to_json().items() if k not in hidden} for r in (recorded, recomputed)
    ]
    return ReportCheck(recorded, recomputed, tuple(differences_of("", *pairs)))


def judged_run(
    recorded: GateReport,
    segment: MarketData | Path | str,
    *,
    path: str | Path = "report",
    strategy: Any = None,
    progress: Progress | None = None,
    convert: Sequence[str | Path] = (),
) -> Run:
    """The run that a report judged, made again from the inputs it records; no gate is run.

    Parameters
    ----------
    recorded : GateReport
    segment : MarketData, Path or str
    path : str or Path
        The report's, for errors.
    strategy, progress, convert : optional
        As for `verify_report`.

    Returns
    -------
    Run

    Raises
    ------
    ReportError
        As `verify_report`, and when the run's trace is not the recorded one.
    """
    from quantlaxmi.run.rerun import maker_of

    _, market, strategy = _judged(path, recorded, segment, strategy, convert)
    config = _recorded_inputs(path, recorded)[-1]
    rates = conversion_of(convert, market)
    run = run_once(market, strategy, maker_of(strategy), config, rates, progress)
    if (found := run.trace.trace_hash.hex()) != recorded.trace_hash:
        raise ReportError(path, f"was {recorded.trace_hash}, the run gives {found}", "trace_hash")
    return run


def _judged(
    path: str | Path,
    recorded: GateReport,
    segment: MarketData | Path | str,
    strategy: Any,
    convert: Sequence[str | Path],
) -> tuple[Known, MarketData, Any]:
    """What was known, the rows that were judged, and the strategy with its recorded settings."""
    from quantlaxmi.segment import as_market

    market = as_market(segment)
    _check_rates(path, recorded, convert)
    known = _recorded_known(path, recorded)
    with _field(path, "holdout" if known.judges_holdout else "window"):
        market = judged_rows(recorded, market)
    _demand_segment(path, recorded, market)
    if strategy is None or isinstance(strategy, str | type):
        strategy = _recorded_strategy(path, recorded, strategy)
    return known, market, strategy


def _demand_segment(path: str | Path, recorded: GateReport, market: MarketData) -> None:
    """Refuse a segment that is not the recorded one."""
    if recorded.header.get("segment_digest") != market.digest:
        has = "has" if recorded.window is None else "has in the report's window"
        raise ReportError(
            path,
            f"was {recorded.header.get('segment_digest')}, {market.path} {has} {market.digest}",
            "header.segment_digest",
        )


def _demand_strategy(path: str | Path, recorded: GateReport, recomputed: GateReport) -> None:
    """Refuse a strategy that is not the recorded one."""
    for name in ("strategy_id", "config"):
        if getattr(recorded, name) != getattr(recomputed, name):
            raise ReportError(
                path,
                f"was {getattr(recorded, name)}, the strategy given has "
                f"{getattr(recomputed, name)}",
                name,
            )


def _recorded_known(path: str | Path, recorded: GateReport) -> Known:
    """The trials and seals that a report knew, whatever a ledger says now."""
    with _field(path, "trials"):
        Known.from_report(recorded.trials, None)
    with _field(path, "holdout"):
        return Known.from_report(recorded.trials, recorded.holdout)


def _recorded_grid(path: str | Path, recorded: GateReport, strategy: Any) -> Grid | None:
    """The grid that a report was made over."""
    from quantlaxmi.strategies.grid_file import Grid

    if recorded.grid is None:
        return None
    with _field(path, "grid"):
        return Grid.from_description(recorded.grid, strategy_class(strategy))


@contextmanager
def _field(path: str | Path, name: str) -> Iterator[None]:
    """What is wrong with a value of a report is told of the report and its field."""
    try:
        yield
    except ReportError:
        raise
    except InputError as error:
        place = ".".join(part for part in (name, error.place) if part)
        raise ReportError(path, error.problem, place) from None


def _demand(path: str | Path, recorded: GatePolicy, policy: GatePolicy) -> None:
    """Refuse a report that was judged by another policy than the one demanded."""
    found = [
        f"{one.field} was {one.recorded}, demanded {one.recomputed}"
        for one in differences_of("", recorded.to_json(), policy.to_json())
    ]
    if found:
        raise ReportError(path, "; ".join(found), "policy")


def _check_rates(path: str | Path, recorded: GateReport, convert: Sequence[str | Path]) -> None:
    """Ask for the files of rates that a report names, before the gates run."""
    from quantlaxmi.execution.conversion import RateFile

    rates = (recorded.conversion or {}).get("rates", [])
    listed = rates if isinstance(rates, list) else []
    named = [one if isinstance(one, dict) else {} for one in listed]
    wanted = [str(one.get("sha256")) for one in named]
    given = [RateFile.load(one).sha256 for one in many(convert)]
    if sorted(wanted) != sorted(given):
        expected = " and ".join(
            f"{shown(one.get('currency'), 20)} from a file of SHA-256 {shown(one.get('sha256'))}"
            for one in named
        )
        raise ReportError(
            path,
            f"was made with {'rates for ' + expected if expected else 'no rates'}, expected "
            f"{'them by --convert' if expected else 'no --convert'}",
            "conversion",
        )


#: What strategies are made of that no name gives.
_RECORDED: Final = {"recorded_positions": "positions", "recorded_fills": "fills"}


def _recorded_strategy(path: str | Path, recorded: GateReport, given: Any) -> Any:
    """The strategy that was named, or that of the recorded name, with the recorded settings."""
    from quantlaxmi.strategies.registry import StrategyRegistry, check_class

    registry = StrategyRegistry()
    # A name from a file must never be one that makes the registry load code from a path.
    if given is None and (source := _RECORDED.get(recorded.strategy_id)):
        problem = f"was made of {source}; expected those that from_{source} made"
        raise ReportError(path, problem, "strategy_id")
    if given is None and recorded.strategy_id not in registry.list():
        raise ReportError(
            path,
            f"was {recorded.strategy_id!r}, which is not installed; name the strategy's file",
            "strategy_id",
        )
    found: Any = given
    if not isinstance(given, type):
        found = registry.get(given or recorded.strategy_id)
    check_class(found)
    if found.strategy_id != recorded.strategy_id:
        raise ReportError(
            path,
            f"was {recorded.strategy_id}, the strategy given has {found.strategy_id}",
            "strategy_id",
        )
    with _field(path, "config"):
        sets = [shlex.quote(f"{k}={v}") for k, v in recorded.config.items()]
        return found.made_with(found.Config.load(sets=sets))


def _recorded_inputs(
    path: str | Path, recorded: GateReport
) -> tuple[tuple[str, ...], GatePolicy, int | None, RunConfig]:
    """Suites, policy, chosen seed and the run's configuration, each checked under its name."""
    from quantlaxmi.execution.costs import CostModel
    from quantlaxmi.execution.latency import LatencyModel
    from quantlaxmi.execution.risk import RiskLimits
    from quantlaxmi.run.config import RunConfig, constant_latency

    found: dict[str, Any] = {"latency": None}
    seed: int | None = None
    with _field(path, "suites"):
        gates = check_suites(tuple(recorded.suites))
    with _field(path, "policy"):
        policy = GatePolicy.from_mapping(recorded.policy)
    with _field(path, "costs"):
        found["costs"] = CostModel.from_description(recorded.costs)
    with _field(path, "risk"):
        found["limits"] = RiskLimits.from_description(recorded.risk)
    with _field(path, "latency_ns"):
        constant_latency(recorded.latency_ns)
        found["latency_ns"] = recorded.latency_ns
    if recorded.latency is not None:
        with _field(path, "latency"):
            told = dict(recorded.latency)
            for name in ("leg_latency_ns", "settle_at"):
                if name in told:
                    found[name] = told.pop(name)
                    RunConfig(**{name: found[name]})
            found["latency"] = LatencyModel.from_description(told)
    with _field(path, "seed"):
        check_seed(recorded.seed)
        seed = recorded.seed if recorded.is_diagnosis else None
    with _field(path, "header.seed"):
        found["seed"] = check_seed(recorded.header.get("seed"))
    return gates, policy, seed, RunConfig.of(**found)
