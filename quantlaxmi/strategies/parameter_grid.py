"""The parameter grid that a strategy declares, as settings."""

from __future__ import annotations

import itertools
import shlex

from quantlaxmi.errors import ConfigError
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["grid_configs"]


def grid_configs(strategy: Strategy, most: int | None = None) -> tuple[StrategyConfig, ...]:
    """Every combination of the grid's values, with the strategy's other settings as they are.

    Parameters
    ----------
    strategy : Strategy
        Its class declares ``grid``: texts of values by the name of a setting.
    most : int, optional
        Combinations that are looked at; all by default.

    Returns
    -------
    tuple of StrategyConfig
        In the grid's order, the last name varying fastest, each setting once. Combinations that
        the strategy refuses are left out; a strategy without a grid gives none.
    """
    if not strategy.grid:
        return ()
    own = strategy.config
    names, found = list(strategy.grid), {}
    for values in itertools.islice(itertools.product(*strategy.grid.values()), most):
        changed = {**own.as_texts(), **dict(zip(names, values, strict=True))}
        try:
            config = type(own).load(None, [shlex.quote(f"{k}={v}") for k, v in changed.items()])
        except ConfigError:
            continue
        found[config.config_hash] = config
    return tuple(found.values())
