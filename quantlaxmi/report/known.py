"""What a report rests on besides its run: the grid, the trials and the holdouts it knows of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy
from quantlaxmi.trials.holdout import Holdout
from quantlaxmi.trials.used import TrialsUsed

__all__ = ["NOTHING", "AnyGrid", "Known", "grid_of", "strategy_class"]

AnyGrid = Path | str | Grid | Sequence[StrategyConfig]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of other trials and of holdouts when a run is judged.

    Attributes
    ----------
    trials : TrialsUsed or None
        None without a ledger.
    seals : tuple of dict
        Opened seals whose rows the run read, as `Holdout.describe` gives them.
    judges_holdout : bool
        Whether this is the one opening of a seal, judged by the equity test alone.
    """

    trials: TrialsUsed | None = None
    seals: tuple[Mapping[str, Any], ...] = ()
    judges_holdout: bool = False

    @classmethod
    def of(
        cls,
        trials: TrialsUsed | None,
        opened: Sequence[Holdout],
        *,
        judges_holdout: bool = False,
    ) -> Known:
        """What the ledger says now."""
        return cls(trials, tuple(one.describe() for one in opened), judges_holdout)

    @property
    def holdout(self) -> dict[str, Any] | None:
        """What a report holds of seals; None where no row it read was ever sealed."""
        if not self.seals:
            return None
        return {"judged": self.judges_holdout, "seals": [dict(one) for one in self.seals]}

    @classmethod
    def from_report(
        cls, trials: Mapping[str, Any] | None, holdout: Mapping[str, Any] | None
    ) -> Known:
        """What a report knew, whatever the ledger says now.

        Raises
        ------
        TrialError, ConfigError
            The fields are none that a report has.
        """
        used = None if trials is None else TrialsUsed.from_description(trials)
        return cls(used, *_seals(holdout))


def _seals(holdout: Mapping[str, Any] | None) -> tuple[tuple[Mapping[str, Any], ...], bool]:
    """The seals that a report holds, and whether it judges their rows."""
    if holdout is None:
        return (), False
    seals = holdout.get("seals")
    names = {"seal", "from_ns", "segment", "opened_for"}
    if (
        set(holdout) != {"judged", "seals"}
        or type(holdout["judged"]) is not bool
        or not isinstance(seals, list)
        or not seals
        or not all(
            isinstance(one, dict)
            and set(one) == names
            and type(one["from_ns"]) is int
            and -(2**63) <= one["from_ns"] < 2**63
            for one in seals
        )
    ):
        raise ConfigError("report", f"was {shown(holdout)}, expected seals")
    return tuple(seals), holdout["judged"]


NOTHING = Known()


def strategy_class(strategy: Any) -> type[Strategy]:
    """The class whose settings a grid has.

    Raises
    ------
    ConfigError
        It cannot be made from settings: it was given bound, or as a function of the segment.
    StrategyError
        There is none of this name.
    """
    if isinstance(strategy, str):
        from quantlaxmi.strategies.registry import StrategyRegistry

        return StrategyRegistry().get(strategy)
    if isinstance(strategy, BoundStrategy):
        strategy = strategy.strategy
    if isinstance(strategy, Strategy):
        return type(strategy)
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        return strategy
    raise ConfigError("grid", "needs a strategy's name, class or object, to make its settings of")


def grid_of(grid: AnyGrid, strategy: type[Strategy]) -> Grid:
    """The grid that was named, of a strategy.

    Parameters
    ----------
    grid : Path, str, Grid or sequence of StrategyConfig
        A path is a TOML file.
    strategy : type of Strategy

    Raises
    ------
    ConfigError
        The file is none, or the settings are of another strategy.
    """
    if isinstance(grid, str | Path):
        return Grid.load(grid, strategy)
    made = grid if isinstance(grid, Grid) else Grid.of(strategy.strategy_id, grid)
    if made.strategy_id != strategy.strategy_id or type(made.configs[0]) is not strategy.Config:
        raise ConfigError(
            "grid",
            f"is of {made.strategy_id!r}, expected {strategy.strategy_id!r}, which runs",
        )
    return made
