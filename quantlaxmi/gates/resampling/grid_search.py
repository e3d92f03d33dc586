"""Search of the parameter grid: the settings of which a draw of the market null takes the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.thresholds import Thresholds
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import MAX_SETTINGS, Grid
from quantlaxmi.strategies.parameter_grid import grid_configs

__all__ = ["Search", "declared_grid", "search_of"]


@dataclass(frozen=True, slots=True)
class Search:
    """The settings of a draw, the run's own (None) first, and the reason for them."""

    configs: tuple[StrategyConfig | None, ...]
    reason: str


def declared_grid(
    strategy: Any, policy: Thresholds, grid: Grid | None = None
) -> tuple[StrategyConfig, ...]:
    """The settings that draws search: the grid that was given, else the one a strategy declares.

    Empty where there is none. A declared grid of over 10,000 settings is not searched.
    """
    if strategy is None or policy.settings(MarketNullSettings).grid_search == "off":
        return ()
    if grid is not None:
        return grid.configs
    configs = grid_configs(strategy, MAX_SETTINGS + 1)
    return configs if len(configs) <= MAX_SETTINGS else ()


def search_of(context: GateContext, rerun: Rerun, replays: Replays, own: Sums) -> Search:
    """The settings of a draw: the run's own and the whole grid, given or declared."""
    alone = (None,)
    if context.settings(MarketNullSettings).grid_search == "off":
        return Search(alone, "The policy turns the search of the grid off.")
    strategy = rerun.strategy
    if strategy is None or (context.grid is None and not strategy.grid):
        return Search(alone, "The strategy declares no grid.")
    configs = declared_grid(strategy, context.policy, context.grid)
    if not configs:
        return Search(alone, f"The grid has over {MAX_SETTINGS} settings, so it is not searched.")
    own_hash = rerun.run.header.config_hash
    others = [c for c in configs if c.config_hash != own_hash]
    replays.keep_bound(others)
    market, better = replays.room(), 0
    for config in others:
        sums = replays.sums(market, config)
        better += not sums.followed or not studentised_at_least(
            own.total, own.squares, sums.total, sums.squares
        )
    where = "one of them" if len(others) < len(configs) else "added to them"
    return Search(
        (None, *others),
        f"Every draw has the largest statistic of the grid's {len(configs)} settings, the run's "
        f"own {where}; on the data {better} did better than the run's.",
    )
