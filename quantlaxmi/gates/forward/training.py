"""The choice of every fold, made from what had ended before its test began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.forward.choice import Choice, Purge, Trained, best_of, purge_of
from quantlaxmi.gates.forward.folds import Fold
from quantlaxmi.gates.path.clock_buckets import bucket_ends
from quantlaxmi.gates.resampling.grid_search import given_grid
from quantlaxmi.run.grid_runs import GridRuns, grid_runs
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import I64
from quantlaxmi.strategies.config import StrategyConfig

__all__ = ["TrainedFolds", "run_settings", "settings_of", "trained_folds"]


@dataclass(frozen=True, slots=True)
class TrainedFolds:
    """The choice of every fold, with what it was made from.

    Attributes
    ----------
    settings : tuple of StrategyConfig
        As the grid's runs: the run's own first.
    grid : GridRuns
        Of every setting over the whole segment, in its 200 clock buckets.
    folds : tuple of Fold
    purges : tuple of Purge
    choices : tuple of Choice or None
        None where no setting had variance and trips.
    whole : tuple of Choice
        Every setting over all buckets.
    """

    settings: tuple[StrategyConfig, ...]
    grid: GridRuns
    folds: tuple[Fold, ...]
    purges: tuple[Purge, ...]
    choices: tuple[Choice | None, ...]
    whole: tuple[Choice, ...]


def settings_of(context: GateContext, rerun: Rerun) -> tuple[StrategyConfig | None, ...]:
    """The settings to choose from: the run's own (None) and the grid's, each once.

    The grid is the one that was given, else the one that the strategy declares; of a declared one
    of over 10,000 settings none is taken.
    """
    own = rerun.run.header.config_hash
    configs = given_grid(context, rerun.strategy)
    return (None, *(config for config in configs if config.config_hash != own))


def run_settings(
    context: GateContext,
    rerun: Rerun,
    settings: tuple[StrategyConfig | None, ...],
    progress: Callable[[int, int], None] | None = None,
    *,
    ends: I64 | None = None,
) -> GridRuns:
    """Run settings over the whole segment, in its clock buckets; the same ones only once.

    Other `ends` of buckets can be given: those of session days.

    Raises
    ------
    StrategyError, ConfigError, FixedPointOverflow
        One of them cannot be run.
    """
    run = rerun.run
    if ends is None:
        ends = bucket_ends(run.segment.first_ts_ns, run.segment.last_ts_ns)

    def make() -> GridRuns:
        return grid_runs(
            run.segment,
            run.strategy if rerun.strategy is None else rerun.strategy,
            settings,
            ends,
            config=run.config,
            weights=run.weights,
            threads=context.threads,
            progress=progress,
        )

    hashes = tuple(b"" if one is None else one.config_hash for one in settings)
    found: GridRuns = context.memo.get((run,), ("grid_runs", hashes, ends.tobytes()), make)
    return found


def trained_folds(
    rerun: Rerun, grid: GridRuns, folds: tuple[Fold, ...], cap: Fraction
) -> TrainedFolds:
    """Choose a setting in every fold.

    Parameters
    ----------
    rerun : Rerun
    grid : GridRuns
    folds : tuple of Fold
    cap : Fraction
        Largest purge, as a share of the train window.
    """
    run = rerun.run
    configs = tuple(run.strategy.config if r.config is None else r.config for r in grid.runs)
    hashes = [config.config_hash for config in configs]
    trained = Trained(grid, run.segment.first_ts_ns)
    purges, choices = [], []
    for fold in folds:
        purge = purge_of(grid, fold, cap)
        purges.append(purge)
        made = trained.choices(fold.train_begin_ns, fold.test_begin_ns - purge.ns)
        choices.append(best_of(made, hashes))
    whole = trained.choices(run.segment.first_ts_ns, run.segment.last_ts_ns + 1)
    return TrainedFolds(configs, grid, folds, tuple(purges), tuple(choices), tuple(whole))
