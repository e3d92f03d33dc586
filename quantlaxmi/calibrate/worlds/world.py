"""What a world is: how a run's market and rule are made, and which results keep to the level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quantlaxmi.calibrate.random_streams import BELL_SD, Draws
from quantlaxmi.calibrate.rules.strategies import Rule, RuleConfig, RuleSearch
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.sdk import Strategy

__all__ = [
    "BOTH",
    "COSTS",
    "EITHER",
    "EQUITY",
    "MARKET",
    "PREMIUM",
    "ROBUST",
    "SD",
    "SELECTION",
    "TENFOLD",
    "TESTS",
    "TIMING",
    "WALK_FORWARD",
    "Case",
    "World",
    "rule",
]

#: Results of a run, in the order of tables: the two tests, and the verdict by edge and joint.
EQUITY, MARKET, TIMING, PREMIUM, EITHER = "equity", "market_null", "timing", "premium", "either"
TESTS = (EQUITY, MARKET, TIMING, PREMIUM, EITHER)
#: Results of a run that both suites judge: the tests of G3, and the verdict of both suites.
WALK_FORWARD, SELECTION, BOTH = "walk_forward", "selection", "both"
#: Counted where an edge is planted: the guard on costs, and the verdict of both suites where that
#: guard asks for a tenth, as if prices moved ten times as far.
COSTS, TENFOLD = "cost_sensitivity", "both_tenfold"
ROBUST = (WALK_FORWARD, SELECTION, COSTS, BOTH, TENFOLD)
#: A result of both suites keeps to the level where this one does: walk-forward asks what equity
#: asks, selection what the market null asks.
_AS = {WALK_FORWARD: EQUITY, SELECTION: MARKET, BOTH: EITHER}
#: Standard deviation of the noise of a row.
SD = round(BELL_SD)


@dataclass(frozen=True, slots=True)
class Case:
    """The inputs of one simulated run.

    Attributes
    ----------
    segment : MemorySegment
    strategy : Strategy
    """

    segment: MemorySegment
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class World:
    """A kind of simulated run: a rule without an edge, or a planted edge, on a kind of market.

    Attributes
    ----------
    name : str
    text : str
        The market and the rule, with the equations, for the page.
    make : callable
        ``make(draws, search)`` makes the market and the strategy of a run. With `search` the
        strategy declares a parameter grid of fifty settings.
    nulls : tuple of str
        Of `TESTS`, those that pass an edgeless run at most at the level; none where an edge is
        planted.
    expected : float or None
        For a planted edge: the pass rate, of judged runs, of the simulation by which the tests
        were chosen.
    searched : bool
        Whether the rule has fifty variants.
    unseen : float
        Share of the runs in which the rare loss that makes the mean 0 does not come.
    """

    name: str
    text: str
    make: Callable[[Draws, bool], Case]
    nulls: tuple[str, ...] = TESTS
    expected: float | None = None
    searched: bool = True
    unseen: float = 0.0

    def holds(self, test: str) -> bool:
        """Whether a result, of `TESTS` or `ROBUST`, keeps to the level in this world."""
        return _AS.get(test, test) in self.nulls


def rule(draws: Draws, search: bool, **settings: Any) -> Strategy:
    """A rule whose schedule is drawn from the run's key; with a grid of fifty for a search."""
    config = RuleConfig(key=draws.sub_key(1), **settings)
    return (RuleSearch if search else Rule)(config)
