"""A finished run, made again with one thing changed: what the gates that re-run a strategy use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quantlaxmi.errors import StrategyError
from quantlaxmi.replay import Run, backtest
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy

__all__ = ["Rerun"]


@dataclass(frozen=True, slots=True)
class Rerun:
    """Makes a run again.

    Attributes
    ----------
    run : Run
        The finished run, as it was.
    """

    run: Run

    @property
    def strategy(self) -> Any:
        """The strategy that was bound, or None where only its bound form is known."""
        return self.run.strategy.strategy

    def bind(self, config: StrategyConfig | None = None) -> BoundStrategy:
        """Bind the strategy afresh, for one run.

        Parameters
        ----------
        config : StrategyConfig, optional
            Other settings; those of the run by default.

        Raises
        ------
        StrategyError
            Where the run was made from a bound strategy that cannot be bound again.
        """
        bound, strategy = self.run.strategy, self.strategy
        if strategy is not None:
            if config is not None:
                strategy = type(strategy)(config)
            again: BoundStrategy = strategy.bind(
                self.run.instruments, interpreted=bound.form == "interpreted"
            )
            return again
        if config is None and bound.form != "python":
            return bound  # its state is copied at the start of every run
        raise StrategyError(
            f"strategy {bound.strategy_id!r} was given bound, so it cannot be run again "
            "afresh: give the strategy itself"
        )

    def again(
        self,
        *,
        latency_ns: int | None = None,
        config: StrategyConfig | None = None,
        neutral: tuple[int, ...] = (),
    ) -> Run:
        """Run over the same segment, with the same costs, limits and seed.

        Parameters
        ----------
        latency_ns : int, optional
        config : StrategyConfig, optional
        neutral : tuple of int
            Feature slots to hold at their neutral values.
        """
        run = self.run
        return backtest(
            run.segment,
            self.bind(config).neutralised(neutral),
            costs=run.costs,
            limits=run.limits,
            latency_ns=run.latency_ns if latency_ns is None else latency_ns,
            seed=run.header.seed,
        )
