"""Search of the parameter grid: the settings of which a draw of the market null takes the best."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.market_replays import Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.parameter_grid import grid_configs

__all__ = ["Search", "search_of"]

_MAX_GRID = 10_000


@dataclass(frozen=True, slots=True)
class Search:
    """The settings of a draw, the run's own (None) first, and the reason for them."""

    configs: tuple[StrategyConfig | None, ...]
    reason: str


def search_of(context: GateContext, rerun: Rerun, replays: Replays, own: Sums) -> Search:
    """The settings of a draw: the whole parameter grid, where the run's own are one of it."""
    alone = (None,)
    if context.settings(MarketNullSettings).grid_search == "off":
        return Search(alone, "The policy turns the search of the grid off.")
    strategy = rerun.strategy
    configs = () if strategy is None else grid_configs(strategy, _MAX_GRID + 1)
    if not configs:
        return Search(alone, "The strategy declares no grid.")
    if len(configs) > _MAX_GRID:
        return Search(alone, f"The grid has over {_MAX_GRID} settings, so it is not searched.")
    own_hash = rerun.run.header.config_hash
    if own_hash not in {c.config_hash for c in configs}:
        return Search(
            alone,
            f"The settings are none of the grid's {len(configs)}: no search is accounted for.",
        )
    others = [c for c in configs if c.config_hash != own_hash]
    replays.keep_bound(others)
    market, better = replays.room(), 0
    for config in others:
        sums = replays.sums(market, config)
        better += not sums.followed or not studentised_at_least(
            own.total, own.squares, sums.total, sums.squares
        )
    return Search(
        (None, *others),
        f"Every draw has the largest statistic of the grid's {len(configs)} settings; on the data "
        f"{better} did better than the run's.",
    )
