"""The run that gates judge: its setting chosen from a grid, its trials written to a ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from quantlaxmi.report.known import NOTHING, AnyGrid, Known, grid_of, strategy_class

if TYPE_CHECKING:
    from quantlaxmi.execution.conversion import Conversion
    from quantlaxmi.run.config import RunConfig
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData
    from quantlaxmi.strategies.config import StrategyConfig
    from quantlaxmi.strategies.grid_file import Grid
    from quantlaxmi.trials.holdout import Holdout
    from quantlaxmi.trials.ledger import TrialLedger
    from quantlaxmi.trials.records import Trial

__all__ = ["Tried", "run_once"]

Progress = Callable[[str, int, int], None]


def run_once(
    segment: MarketData,
    strategy: Any,
    maker: Callable[[Any], Any] | None,
    config: RunConfig,
    conversion: Conversion | None,
    progress: Progress | None = None,
) -> Run:
    """The run that is judged.

    Parameters
    ----------
    segment : MarketData
    strategy : Strategy, BoundStrategy or str
        Where no `maker` makes it from the segment.
    maker : callable or None
    config : RunConfig
    conversion : Conversion or None
    progress : callable, optional
    """
    from quantlaxmi.run.replay import run_columns
    from quantlaxmi.run.rerun import make_strategy

    run = run_columns(
        segment,
        strategy if maker is None else make_strategy(maker, segment),
        config,
        progress=None if progress is None else partial(progress, "backtest"),
    )
    return replace(run, conversion=conversion)


@dataclass(frozen=True, slots=True)
class Tried:
    """A run to judge, and what was tried for it.

    Attributes
    ----------
    run : Run
    maker : callable or None
        What made its strategy from the segment, where something did.
    grid : Grid or None
        The settings that were given, the run's among them.
    others : tuple of Trial
        Lines of the grid's settings, where there is a ledger.
    opened : tuple of Holdout
        Opened seals whose rows the run read.
    """

    run: Run
    maker: Callable[[Any], Any] | None
    grid: Grid | None = None
    others: tuple[Trial, ...] = ()
    opened: tuple[Holdout, ...] = ()

    @classmethod
    def on(
        cls,
        segment: MarketData,
        strategy: Any,
        config: RunConfig,
        conversion: Conversion | None,
        *,
        grid: AnyGrid | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Tried:
        """Run what is judged: the strategy as it was given, or with the best setting of a grid.

        Parameters
        ----------
        segment, strategy, grid, threads, progress
            As for `run_gates`.
        config : RunConfig
        conversion : Conversion or None

        The current ledger has to be writable, and its seals hold.
        """
        from quantlaxmi.run.rerun import maker_of
        from quantlaxmi.trials.holdout import refuse_sealed
        from quantlaxmi.trials.ledger import current_ledger

        opened: tuple[Holdout, ...] = ()
        ledger = current_ledger()
        if ledger is not None:
            opened = refuse_sealed(segment, ledger)
            ledger.prepare()  # before the runs: a ledger that cannot be written costs none

        if grid is None:
            maker = maker_of(strategy)
            run = run_once(segment, strategy, maker, config, conversion, progress)
            return cls(run, maker, opened=opened)
        from quantlaxmi.gates.resampling.grid_choice import market_for, run_grid

        kind = strategy_class(strategy)
        settings, named = grid_of(grid, kind), not isinstance(strategy, str | type)
        others: tuple[Trial, ...] = ()
        if not named or ledger is not None:
            found = run_grid(
                market_for(segment, config, conversion),
                kind,
                settings.configs,
                conversion=conversion,
                hashed=ledger is not None,
                threads=threads,
                progress=None if progress is None else partial(progress, "grid"),
            )
            others = tuple(found.trials) if ledger is not None else ()
            if not named:
                strategy = kind.made_with(found.best)
        run = run_once(segment, strategy, None, config, conversion, progress)
        return cls(run, None, settings.including(run.strategy.config), others, opened)

    def with_declared(
        self, *, threads: int | None = None, progress: Progress | None = None
    ) -> Tried:
        """The same, where gates search the grid that the strategy's class declares.

        Parameters
        ----------
        threads, progress
            As for `run_gates`.
        """
        from quantlaxmi.gates.resampling.grid_choice import market_for, run_grid

        run = self.run
        declared = declared_settings(run)
        if not declared:
            return self
        found = run_grid(
            market_for(run.segment, run.config, run.conversion),
            run.strategy.strategy,
            declared,
            conversion=run.conversion,
            hashed=True,
            threads=threads,
            progress=None if progress is None else partial(progress, "grid"),
        )
        return replace(self, others=tuple(found.trials))

    def write(self, ledger: TrialLedger | None, *, judges_holdout: bool = False) -> Known:
        """Write what was tried to the ledger, and say what is known then.

        Parameters
        ----------
        ledger : TrialLedger or None
        judges_holdout : bool
            Whether the run is the one opening of a seal.

        Raises
        ------
        TrialError
            The ledger is broken or cannot be written.
        """
        if ledger is None:
            return NOTHING
        from quantlaxmi.run.trial_lines import data_of, trial_of
        from quantlaxmi.trials.used import TrialsUsed

        own = trial_of(self.run, "holdout" if judges_holdout else "gates")
        ledger.append([*self.others, own])
        used = TrialsUsed.of(ledger, data_of(self.run), [own, *self.others])
        return Known.of(used, self.opened, judges_holdout=judges_holdout)


def declared_settings(run: Run) -> tuple[StrategyConfig, ...]:
    """The settings that the strategy's class declares, but for the run's own.

    They are none where there are over 10,000: then no gate searches them.
    """
    from quantlaxmi.strategies.grid_file import MAX_SETTINGS
    from quantlaxmi.strategies.parameter_grid import grid_configs

    strategy, own = run.strategy.strategy, run.strategy.config_hash
    if strategy is None:
        return ()
    configs = grid_configs(strategy, MAX_SETTINGS + 1)
    if len(configs) > MAX_SETTINGS:
        return ()
    return tuple(one for one in configs if one.config_hash != own)
