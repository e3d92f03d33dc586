"""Draws of the market null: the strategy run on sign-flipped markets, counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.gates.checkpoint import Stage
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.draw_parts import DrawFailed
from quantlaxmi.gates.resampling.draws import Binning, DrawRule, SweepFailed, count_draws
from quantlaxmi.gates.resampling.grid_search import NAME
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Moved, Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import MonteCarlo
from quantlaxmi.stats.histogram import LAST_BIN, bin_of
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig

__all__ = ["FEW_DRAWS", "LEAST_POSITIVE", "MOST_TRIES", "NAME", "SHOWN_DRAWS", "MarketDraws"]

#: First draws, whose averages the details show; fewer where drawing stops before.
SHOWN_DRAWS = 20
#: Least share of the markets made for them that must have positive prices.
LEAST_POSITIVE = 0.1
#: At most so many draws are made for each one that counts.
MOST_TRIES = 10
#: A batch takes about so long, so that progress and interrupts are seen, and has at most so many.
_BATCH_SECONDS, _MOST_IN_BATCH = 0.5, 128
#: Draws that tell whether enough would count, where no more is asked of them.
FEW_DRAWS = 8
#: Draws in a batch where none was made before: at most so many, but one, are made in vain.
_FEW_IN_BATCH = 4


def _compared(out: npt.NDArray[np.uint64]) -> list[list[bool]]:
    """A draw is compared where it is made, in integers of any width."""
    compared: list[list[bool]] = out[:, :3].T.astype(bool).tolist()
    return compared


@dataclass(frozen=True, slots=True)
class Draw:
    """The result of one draw.

    Attributes
    ----------
    enough : bool
        Whether one of the settings made enough round trips on its market.
    at_least : bool
        Whether a setting with enough trips did at least as well as the data.
    any_at_least : bool
        Whether any setting did at least as well.
    top : int
        Bin of the largest statistic among the settings with enough trips. A draw that counts
        against the strategy without a statistic lies in the last bin.
    tries : int
        Markets made until one had positive prices.
    sums : Sums or None
        Sums of the run's own settings; None where no market had positive prices.
    basis_sd : float or None
        Standard deviation of a pair's basis on the market, for the first draws.
    """

    enough: bool
    at_least: bool
    any_at_least: bool
    top: int
    tries: int
    sums: Sums | None
    basis_sd: float | None = None


@dataclass(slots=True)
class MarketDraws:
    """The draws of one kind of drift.

    A draw counts where one of the settings made `min_trades` round trips on its market. Its
    statistic is the largest of the settings that did. The recorded market is such a market too,
    because the run is judged. So it and the draws that count are members of one set, equally likely
    under the null.

    Attributes
    ----------
    context : GateContext
    replays : Replays
    configs : sequence of StrategyConfig or None
        Settings of which a draw takes the largest statistic. The first is None: the run's own.
    passes : SettingPasses
        Runs all of them over one market.
    own : Sums
        Sums that a draw is compared with.
    basis_sd : callable
        Gives the standard deviation of a pair's basis on a market; for the first draws.
    drift : bool
        Whether the markets keep the data's drift.
    label : str
        What the counts are called in progress and in checkpoints; the random stream is the same.
    first : list of Draw
        The first draws, kept for what the details show.
    """

    context: GateContext
    replays: Replays
    configs: Sequence[StrategyConfig | None]
    passes: SettingPasses
    own: Sums
    basis_sd: Callable[[Moved], float | None]
    drift: bool
    label: str = NAME
    first: list[Draw] = field(default_factory=list)
    _seconds: float = 0.0

    @property
    def name(self) -> str:
        """Name in progress and in checkpoints."""
        return f"{self.label}.{'drifting' if self.drift else 'driftless'}"

    @property
    def tries(self) -> int:
        """Markets made for the first draws."""
        return sum(draw.tries for draw in self.first)

    @property
    def positive(self) -> int:
        """Draws among the first that found a market with positive prices."""
        return sum(draw.sums is not None for draw in self.first)

    def wanted(self, count: MonteCarlo) -> int:
        """How many draws have to count, at the stage that this count reached."""
        stages = self.context.settings(MarketNullSettings).stages(self.context.policy.level)
        return stages[-1 if count.extended else 0].draws

    def _add(self, part: range, room: Moved, made: list[Draw]) -> None:
        """Make draws that follow each other, together where the settings are lanes."""
        for draw, found in zip(part, self.passes.drawn(part, room, self.drift), strict=True):
            if found is None:
                made.append(self._run(self.replays.move(draw, room, self.drift)))
            else:
                made.append(self._judged(found.tries, found.sums))

    def _run(self, market: Moved, *, shown: bool = False) -> Draw:
        """Run every setting over a market."""
        draw = self._judged(market.tries, self._sums(market) if market.accepted else None)
        if not (shown and market.accepted):
            return draw
        return replace(draw, basis_sd=self.basis_sd(market))

    def _sums(self, market: Moved) -> Iterator[Sums]:
        for config, found in zip(self.configs, self.passes.sums(market), strict=True):
            yield self.replays.sums(market, config) if found is None else found

    def _judged(self, tries: int, found: Iterable[Sums] | None) -> Draw:
        """What the settings' sums say; None where no market had positive prices."""
        # Such a draw, or a run that cannot be followed, counts against the strategy.
        if found is None:
            return Draw(True, True, True, LAST_BIN, tries, None)
        least = self.context.policy.min_trades
        own: Sums | None = None
        enough = at_least = any_at_least = False
        top = 0
        try:
            for sums in found:
                own = own or sums
                reaches = not sums.followed or studentised_at_least(
                    sums.total, sums.squares, self.own.total, self.own.squares
                )
                has_trips = sums.trips >= least or not sums.followed
                enough |= has_trips
                any_at_least |= reaches
                at_least |= reaches and has_trips
                if has_trips:
                    place = bin_of(sums.total, sums.squares) if sums.followed else LAST_BIN
                    top = max(top, place)
        except (StrategyError, FixedPointOverflow):
            if not at_least:  # else the settings before the one that failed have decided the draw
                raise
        return Draw(enough, at_least, any_at_least, top, tries, own)

    def begin(self) -> None:
        """Make the first draws.

        Raises
        ------
        SweepFailed
            When the strategy cannot be run on the market of one of them.
        """
        begun = time.perf_counter()
        try:
            self.first = self.replays.each(
                range(SHOWN_DRAWS), lambda _, market: self._run(market, shown=True), self.drift
            )
        except DrawFailed as failed:
            raise SweepFailed(0, failed.reason) from failed
        self._seconds = (time.perf_counter() - begun) * self.replays.threads / SHOWN_DRAWS

    def made(self, draws: range) -> list[Draw]:
        """Make the draws of these numbers.

        Raises
        ------
        DrawFailed
            With the draws before the one on whose market the strategy cannot be run.
        """
        return self.replays.in_parts(draws, self.passes.at_once, self._add)

    def _sweep(self, first: int, out: npt.NDArray[np.uint64]) -> None:
        found, failed = self.first[first : first + len(out)], None
        draws = range(first + len(found), first + len(out))
        try:
            found += self.made(draws)
        except DrawFailed as error:
            found, failed = found + error.before, error
        for row, draw in zip(out, found, strict=False):
            row[:] = draw.at_least, draw.any_at_least, draw.enough, draw.top
        if failed is not None:
            raise SweepFailed(len(found), failed.reason) from failed

    def count(self, *, few: bool = False) -> tuple[MonteCarlo, MonteCarlo]:
        """Count the draws that do at least as well as the data.

        Parameters
        ----------
        few : bool
            Whether drawing ends where `FEW_DRAWS` count, or stops before.

        Returns
        -------
        counted, unconditional : MonteCarlo
            Among the draws that count, and among all.

        Raises
        ------
        SweepFailed
            When the strategy cannot be run on the market of a draw that is needed.
        """
        settings = self.context.settings(MarketNullSettings)
        stages = settings.stages(self.context.policy.level)
        own_bin = bin_of(self.own.total, self.own.squares)
        fitting = max(1, _FEW_IN_BATCH // len(self.configs))
        if self.first:
            fitting = int(_BATCH_SECONDS * self.replays.threads / (self._seconds + 1e-6))
        counted, every, _ = count_draws(
            self.context,
            self.name,
            settings.n_draws,
            4,
            self._sweep,
            [(0, 1), (0, 1), (0, 1)],
            DrawRule(
                stages=(Stage(FEW_DRAWS, stages[0].stop_after),) if few else stages,
                batch=max(self.replays.threads, min(fitting, _MOST_IN_BATCH)),
                tries=MOST_TRIES,
                binnings=[Binning(own_bin, lambda out: out[:, 3].view(np.int64))],
                decided=_compared,
            ),
        )
        return counted, every
