"""Checks a strategy against the public contract, on the engine of this package."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import MarketData, as_market
from quantlaxmi.strategies import contract
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["check_strategy"]


def check_strategy(
    strategy: Strategy | type[Strategy] | str,
    segment: MarketData | Path | str,
    *,
    costs: CostModel | None = None,
) -> Iterator[str]:
    """Check a strategy against the contract, rule by rule.

    Parameters
    ----------
    strategy : Strategy, type of Strategy or str
        With its settings; its class or its name (``path.py:Class``) for its defaults.
    segment : MarketData, Path or str
        A path is a segment's folder. The more decisions the strategy takes on it, the more the
        checks tell.
    costs : CostModel, optional
        As of `backtest`; by default those of the venue.

    Yields
    ------
    str
        What each check that passed has shown.

    Raises
    ------
    StrategyError
        Naming the first check that failed, and why.
    InputError
        There is no such segment.

    Examples
    --------
    >>> shown = list(check_strategy("basis_capture", "data/planted"))
    >>> shown[0]
    'Every setting moves the config hash, and equal settings have equal hashes.'
    """
    if isinstance(strategy, str):
        strategy = StrategyRegistry().create(strategy)
    run = functools.partial(backtest, costs=costs)
    yield from contract.check_strategy(strategy, as_market(segment), run)
