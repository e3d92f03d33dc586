"""The robustness suite, asked gate by gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.gates import cost_sensitivity, regimes, selection, walk_forward
from quantlaxmi.gates.results import (
    CostSensitivityResult,
    RegimeSliceResult,
    SelectionResult,
    WalkForwardResult,
)
from quantlaxmi.gates.suite_of_run import SuiteOfRun
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import run_suite
from quantlaxmi.gates.walk_forward import WalkForwardSettings

if TYPE_CHECKING:
    pass

__all__ = ["G3RobustnessSuite"]


@dataclass(frozen=True, slots=True)
class G3RobustnessSuite(SuiteOfRun):
    """The robustness gates of one strategy, configuration and segment.

    As in `G2AntiOverfitSuite` the strategy and the segment are those of the run, so no method takes
    them. The methods return results, and `run` all of them in a `SuiteResult`.
    """

    def run_walk_forward(self, window_size: timedelta | None = None) -> WalkForwardResult:
        """The test on settings chosen from the past alone.

        Parameters
        ----------
        window_size : timedelta, optional
            Length of a test window; by default the policy's number of windows is cut. Windows are
            of equal length and fill the time that does not only train, so as many are cut as fit
            whole.

        Raises
        ------
        ConfigError
            For a window that is not above 0, or that fits under twice or over 100 times.
        """
        context = self.context
        if window_size is not None:
            context = self._with_policy(walk_forward={"folds": self._folds(window_size)})
        [found] = SuiteResult("g3", walk_forward.GATE.judge(context)).of(WalkForwardResult)
        return found

    def _folds(self, window_size: object) -> int:
        """How many whole test windows of a length there are."""
        if not isinstance(window_size, timedelta) or window_size <= timedelta(0):
            problem = f"was {shown(window_size)}, expected a timedelta above 0"
            raise ConfigError("window_size", problem)
        rerun, settings = self.context.rerun, self.context.settings(WalkForwardSettings)
        if rerun is None or not rerun.run.segment.n_messages:
            return settings.folds
        segment = rerun.run.segment
        span = segment.last_ts_ns - segment.first_ts_ns + 1
        tested = Fraction(span) * (1 - Fraction(settings.train_share))
        folds = int(tested / (window_size // timedelta(microseconds=1) * 1000))
        if not 2 <= folds <= 100:
            hours = float(tested) / 3.6e12
            raise ConfigError(
                "window_size",
                f"was {window_size}, which fits {folds} times into the {hours:.4g} h that are "
                "tested, expected 2 to 100 times",
            )
        return folds

    def run_selection(self) -> SelectionResult:
        """The test that allows for every setting that was tried."""
        [found] = SuiteResult("g3", selection.GATE.judge(self.context)).of(SelectionResult)
        return found

    def run_regime_slicing(self) -> list[RegimeSliceResult]:
        """What the run did in each regime of the market; `regimes.GATE` has the guard on them."""
        return list(SuiteResult("g3", regimes.GATE.judge(self.context)).regime_slicing)

    def run_cost_sensitivity(
        self, fee_range: tuple[float | Decimal, float | Decimal] | None = None
    ) -> CostSensitivityResult:
        """The guard on net PnL where trading costs more.

        Parameters
        ----------
        fee_range : pair of numbers, optional
            Least and largest multiple of the fees on the surface; the policy's without.

        Raises
        ------
        ConfigError
            For a range that is none, or out of bounds.
        """
        context, given = self.context, cast(object, fee_range)
        if given is not None:
            if not isinstance(given, tuple | list) or len(given) != 2:
                problem = f"was {shown(given)}, expected two multiples of the fees"
                raise ConfigError("fee_range", problem)
            least, most = (str(value) for value in given)
            changes = {"least_multiplier": least, "most_multiplier": most}
            context = self._with_policy(cost_sensitivity=changes)
        [found] = SuiteResult("g3", cost_sensitivity.GATE.judge(context)).of(CostSensitivityResult)
        return found

    def run(self) -> SuiteResult:
        """Every gate of the policy's G3 suite, in the order of running.

        Raises
        ------
        EngineError
            When an identity of a sweep does not hold.
        """
        return run_suite("g3", self.context)
