"""Draws of the market null: the strategy run on sign-flipped markets, counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.draws import Binning, DrawRule, SweepFailed, count_draws
from quantlaxmi.gates.resampling.market_replays import DrawFailed, Moved, Replays, Sums
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import MonteCarlo
from quantlaxmi.stats.histogram import LAST_BIN, bin_of
from quantlaxmi.stats.monte_carlo import studentised_at_least
from quantlaxmi.strategies.config import StrategyConfig

__all__ = [
    "DRIFTLESS",
    "LEAST_POSITIVE",
    "LOOKED_DRAWS",
    "MOST_TRIES",
    "NAME",
    "SHOWN_DRAWS",
    "STREAM",
    "MarketDraws",
    "driftless_wanted",
]

#: Name of the gate, in progress and checkpoints.
NAME = "market_null"
#: Name of the random stream. It is data: random numbers follow from it.
STREAM = "market_permutation"
#: Name of the draws without drift, in progress and checkpoints.
DRIFTLESS = f"{NAME}.driftless"
#: One draw without drift is made for so many with drift, and at least so many.
_DRIFTLESS_SHARE, _LEAST_DRIFTLESS = 5, 199
#: First draws, whose average the details show; fewer where drawing stops before.
SHOWN_DRAWS = 20
#: Least share of the markets made for them that must have positive prices.
LEAST_POSITIVE = 0.1
#: Only draws with enough trips count, where at least so many of the first so many have them.
LOOKED_DRAWS, LEAST_ENOUGH = 200, 2
#: At most so many draws are made for each one wanted.
MOST_TRIES = 10
#: A draw is compared here, in integers of any width, and counted as +1 or -1 against 0.
_WORDS = np.array([[2**64 - 1, 2**64 - 1, 0, 1], [0, 1, 0, 1]], np.uint64)


def driftless_wanted(draws: int) -> int:
    """How many draws without drift are made for so many with it."""
    return min(draws, max(_LEAST_DRIFTLESS, draws // _DRIFTLESS_SHARE))


@dataclass(frozen=True, slots=True)
class Draw:
    """The result of one draw.

    Attributes
    ----------
    enough : bool
        Whether one of the settings made enough trips on its market.
    at_least : bool
        Whether a setting with enough trips did at least as well as the strategy.
    any_at_least : bool
        Whether any setting did at least as well.
    top, any_top : int
        Bin of the largest statistic among the settings with enough trips, and among all settings.
        A draw that counts against the strategy without a statistic lies in the last bin.
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
    any_top: int
    tries: int
    sums: Sums | None
    basis_sd: float | None = None


@dataclass(slots=True)
class MarketDraws:
    """The draws of one market null.

    A draw counts where one of the settings made `min_trades` round trips on its market. Its
    statistic is the largest of the settings that did. The recorded market is such a market too,
    because the run is judged. So it and the draws that count are members of one set, equally likely
    under the null. Where hardly any market has enough trips, all draws count, with the largest
    statistic of all settings. The level then holds over all runs, those that are not judged
    included.

    Attributes
    ----------
    context : GateContext
    replays : Replays
    configs : sequence of StrategyConfig or None
        Settings of which a draw takes the largest statistic. The first is None: the run's own.
    own : Sums
        Sums of the run.
    basis_sd : callable
        Gives the standard deviation of a pair's basis on a market; for the first draws.
    drift : bool
        Whether the markets keep the data's drift.
    first : list of Draw
        The draws made so far.
    looked, enough : int
        Draws that decided which draws count, and those of them with enough trips.
    """

    context: GateContext
    replays: Replays
    configs: Sequence[StrategyConfig | None]
    own: Sums
    basis_sd: Callable[[Moved], float | None]
    drift: bool = True
    first: list[Draw] = field(default_factory=list)
    looked: int = 0
    enough: int = 0
    _seconds: float = 0.0

    @property
    def name(self) -> str:
        """Name in progress and in checkpoints."""
        return NAME if self.drift else DRIFTLESS

    @property
    def wanted(self) -> int:
        """How many draws have to count."""
        draws = self.context.settings(MarketNullSettings).n_draws
        return draws if self.drift else driftless_wanted(draws)

    @property
    def shown(self) -> list[Draw]:
        """The first draws."""
        return self.first[:SHOWN_DRAWS]

    @property
    def tries(self) -> int:
        """Markets made for the first draws."""
        return sum(draw.tries for draw in self.shown)

    @property
    def positive(self) -> int:
        """Draws among the first that found a market with positive prices."""
        return sum(draw.sums is not None for draw in self.shown)

    @property
    def has_positive_prices(self) -> bool:
        """Whether enough markets kept their prices positive."""
        return self.positive >= LEAST_POSITIVE * self.tries

    @property
    def conditional(self) -> bool:
        """Whether only draws with enough trips count."""
        return self.enough >= LEAST_ENOUGH

    def _run(self, market: Moved, *, looking: bool, shown: bool = False) -> Draw:
        """Run every setting over a market."""
        # A market that could not be made positive, or a run that cannot be followed, counts
        # against the strategy.
        if not market.accepted:
            return Draw(True, True, True, LAST_BIN, LAST_BIN, market.tries, None)
        least = self.context.policy.min_trades
        own: Sums | None = None
        enough = at_least = any_at_least = False
        top = any_top = 0
        for config in self.configs:
            try:
                sums = self.replays.sums(market, config)
            except (StrategyError, FixedPointOverflow):
                # The settings before this one have decided the draw.
                if at_least or (any_at_least and not looking and not self.conditional):
                    break
                raise
            own = own or sums
            reaches = not sums.followed or studentised_at_least(
                sums.total, sums.squares, self.own.total, self.own.squares
            )
            has_trips = sums.trips >= least or not sums.followed
            enough |= has_trips
            any_at_least |= reaches
            at_least |= reaches and has_trips
            place = bin_of(sums.total, sums.squares) if sums.followed else LAST_BIN
            any_top = max(any_top, place)
            top = max(top, place if has_trips else 0)
        basis = self.basis_sd(market) if shown else None
        return Draw(enough, at_least, any_at_least, top, any_top, market.tries, own, basis)

    def begin(self) -> None:
        """Make the first draws, and decide which draws count.

        Raises
        ------
        SweepFailed
            When the strategy cannot be run on the market of one of them.
        """
        begun = time.perf_counter()
        self._look(SHOWN_DRAWS)
        used = min(self.replays.threads, self.looked)
        self._seconds = (time.perf_counter() - begun) * used / self.looked
        if self.has_positive_prices:
            self._look(LOOKED_DRAWS)

    @property
    def _reported(self) -> int:
        """How many of the wanted draws the first ones are worth, for progress."""
        return max(self.enough, self.looked // MOST_TRIES)

    def _is_known(self, most: int) -> bool:
        if self.looked >= most:
            return True
        stop = self.context.settings(MarketNullSettings).stop_exceedances
        stopped = stop > 0 and sum(draw.at_least for draw in self.first) >= stop
        return self.conditional and (self.looked >= SHOWN_DRAWS or stopped)

    def _look(self, most: int) -> None:
        """Make draws, one on each thread, until it is known whether markets have enough trips."""
        total = self.wanted
        while not self._is_known(most):
            draws = range(self.looked, min(most, self.looked + self.replays.threads))
            failed = None
            try:
                made = self.replays.each(draws, self._looked_at, self.drift)
            except DrawFailed as error:
                made, failed = error.before, error
            for draw in made:
                if self._is_known(most):  # one thread would have gone no further
                    return
                self.first.append(draw)
                self.looked += 1
                self.enough += draw.enough
            if failed is not None and not self._is_known(most):
                raise SweepFailed(0, failed.reason) from failed
            self.context.report_progress(self.name, min(self._reported, total), total)

    def _looked_at(self, draw: int, market: Moved) -> Draw:
        return self._run(market, looking=True, shown=self.drift and draw < SHOWN_DRAWS)

    def _sweep(self, first: int, out: npt.NDArray[np.uint64]) -> None:
        found, failed = self.first[first : first + len(out)], None
        draws = range(first + len(found), first + len(out))
        try:
            found += self.replays.each(
                draws, lambda _, market: self._run(market, looking=False), self.drift
            )
        except DrawFailed as error:
            found, failed = found + error.before, error
        for row, draw in zip(out, found, strict=False):
            row[:4] = _WORDS[int(draw.at_least if self.conditional else draw.any_at_least)]
            row[4:8] = _WORDS[int(draw.enough)]
            row[8] = draw.top if self.conditional else draw.any_top
        if failed is not None:
            raise SweepFailed(len(found), failed.reason) from failed

    def count(self) -> MonteCarlo:
        """Count the draws that do at least as well as the strategy, among those that count.

        Raises
        ------
        SweepFailed
            When the strategy cannot be run on the market of a draw that is needed.
        """
        settings = self.context.settings(MarketNullSettings)
        # A batch takes half a second, so that progress and interrupts are seen, and has no more
        # draws than may be needed to stop. The counts do not depend on it.
        most = settings.stop_exceedances or 256
        own_bin = bin_of(self.own.total, self.own.squares)
        fitting = int(0.5 * self.replays.threads / (self._seconds + 1e-6))
        count, *_ = count_draws(
            self.context,
            self.name,
            self.wanted,
            9,
            self._sweep,
            [(0, 1), (0, 1)],
            DrawRule(
                stop_after=settings.stop_exceedances,
                batch=max(self.replays.threads, min(fitting, most, 256)),
                tries=MOST_TRIES if self.conditional else 0,
                reported=self._reported,
                binnings=[Binning(own_bin, lambda out: out[:, 8].view(np.int64))],
            ),
        )
        return count
