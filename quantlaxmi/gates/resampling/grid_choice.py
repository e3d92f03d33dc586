"""The setting of a grid that did best on the data, and a line of each setting for the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quantlaxmi.errors import ConfigError, FixedPointOverflow, StrategyError
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.parallel import cores
from quantlaxmi.parallel.threads import iterate_in_order
from quantlaxmi.run.bucket_sums import bucket_ends
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.grid_market import GridMarket, bind_setting
from quantlaxmi.run.setting_gross import gross_of_setting
from quantlaxmi.run.trial_lines import SettingGross, code_of, data_with, line_of
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.unchanged import check_unchanged
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.holdout import refuse_sealed
from quantlaxmi.trials.records import Trial

__all__ = ["GridOnData", "SettingOnData", "market_for", "run_grid"]


@dataclass(frozen=True, slots=True)
class SettingOnData:
    """What a setting did on the data.

    Attributes
    ----------
    config : StrategyConfig
    made : SettingGross or None
        None where it could not be run.
    failure : Exception or None
        Why it could not.
    bound : BoundStrategy or None
        The strategy with the setting.
    """

    config: StrategyConfig
    made: SettingGross | None = None
    failure: Exception | None = None
    bound: BoundStrategy | None = None

    @property
    def total(self) -> int | None:
        """Sum of the gross of 200 clock buckets; None where money was in several currencies."""
        return None if self.made is None else self.made.total

    @property
    def squares(self) -> int | None:
        """Sum of its squares; None as for `total`."""
        return None if self.made is None else self.made.squares

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
    """What the settings of a grid did on the data, in the grid's order.

    Attributes
    ----------
    segment : MarketData
    settings : tuple of SettingOnData
    """

    segment: MarketData
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
        """Lines of the settings that could be run, for a trial ledger."""
        codes: dict[object, str] = {}  # all settings of a class have one
        found = []
        for one in self.settings:
            if one.made is None or one.bound is None:
                continue
            bound = one.bound
            owner = id(bound.owner), type(bound.strategy or bound.instance)
            if owner not in codes:
                codes[owner] = code_of(bound)
            data = data_with(self.segment, bound)
            found.append(line_of(data, bound, codes[owner], one.made, "grid"))
        return found


def market_for(
    segment: MarketData, config: RunConfig, conversion: Conversion | None = None
) -> GridMarket:
    """The market that settings are compared on: 200 clock buckets, money in one currency."""
    weights = None
    if conversion is not None:
        weights = [conversion.weight(one.currency) for one in segment.instruments]
    ends = bucket_ends(segment.first_ts_ns, segment.last_ts_ns)
    return GridMarket(segment, config, ends, weights)


def run_grid(
    market: GridMarket,
    strategy: Strategy | type[Strategy],
    configs: Sequence[StrategyConfig],
    *,
    conversion: Conversion | None = None,
    hashed: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GridOnData:
    """Run settings over the data, one pass each over what they share.

    Parameters
    ----------
    market : GridMarket
        Of `market_for`.
    strategy : Strategy or type of Strategy
        Of the class that is run.
    configs : sequence of StrategyConfig
    conversion : Conversion, optional
        As `market_for` was given it.
    hashed : bool
        Whether lines for a trial ledger are asked for.
    threads : int, optional
        Of kernels; the result does not depend on it.
    progress : callable, optional
        Called with settings done and settings in all.

    Raises
    ------
    HoldoutError
        Some rows are sealed.
    """
    segment = market.segment
    refuse_sealed(segment)

    def one(setting: StrategyConfig) -> SettingOnData:
        try:
            bound = bind_setting(strategy, setting, segment)

            def again() -> BoundStrategy:
                # The engine works on copies of a kernel's state, so one binding serves all runs.
                return bound if bound.form == "kernel" else bind_setting(strategy, setting, segment)

            made = gross_of_setting(market, again, conversion, hashed=hashed)
        except (StrategyError, ConfigError, FixedPointOverflow) as error:
            return SettingOnData(setting, failure=error)
        return SettingOnData(setting, made, bound=bound)

    wanted = cores(threads) if _is_kernel(segment, strategy, configs) else 1
    found = tuple(iterate_in_order(one, configs, threads=wanted, progress=progress))
    check_unchanged(segment)
    return GridOnData(segment, found)


def _is_kernel(
    segment: MarketData, strategy: Strategy | type[Strategy], configs: Sequence[StrategyConfig]
) -> bool:
    """Whether the strategy runs without the interpreter, so that threads help."""
    try:
        return bind_setting(strategy, configs[0], segment).form == "kernel"
    except StrategyError:
        return False
