"""The parameter grid that a strategy declares, as settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Final

from quantlaxmi.errors import ConfigError
from quantlaxmi.recent import Recent
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["grid_configs"]

#: Gates ask for the grid of a run several times, and texts of settings are slow to read.
_made: Final = Recent[tuple[StrategyConfig, ...]](most=4)


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
    kind, texts = type(strategy.config), strategy.config.as_texts()
    fixed = tuple((name, text) for name, text in texts.items() if name not in strategy.grid)
    values = tuple((name, tuple(listed)) for name, listed in strategy.grid.items())
    if most is not None and most >= math.prod(len(listed) for _, listed in values):
        most = None  # the same grid, whoever asks for how many
    return _made.get(
        (type(strategy), kind),
        (fixed, values, most),
        lambda: _configs(kind, texts, dict(values), most),
    )


def _configs(
    kind: type[StrategyConfig],
    texts: Mapping[str, str],
    grid: Mapping[str, tuple[str, ...]],
    most: int | None,
) -> tuple[StrategyConfig, ...]:
    found = {}
    for values in itertools.islice(itertools.product(*grid.values()), most):
        changed = {**texts, **dict(zip(grid, values, strict=True))}
        try:
            config = kind.load(None, changed)
        except ConfigError:
            continue
        found[config.config_hash] = config
    return tuple(found.values())
