"""The setting of a grid that did best on the data, and a line of each setting for the ledger."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from quantlaxmi.errors import (
    ConfigError,
    FixedPointOverflow,
    StrategyError,
)
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.parallel import cores
from quantlaxmi.parallel.threads import iterate_in_order
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.trial_lines import trial_of
from quantlaxmi.segment import MarketData
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.holdout import refuse_sealed
from quantlaxmi.trials.records import Trial

__all__ = ["GridOnData", "SettingOnData", "run_grid"]


@dataclass(frozen=True, slots=True)
class SettingOnData:
    """What a setting did on the data.

    Attributes
    ----------
    config : StrategyConfig
    trial : Trial or None
        Its line for a trial ledger; None where it could not be run.
    failure : Exception or None
        Why it could not.
    """

    config: StrategyConfig
    trial: Trial | None = None
    failure: Exception | None = None

    @property
    def total(self) -> int | None:
        """Sum of the gross of 200 clock buckets; None where money was in several currencies."""
        found = None if self.trial is None else self.trial.total
        return None if found is None else int(found)

    @property
    def squares(self) -> int | None:
        """Sum of its squares; None as for `total`."""
        found = None if self.trial is None else self.trial.squares
        return None if found is None else int(found)

    def beats(self, other: SettingOnData) -> bool:
        """Whether its Z is the larger one, exactly; of equal ones the smaller hash wins."""
        if self.total is None or self.squares is None:
            return other.total is None and self.config.config_hash < other.config.config_hash
        if other.total is None or other.squares is None:
            return True
        reaches = studentised_at_least(self.total, self.squares, other.total, other.squares)
        reached = studentised_at_least(other.total, other.squares, self.total, self.squares)
        if reaches != reached:
            return reaches
        return self.config.config_hash < other.config.config_hash


@dataclass(frozen=True, slots=True)
class GridOnData:
    """What the settings of a grid did on the data, in the grid's order."""

    settings: tuple[SettingOnData, ...]

    @property
    def best(self) -> StrategyConfig:
        """The setting with the largest Z; ties go to the smaller hash.

        Raises
        ------
        StrategyError, ConfigError, FixedPointOverflow
            No setting could be run: what the first one raised.
        """
        sound = [one for one in self.settings if one.failure is None]
        if not sound:
            failure = self.settings[0].failure
            assert failure is not None
            raise failure
        best = sound[0]
        for one in sound[1:]:
            best = one if one.beats(best) else best
        return best.config

    @property
    def trials(self) -> list[Trial]:
        """Lines of the settings that could be run."""
        return [one.trial for one in self.settings if one.trial is not None]


def run_grid(
    segment: MarketData,
    strategy: type[Strategy],
    grid: Grid,
    config: RunConfig,
    *,
    conversion: Conversion | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GridOnData:
    """Run every setting of a grid over the data.

    Parameters
    ----------
    segment : MarketData
    strategy : type of Strategy
    grid : Grid
    config : RunConfig
    conversion : Conversion, optional
    threads : int, optional
        Of kernels; the result does not depend on it.
    progress : callable, optional
        Called with settings done and settings in all.

    Raises
    ------
    HoldoutError
        Some rows are sealed.
    """
    refuse_sealed(segment)
    inherited = contextvars.copy_context()  # a thread begins without its caller's ledger

    def one(setting: StrategyConfig) -> SettingOnData:
        return inherited.copy().run(_on_data, setting)

    def _on_data(setting: StrategyConfig) -> SettingOnData:
        try:
            made = strategy.made_with(setting)
            run = replace(run_columns(segment, made, config), conversion=conversion)
        except (StrategyError, ConfigError, FixedPointOverflow) as error:
            return SettingOnData(setting, failure=error)
        return SettingOnData(setting, trial_of(run, "grid"))

    wanted = cores(threads) if _is_kernel(segment, strategy, grid.configs) else 1
    found = iterate_in_order(one, grid.configs, threads=wanted, progress=progress)
    return GridOnData(tuple(found))


def _is_kernel(
    segment: MarketData, strategy: type[Strategy], configs: Sequence[StrategyConfig]
) -> bool:
    """Whether the strategy runs without the interpreter, so that threads help."""
    try:
        return strategy.made_with(configs[0]).bind(segment.instruments).form == "kernel"
    except StrategyError:
        return False
