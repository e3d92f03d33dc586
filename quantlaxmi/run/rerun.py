"""A finished run, made again with one thing changed, for the gates that re-run a strategy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from quantlaxmi.errors import StrategyError
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import Session
from quantlaxmi.segment.horizon import horizon
from quantlaxmi.segment.window import Window
from quantlaxmi.strategies.bind_once import bind_once
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["Rerun", "make_strategy", "maker_of"]


@dataclass(frozen=True, slots=True)
class Rerun:
    """Makes a run again.

    Attributes
    ----------
    run : Run
        The finished run, as it was.
    maker : callable or None
        Makes the strategy from the segment it shall run on, where it was given so.
    """

    run: Run
    maker: Callable[[Any], Any] | None = None

    @property
    def strategy(self) -> Any:
        """The strategy that was bound, or None where only its bound form is known."""
        return self.run.strategy.strategy

    def bind(self, settings: StrategyConfig | None = None) -> BoundStrategy:
        """Bind the strategy for one run: plain Python afresh, a kernel once for all.

        Parameters
        ----------
        settings : StrategyConfig, optional
            Other settings; those of the run by default.

        Raises
        ------
        StrategyError
            Where the run was made from a bound strategy that cannot be bound again, or the
            strategy cannot be made from settings alone.
        """
        bound, strategy = self.run.strategy, self.strategy
        if strategy is not None:
            if settings is not None:
                strategy = type(strategy).made_with(settings)
                if strategy.config is not settings:  # equal by chance, as defaults are
                    raise StrategyError(
                        f"strategy {strategy.strategy_id!r} does not keep the settings it is given"
                    )
            return bind_once(
                strategy, self.run.instruments, interpreted=bound.form == "interpreted"
            )
        if settings is None and bound.form != "python":
            return bound  # its state is copied at the start of every run
        raise StrategyError(
            f"strategy {bound.strategy_id!r} was given bound, so it cannot be run again "
            "afresh: give the strategy itself"
        )

    def beginning(self, last_seq: int) -> Run:
        """Run over the segment up to a message, at which all that can be read of it ends.

        A strategy that was given as a function of the segment is made from that beginning. For
        the time of the run the segment itself, and whoever opens it again, shows no more.

        Parameters
        ----------
        last_seq : int
            Number of the last message.
        """
        run = self.run
        begun = Window(run.segment, last=last_seq)
        with horizon(run.segment.origin, last_seq):
            again = run_columns(
                begun,
                self.bind() if self.maker is None else make_strategy(self.maker, begun),
                _open_ended(run.config),
                interpreted=run.strategy.form == "interpreted",
            )
        return self._converted(again)

    def session(self, bound: BoundStrategy) -> Session:
        """A run of the same instruments and config, to be fed with columns.

        What is open at the end stays open. What has outlived its contract counts at its last mid.

        Parameters
        ----------
        bound : BoundStrategy
            As `bind` makes it.
        """
        run = self.run
        config = _open_ended(run.config)
        if config.flatten:
            config = replace(config, flatten=False)
        session = Session(run.instruments, bound, config, run.segment.origin)
        session.refuse_before(run.segment.first_seq)
        return session

    def again(
        self,
        *,
        config: RunConfig | None = None,
        settings: StrategyConfig | None = None,
        neutral: tuple[int, ...] = (),
    ) -> Run:
        """Run over the same segment; what is not given stays as it was.

        Parameters
        ----------
        config : RunConfig, optional
            Other costs, limits, latency or seed: ``dataclasses.replace(run.config, ...)``.
        settings : StrategyConfig, optional
            Other settings of the strategy.
        neutral : tuple of int
            Slots of signals to hold at their neutral values.
        """
        again = run_columns(
            self.run.segment,
            self.bind(settings).neutralised(neutral),
            self.run.config if config is None else config,
            depth="index",
        )
        return self._converted(again)

    def _converted(self, again: Run) -> Run:
        """A run with the conversion of the first one."""
        conversion = self.run.conversion
        return again if conversion is None else replace(again, conversion=conversion)


def _open_ended(config: RunConfig) -> RunConfig:
    """The config of a run that may end before its contracts are settled: on other prices a position
    may be held longer, and a beginning may end between an expiry and its settlement. No decision
    depends on it, since contracts without a price are looked at when the data have ended.
    """
    return config if config.settle_at == "mark" else replace(config, settle_at="mark")


def make_strategy(maker: Callable[[Any], Any], segment: Any) -> Any:
    """Make a strategy from a segment by a function that somebody gave.

    Raises
    ------
    StrategyError
        For whatever the function raised.
    """
    try:
        return maker(segment)
    except StrategyError:
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise StrategyError(f"the function that makes the strategy failed: {said}") from error


def maker_of(strategy: Any) -> Callable[[Any], Any] | None:
    """The function of a segment that makes a strategy, where it was given as one."""
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        return lambda segment: strategy.made_with()
    return strategy if callable(strategy) else None
