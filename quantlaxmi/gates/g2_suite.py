"""The anti-overfit suite, asked gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.gates import (
    ablation,
    delay,
    equity,
    label_permutation,
    lag_profile,
    look_ahead,
    market_null,
    net_positive,
    premium,
    random_entry,
    random_sides,
    time_shift,
)
from quantlaxmi.gates.keys import check_seed
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    PermutationResult,
    RandomEntryResult,
    TimeShiftResult,
)
from quantlaxmi.gates.suite_of_run import SuiteOfRun
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import run_suite

if TYPE_CHECKING:
    pass

__all__ = ["G2AntiOverfitSuite"]


def _milliseconds(shift: object) -> int:
    step = timedelta(milliseconds=1)
    if not isinstance(shift, timedelta) or shift % step or shift < step:
        problem = f"was {shown(shift)}, expected timedeltas of whole milliseconds above 0"
        raise ConfigError("shifts", problem)
    return shift // step


def _table(gate: str, **values: Any) -> dict[str, dict[str, Any]]:
    """Changes of a gate's table in the policy: the values that are given."""
    given = {name: value for name, value in values.items() if value is not None}
    return {gate: given} if given else {}


@dataclass(frozen=True, slots=True)
class G2AntiOverfitSuite(SuiteOfRun):
    """The anti-overfit gates of one strategy, configuration and segment.

    The strategy and the segment are those of the run that `from_run` is given, so no method takes
    them: a result of another pair could not be told from this one's. The methods return results,
    and `run` all of them in a `SuiteResult`; the suite keeps none, and can be asked again.
    """

    def run_net_positive(self) -> GateResult:
        """The guard on net PnL after the policy's costs."""
        return net_positive.GATE.judge(self.context)[0]

    def run_look_ahead(self) -> GateResult:
        """The guard on decisions that depend on what came later."""
        return look_ahead.GATE.judge(self.context)[0]

    def run_equity(self) -> GateResult:
        """The test on the mean of net PnL, rare losses allowed for."""
        return equity.GATE.judge(self.context)[0]

    def run_premium(self) -> GateResult:
        """Whether funding and spread carry the result."""
        return premium.GATE.judge(self.context)[0]

    def run_random_sides(self) -> PermutationResult:
        """The same trips with the side of each chosen by a coin."""
        return SuiteResult("g2", random_sides.GATE.judge(self.context)).permutation_results[0]

    def run_random_entry(self, seed: int | None = None) -> RandomEntryResult:
        """The matched random entry, with the suite's seed or another.

        Raises
        ------
        ConfigError
            For a seed out of range.
        EngineError
            When a mirrored pair of neutral entries does not cancel.
        """
        return self._random_entry(seed)[0]

    def run_neutral_entry(self, seed: int | None = None) -> RandomEntryResult:
        """The neutral random entry; as `run_random_entry`."""
        return self._random_entry(seed)[1]

    def _random_entry(self, seed: int | None) -> tuple[RandomEntryResult, ...]:
        context = self.context
        if seed is not None:
            context = replace(context, seed=check_seed(seed), checkpoint=None)
        return SuiteResult("g2", random_entry.GATE.judge(context)).of(RandomEntryResult)

    def run_permutation(
        self, n_perms: int | None = None, *, market: bool = False
    ) -> list[PermutationResult]:
        """Label permutation, with the policy's number of draws or another.

        Parameters
        ----------
        n_perms : int, optional
            Shuffles within a day or regime.
        market : bool
            Run the market null too, at the policy's number of its draws: each runs the strategy
            again, so they are not counted by `n_perms`.
        """
        context = self._with_policy(**_table("label_permutation", n_perms=n_perms))
        found = SuiteResult("g2", label_permutation.GATE.judge(context)).permutation_results
        return [*found, *(self.run_market_null() if market else ())]

    def run_market_null(self, n_draws: int | None = None) -> list[PermutationResult]:
        """The market null, with the policy's number of draws or another."""
        context = self._with_policy(**_table("market_null", n_draws=n_draws))
        return list(SuiteResult("g2", market_null.GATE.judge(context)).permutation_results)

    def run_time_shift(
        self, n_shifts: int | None = None, *, shifts: Sequence[timedelta] | None = None
    ) -> list[TimeShiftResult]:
        """The circular null, with the policy's number of shifts or another, and the lag profile.

        Parameters
        ----------
        n_shifts : int, optional
            Of the circular null, which spaces them equally over the segment: chosen shifts would
            be chosen results.
        shifts : sequence of timedelta, optional
            Durations, ascending, by which the strategy is run with its orders later: the delay
            guard's result comes last, and the lag profile is shown at them. Segments of bars are
            shifted by the policy's bars whatever is given.

        Raises
        ------
        ConfigError
            For a duration that is no whole number of milliseconds above 0.
        """
        delays = None if shifts is None else tuple(_milliseconds(shift) for shift in shifts)
        context = self._with_policy(
            **_table("time_shift", n_shifts=n_shifts), **_table("delay", delays_ms=delays)
        )
        gates = (time_shift.GATE, lag_profile.GATE) + (() if shifts is None else (delay.GATE,))
        found = [result for gate in gates for result in gate.judge(context)]
        return list(SuiteResult("g2", tuple(found)).time_shift_results)

    def run_delay(self, delays_ms: tuple[int, ...] | None = None) -> list[TimeShiftResult]:
        """The guard on profit under delay, at the policy's delays or others."""
        context = self._with_policy(**_table("delay", delays_ms=delays_ms))
        return list(SuiteResult("g2", delay.GATE.judge(context)).time_shift_results)

    def run_ablation(self) -> list[AblationResult]:
        """The strategy without its signals, and without each of its filters."""
        return list(SuiteResult("g2", ablation.GATE.judge(self.context)).ablation_results)

    def run(self) -> SuiteResult:
        """Every gate of the policy's G2 suite, in the order of running.

        Raises
        ------
        EngineError
            When an identity of a sweep does not hold.
        """
        return run_suite("g2", self.context)
