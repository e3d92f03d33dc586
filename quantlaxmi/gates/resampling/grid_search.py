"""Search of the parameter grid: the settings of which a draw of the market null takes the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.thresholds import Thresholds
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import MAX_SETTINGS, Grid
from quantlaxmi.strategies.parameter_grid import grid_configs

__all__ = [
    "NAME",
    "Search",
    "declared_grid",
    "given_grid",
    "search_of",
    "searched_hashes",
    "tried_settings",
]

#: Name of the market null in progress and checkpoints, and of its random stream, which is data:
#: random numbers follow from it.
NAME: Final = "market_null"
#: What its counts are called where the policy's own search is off and all settings are searched.
SELECTION: Final = "selection"


@dataclass(frozen=True, slots=True)
class Search:
    """The settings of a draw, the run's own (None) first, the reason, and what counts are called.

    The label is another one where other gates count draws of fewer settings. ``sums`` is what each
    setting made on the data, run by itself; empty where there is only the run.
    """

    configs: tuple[StrategyConfig | None, ...]
    reason: str
    label: str = NAME
    sums: tuple[Sums, ...] = ()


def declared_grid(
    strategy: Any, policy: Thresholds, grid: Grid | None = None
) -> tuple[StrategyConfig, ...]:
    """The settings that draws search: the grid that was given, else the one a strategy declares.

    Empty where there is none. A declared grid of over 10,000 settings is not searched.
    """
    if strategy is None or policy.settings(MarketNullSettings).grid_search == "off":
        return ()
    return _configs_of(strategy, grid)


def given_grid(context: GateContext, strategy: Any) -> tuple[StrategyConfig, ...]:
    """As `declared_grid`, whatever the policy says of the market null's search."""
    return () if strategy is None else _configs_of(strategy, context.grid)


def _configs_of(strategy: Any, grid: Grid | None) -> tuple[StrategyConfig, ...]:
    if grid is not None:
        return grid.configs
    configs = grid_configs(strategy, MAX_SETTINGS + 1)
    return configs if len(configs) <= MAX_SETTINGS else ()


def tried_settings(context: GateContext, rerun: Rerun) -> tuple[tuple[StrategyConfig, ...], int]:
    """The settings of a trial ledger that are no part of the grid, and how many cannot be run.

    Those of other strategies or of other code cannot, nor those that the strategy refuses now.
    """
    trials, strategy = context.trials, rerun.strategy
    if trials is None:
        return (), 0
    known = {rerun.run.header.config_hash.hex()}
    known |= {c.config_hash.hex() for c in given_grid(context, strategy)}
    found, lost = [], trials.n_elsewhere
    for name, texts in trials.settings.items():
        if name in known:
            continue
        config = None if strategy is None else _made(strategy, texts)
        if config is None or config.config_hash.hex() != name:
            lost += 1
        else:
            found.append(config)
    return tuple(found), lost


def searched_hashes(context: GateContext) -> set[bytes]:
    """Hashes of the settings that the market null searches, the run's own among them."""
    rerun = context.rerun
    if rerun is None or context.settings(MarketNullSettings).grid_search == "off":
        return {context.config_hash}
    tried, _ = tried_settings(context, rerun)
    configs = (*given_grid(context, rerun.strategy), *tried)
    return {context.config_hash, *(one.config_hash for one in configs)}


def _made(strategy: Any, texts: Mapping[str, str]) -> StrategyConfig | None:
    """The settings of a strategy from texts; None where it does not take them."""
    try:
        made: StrategyConfig = type(strategy.config).load(sets=texts)
    except ConfigError:
        return None
    return made


def search_of(
    context: GateContext, rerun: Rerun, replays: Replays, own: Sums, *, everything: bool = False
) -> Search:
    """The settings of a draw: the run's own, the whole grid, and those of a trial ledger.

    Parameters
    ----------
    context : GateContext
    rerun : Rerun
    replays : Replays
    own : Sums
        Of the run itself.
    everything : bool
        Search all of them also where the policy turns the search off.
    """
    alone = (None,)
    off = context.settings(MarketNullSettings).grid_search == "off"
    if off and not everything:
        return Search(alone, "The policy turns the search of the grid off.")
    label = SELECTION if off else NAME
    strategy = rerun.strategy
    tried, _ = tried_settings(context, rerun)
    if strategy is None or (context.grid is None and not strategy.grid and not tried):
        return Search(alone, "The strategy declares no grid.", label)
    configs = (*given_grid(context, strategy), *tried)
    if not configs:
        return Search(
            alone, f"The grid has over {MAX_SETTINGS} settings, so it is not searched.", label
        )
    own_hash = rerun.run.header.config_hash
    others = [c for c in configs if c.config_hash != own_hash]
    replays.keep_bound(others)
    market, better = replays.room(), 0
    made = [own]
    for config in others:
        sums = replays.sums(market, config)
        made.append(sums)
        better += not sums.followed or not studentised_at_least(
            own.total, own.squares, sums.total, sums.squares
        )
    where = "one of them" if len(others) < len(configs) else "added to them"
    whose = "the grid's" if not tried else "the grid's and the trial ledger's"
    return Search(
        (None, *others),
        f"Every draw has the largest statistic of {whose} "
        f"{counted(len(configs), 'setting[s]')}, the run's "
        f"own {where}; on the data {better} did better than the run's.",
        label,
        tuple(made),
    )
