"""What a sweep has to do: one item for each segment, strategy and grid of settings.

Settings are searched inside an item and judged together: as items of their own they would each
cost a market null, and forget that they were a choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from quantlaxmi.batch.folders import AnySegments, Found, open_folder, segment_folders
from quantlaxmi.batch.rates import SweepRates
from quantlaxmi.batch.records import Planned
from quantlaxmi.batch.terms import terms_hash
from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, QuantlaxmiError, shown
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.given import many, of_class
from quantlaxmi.report.run_gates import check_suites
from quantlaxmi.run.config import RunConfig
from quantlaxmi.schema import SEMANTICS_VERSION
from quantlaxmi.segment import Segment
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.registry import StrategyRegistry, check_class
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.holdout import refuse_sealed
from quantlaxmi.trials.ledger import TrialLedger, current_ledger
from quantlaxmi.version import __version__

__all__ = ["ENGINE_VERSION", "Plan", "WorkItem", "item_key", "plan"]

#: Of the package and of the engine's rules.
ENGINE_VERSION: Final = f"{__version__}/{SEMANTICS_VERSION}"
_DOMAIN: Final = "quantlaxmi.batch-item.1"
AnyStrategy = str | type[Strategy]
AnyGrid = Path | str | Grid
AnyConfigs = Path | str | StrategyConfig | Sequence[Path | str | StrategyConfig]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One segment, one strategy, and the settings that are searched and judged together.

    Attributes
    ----------
    key : str
        `item_key` of the inputs.
    inputs : dict
        All that the report depends on.
    planned : Planned
        What the journal says of it.
    segment : Path
        Folder of the segment; it stands in no file.
    strategy : type of Strategy
    grid : Grid or None
        Settings to search in place of those that the class declares.
    config : StrategyConfig or None
        The one setting that is judged.
    refused : str
        Why the item cannot be begun; empty where it can.
    manifest : str
        SHA-256 of the segment's manifest, by which a store has it.
    conversion : Conversion or None
        Rates for the currencies of the segment, where it has several and they were given.
    """

    key: str
    inputs: dict[str, Any]
    planned: Planned
    segment: Path
    strategy: type[Strategy]
    grid: Grid | None = None
    config: StrategyConfig | None = None
    refused: str = ""
    manifest: str = ""
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The items of a sweep and what they have in common.

    Attributes
    ----------
    items : tuple of WorkItem
        Each once; those of one segment stand together, the longest segment first.
    run : RunConfig
    policy : GatePolicy
    gates : tuple of str
    """

    items: tuple[WorkItem, ...]
    run: RunConfig
    policy: GatePolicy
    gates: tuple[str, ...]


def item_key(inputs: Mapping[str, Any]) -> str:
    """Return the key of an item: SHA-256 of all that its report depends on.

    Parameters
    ----------
    inputs : mapping of str to object
        Segment digest, hash of its instruments and cadence, strategy and code digest, hashes of
        settings, run config and policy, suites, versions.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> item_key({"segment": "a", "gates": ["g2"]}) == item_key({"gates": ["g2"], "segment": "a"})
    True
    """
    return canonical_digest(_DOMAIN, dict(inputs)).hex()


def plan(
    segments: AnySegments,
    strategies: AnyStrategy | Sequence[AnyStrategy],
    *,
    grid: AnyGrid | Sequence[AnyGrid] | None = None,
    configs: AnyConfigs = (),
    gates: str | Sequence[str] = ("g2",),
    policy: GatePolicy | None = None,
    run: RunConfig | None = None,
    full: bool = False,
    convert: Sequence[str | Path] = (),
) -> Plan:
    """Say what a sweep has to do, without doing it.

    An item whose segment has sealed rows, by the current trial ledger, is refused.

    Parameters
    ----------
    segments : Path, str, Segment, or a sequence of these
        Folders of segments, or patterns that match some: ``"data/2024-*"``.
    strategies : str, type of Strategy, or a sequence of these
        Names as `StrategyRegistry.get` takes them, or classes.
    grid : Path, str, Grid or a sequence of these, optional
        Settings to search, of one strategy each, which the grid names.
    configs : Path, str, StrategyConfig, or a sequence of these
        Each makes an item of one setting, in place of the others; there is one strategy then.
    gates : str or sequence of str
        Suites to run.
    policy : GatePolicy, optional
    run : RunConfig, optional
        Costs, limits, latency and seed.
    full : bool
        Ask dear gates also of an item that a guard has failed.
    convert : sequence of str or Path
        Rates, ``CURRENCY=FILE`` each; a segment takes those of its currencies.

    Returns
    -------
    Plan

    Raises
    ------
    ConfigError
        A pattern matches no segment, or a grid, setting or rate is of none of the strategies or
        segments.
    StrategyError
        There is no strategy of a name.

    Examples
    --------
    >>> made = plan(["data/*"], ["basis_capture"])
    >>> [item.segment.name for item in made.items]
    ['edgeless', 'planted']
    """
    suites = check_suites(gates)
    run = of_class(run or RunConfig.of(), RunConfig, "run", ConfigError)
    policy = of_class(policy or GatePolicy(), GatePolicy, "policy", ConfigError)
    if not full:
        policy = policy.replace(early="guards")
    classes, configs = [_class_of(one) for one in many(strategies)], many(configs)
    if not classes:
        raise ConfigError("--strategies", "names no strategy, expected at least one")
    if configs and grid is not None:
        raise ConfigError("--config", "is given with --grid, expected one of them")
    if configs and len(classes) > 1:
        raise ConfigError("--config", f"is of one strategy, but {len(classes)} were named")
    grids = _grids(grid, classes)
    singles = [_config_of(one, classes[0]) for one in configs]
    opened = sorted(
        (open_folder(path) for path in segment_folders(segments)),
        key=lambda one: (-one.rows, str(one.path)),
    )
    shared = {
        "run": run.digest.hex(),
        "policy": policy.policy_hash,
        "gates": list(suites),
        "semantics": SEMANTICS_VERSION,
        "version": __version__,
    }
    codes, ledger, rates = _Codes(), current_ledger(), SweepRates(convert)
    items: dict[str, WorkItem] = {}
    for found in opened:
        for kind in classes:
            for settings, config in _settings(grids.get(kind.strategy_id), singles):
                item = _item(found, kind, settings, config, (codes, shared, ledger, rates))
                items.setdefault(item.key, item)
    rates.check_used()
    return Plan(tuple(items.values()), run, policy, suites)


def _settings(
    grid: Grid | None, singles: Sequence[StrategyConfig]
) -> Iterator[tuple[Grid | None, StrategyConfig | None]]:
    if singles:
        yield from ((None, one) for one in singles)
    else:
        yield grid, None


def _class_of(strategy: AnyStrategy) -> type[Strategy]:
    if isinstance(strategy, str):
        return StrategyRegistry().get(strategy)
    check_class(strategy)
    return strategy


def _grids(
    grid: AnyGrid | Sequence[AnyGrid] | None, classes: Sequence[type[Strategy]]
) -> dict[str, Grid]:
    """Grids by the id of their strategy.

    Raises
    ------
    ConfigError
    """
    given: Sequence[AnyGrid] = () if grid is None else many(grid)
    found: dict[str, Grid] = {}
    for one in given:
        made = _grid_of(one, classes)
        if made.strategy_id in found:
            raise ConfigError("--grid", f"names {made.strategy_id!r} twice, expected one grid each")
        found[made.strategy_id] = made
    return found


def _grid_of(grid: AnyGrid, classes: Sequence[type[Strategy]]) -> Grid:
    if isinstance(grid, Grid):
        for kind in classes:
            if grid.strategy_id == kind.strategy_id and type(grid.configs[0]) is kind.Config:
                return grid
        raise ConfigError("grid", f"is of {grid.strategy_id!r}, which is none of the strategies")
    if not isinstance(grid, str | Path):
        raise ConfigError("grid", f"was {shown(grid)}, expected Grid, or the file of one")
    from quantlaxmi.files import read_toml

    named = read_toml(grid, expected="a grid of settings").get("strategy")
    kind = next((one for one in classes if one.strategy_id == named), classes[0])
    return Grid.load(grid, kind)


def _config_of(config: Path | str | StrategyConfig, kind: type[Strategy]) -> StrategyConfig:
    if isinstance(config, str | Path):
        return kind.Config.load(config)
    if type(config) is not kind.Config:
        expected = f"settings of {kind.strategy_id!r}"
        raise ConfigError("configs", f"was {type(config).__name__}, expected {expected}")
    return config


class _Codes:
    """Digests of the code of strategies, each made once where it could be."""

    def __init__(self) -> None:
        self._made: dict[type[Strategy], str] = {}

    def of(self, kind: type[Strategy], config: StrategyConfig, segment: Segment) -> str:
        from quantlaxmi.run.replay import bind
        from quantlaxmi.run.trial_lines import code_of

        if kind not in self._made:
            self._made[kind] = code_of(bind(kind.made_with(config), segment.instruments))
        return self._made[kind]


def _item(
    found: Found,
    kind: type[Strategy],
    grid: Grid | None,
    config: StrategyConfig | None,
    common: tuple[_Codes, Mapping[str, Any], TrialLedger | None, SweepRates],
) -> WorkItem:
    """The item of a segment, a strategy and its settings; refused where it cannot be begun."""
    codes, shared, ledger, rates = common
    segment, problem, code, conversion = found.segment, found.problem, "", None
    searched: Iterable[StrategyConfig] = grid.configs if grid is not None else ()
    if grid is None:
        searched = (config or kind.Config(),)
    hashes = sorted({one.config_hash.hex() for one in searched})
    if segment is not None:
        try:
            refuse_sealed(segment, ledger)
            code = codes.of(kind, next(iter(searched)), segment)
            conversion = rates.of(segment)
        except QuantlaxmiError as error:
            problem = " ".join(str(error).split())
    inputs = {
        **shared,
        # A folder that cannot be opened has no digest: its name stands for it.
        "segment": segment.digest if segment is not None else f"unopened:{found.path.name}",
        "strategy": kind.strategy_id,
        "code": code,
        "configs": hashes,
        "chosen": "grid" if grid is not None else "config" if config is not None else "default",
    }
    if segment is not None:
        inputs["terms"] = terms_hash(segment)
    if conversion is not None:
        inputs["conversion"] = conversion.describe()
    key = item_key(inputs)
    planned = Planned(
        key=key,
        segment_id=(segment.segment_id if segment is not None else found.path.name)[:256],
        segment_digest="" if segment is None else segment.digest,
        strategy_id=kind.strategy_id,
        code_digest=code,
        grid_hash="" if grid is None else grid.grid_hash,
        run_hash=shared["run"],
        policy_hash=shared["policy"],
        engine_version=ENGINE_VERSION,
        gates=",".join(shared["gates"]),
    )
    item = WorkItem(key, inputs, planned, found.path, kind, grid, config, problem[:2000])
    if segment is None:
        return item
    return replace(
        item,
        planned=_with_rows(planned, segment),
        manifest=segment.manifest.manifest_sha256,
        conversion=conversion,
    )


def _with_rows(planned: Planned, segment: Segment) -> Planned:
    import msgspec

    return msgspec.structs.replace(
        planned,
        rows=segment.n_rows,
        first_ts_ns=segment.first_ts_ns,
        last_ts_ns=segment.last_ts_ns,
    )
