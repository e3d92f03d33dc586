"""The suites: which gates they hold, and their verdict over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import ConfigError, EngineError, shown
from quantlaxmi.gates import (
    ablation,
    delay,
    lag_profile,
    market_null,
    net_positive,
    random_entry,
    time_shift,
)
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates import look_ahead as prefix
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.g2_result import G2Result, Part
from quantlaxmi.gates.keys import check_seed
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import PathError, TradePath, build_path
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    PermutationResult,
    RandomEntryResult,
    TimeShiftResult,
    Verdict,
)

if TYPE_CHECKING:
    from quantlaxmi.run.decision_points import DecisionPoints
    from quantlaxmi.run.result import Run

__all__ = ["ALL_GATES", "G2AntiOverfitSuite", "G2Result", "amounts_of", "path_of"]


@dataclass(frozen=True, slots=True)
class _Gate:
    """How the suite runs a gate, and what it returns where there is no path to judge."""

    run: Callable[[G2AntiOverfitSuite], Sequence[Part]]
    inconclusive: Callable[[Verdict, tuple[str, ...]], Part]


def _funding_of(run: Run) -> int:
    """What a run received in funding, attribution scale."""
    return 10 * sum(account.funding for account in run.accounts)


def _milliseconds(shift: object) -> int:
    step = timedelta(milliseconds=1)
    if not isinstance(shift, timedelta) or shift % step or shift < step:
        problem = f"was {shown(shift)}, expected timedeltas of whole milliseconds above 0"
        raise ConfigError("shifts", problem)
    return shift // step


def path_of(run: Run, points: DecisionPoints) -> TradePath:
    """Trips and positions of a run on its grid.

    Raises
    ------
    PathError
        When the run has no path there.
    """
    costs = run.exact.attributions
    return build_path(
        decisions=run.exact.decisions,
        legs=run.exact.legs,
        fills=run.exact.fills,
        gross=costs.gross.tolist(),
        cost=(costs.slippage + costs.fee).tolist() if len(costs) else [],
        funding=_funding_of(run),
        seq=points.seq,
        mid2=points.mid2,
        units=attribution_units(points),
    )


def amounts_of(run: Run, points: DecisionPoints) -> net_positive.Amounts:
    """Totals of a run, held against its ledger.

    Raises
    ------
    EngineError
        When attributed gross, slippage, fees and funding are not the ledger's net.
    """
    fills, costs = run.exact.fills, run.exact.attributions
    notional = sum(
        price * qty * 10 * points.scales[i]
        for price, qty, i in zip(
            fills["price"].tolist(),
            fills["qty"].tolist(),
            fills["instrument"].tolist(),
            strict=True,
        )
    )
    amounts = net_positive.Amounts(
        gross=run.gross_pnl,
        slippage=sum(costs.slippage.tolist()),
        fees=sum(costs.fee.tolist()),
        funding=_funding_of(run),
        notional=notional,
        fills=len(fills),
    )
    if amounts.net != run.net_pnl:
        raise EngineError(
            f"the attributed net is {amounts.net}, the ledger's {run.net_pnl}, at "
            f"10**{run.ledger_exponent - 1}"
        )
    return amounts


@dataclass(frozen=True, slots=True)
class G2AntiOverfitSuite:
    """The anti-overfit gates of one strategy, configuration and segment.

    The strategy and the segment are those of the run that `from_run` is given, so no method takes
    them: a result of another pair could not be told from this one's. The methods return results,
    and `run` all of them in a `G2Result`; the suite keeps none, and can be asked again.

    Attributes
    ----------
    context : GateContext
    amounts : Amounts
    """

    context: GateContext
    amounts: net_positive.Amounts

    @classmethod
    def from_run(
        cls,
        run: Run,
        *,
        policy: GatePolicy | None = None,
        seed: int = 0,
        threads: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        checkpoint: Checkpoint | None = None,
        maker: Callable[[Any], Any] | None = None,
    ) -> G2AntiOverfitSuite:
        """Prepare the suite for a finished run.

        Parameters
        ----------
        run : Run
            Made without flattening.
        policy : GatePolicy, optional
        seed : int
            Of the random draws.
        threads : int, optional
            Results do not depend on it.
        progress : callable, optional
            Called with (gate, draws done, draws in all).
        checkpoint : Checkpoint, optional
            Where counts of draws are kept, so that an interrupted suite goes on there.
        maker : callable, optional
            What made the strategy from the segment; the prefix guard makes it from beginnings.

        Raises
        ------
        PathError
            When the run has no path on its points.
        ConfigError
            For a seed out of range.
        """
        from quantlaxmi.run.decision_points import decision_points
        from quantlaxmi.run.rerun import Rerun

        check_seed(seed)
        points = decision_points(run)
        context = GateContext(
            path=path_of(run, points),
            decision_points=points,
            policy=policy or GatePolicy(),
            seed=seed,
            segment_digest=run.header.segment_digest,
            config_hash=run.header.config_hash,
            threads=threads,
            progress=progress,
            rerun=Rerun(run, maker),
            checkpoint=checkpoint,
        )
        amounts = amounts_of(run, points)
        if context.path.net != amounts.net:
            raise EngineError(
                f"the path's net is {context.path.net}, the ledger's {amounts.net}, at "
                f"10**{run.ledger_exponent - 1}"
            )
        return cls(context, amounts)

    def run_net_positive(self) -> GateResult:
        """The guard on net PnL after the policy's costs."""
        return net_positive.evaluate(self.context, self.amounts)

    def _with_policy(self, **changes: Any) -> GateContext:
        """The input with other values in the policy, where any is given.

        What the checkpoint holds was counted with the suite's own policy and seed, so gates that
        are asked for others neither read nor change it.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        if not given:
            return self.context
        return replace(self.context, policy=replace(self.context.policy, **given), checkpoint=None)

    def run_random_entry(self, seed: int | None = None) -> RandomEntryResult:
        """Random entry, with the suite's seed or another.

        Raises
        ------
        ConfigError
            For a seed out of range.
        """
        context = self.context
        if seed is not None:
            context = replace(context, seed=check_seed(seed), checkpoint=None)
        return random_entry.evaluate(context)

    def run_permutation(
        self, n_perms: int | None = None, *, market: bool = False
    ) -> list[PermutationResult]:
        """Label permutation, with the policy's number of draws or another.

        Parameters
        ----------
        n_perms : int, optional
            Shuffles within a day or regime, and coin sides.
        market : bool
            Run the market null too, at the policy's number of its draws: each runs the strategy
            again, so they are not counted by `n_perms`.
        """
        found = [permutation.evaluate(self._with_policy(n_perms=n_perms))]
        return found + self.run_market_permutation() if market else found

    def run_market_permutation(self, n_draws: int | None = None) -> list[PermutationResult]:
        """The market null, with the policy's number of draws or another."""
        return [market_null.evaluate(self._with_policy(n_market_draws=n_draws))]

    def run_prefix(self) -> GateResult:
        """The guard on decisions that depend on what came later."""
        return prefix.evaluate(self.context)

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
        context = self._with_policy(n_shifts=n_shifts, delays_ms=delays)
        found = [time_shift.evaluate(context), lag_profile.evaluate(context)]
        return found if shifts is None else [*found, delay.evaluate(context)]

    def run_delay(self, delays_ms: tuple[int, ...] | None = None) -> list[TimeShiftResult]:
        """The guard on profit under delay, at the policy's delays or others."""
        return [delay.evaluate(self._with_policy(delays_ms=delays_ms))]

    def run_ablation(self) -> list[AblationResult]:
        """The strategy without its signals, and without each of its filters."""
        return ablation.evaluate(self.context)

    def run(self) -> G2Result:
        """Every gate of the policy's G2 suite, in the policy's order of running.

        Raises
        ------
        EngineError
            When an identity of a sweep does not hold.
        """
        wanted = tuple(name for name in ALL_GATES if name in self.context.policy.g2_gates)
        parts = [part for name in wanted for part in ALL_GATES[name].run(self)]
        return G2Result(gates=wanted, parts=tuple(parts))


#: Every gate by its name in the policy, in the order of running.
ALL_GATES = MappingProxyType(
    {
        "net_positive": _Gate(
            lambda suite: [suite.run_net_positive()],
            lambda verdict, why: GateResult(net_positive.GATE, "guard", verdict, why),
        ),
        "prefix": _Gate(
            lambda suite: [suite.run_prefix()],
            lambda verdict, why: GateResult(prefix.GATE, "guard", verdict, why),
        ),
        "random_entry": _Gate(
            lambda suite: [suite.run_random_entry()],
            lambda verdict, why: RandomEntryResult(
                GateResult(random_entry.MATCHED, "test", verdict, why),
                GateResult(random_entry.NEUTRAL, "guard", verdict, why),
            ),
        ),
        "label_permutation": _Gate(
            lambda suite: suite.run_permutation(),
            lambda verdict, why: PermutationResult(
                permutation.KIND, GateResult(permutation.GATE, "test", verdict, why)
            ),
        ),
        "market_permutation": _Gate(
            lambda suite: suite.run_market_permutation(),
            lambda verdict, why: PermutationResult(
                market_null.KIND, GateResult(market_null.GATE, "test", verdict, why)
            ),
        ),
        "time_shift": _Gate(
            lambda suite: suite.run_time_shift(),
            lambda verdict, why: TimeShiftResult(
                time_shift.KIND, GateResult(time_shift.GATE, "test", verdict, why)
            ),
        ),
        "delay": _Gate(
            lambda suite: suite.run_delay(),
            lambda verdict, why: TimeShiftResult(
                delay.KIND, GateResult(delay.GATE, "guard", verdict, why)
            ),
        ),
        "ablation": _Gate(
            lambda suite: suite.run_ablation(),
            lambda verdict, why: AblationResult(
                (), GateResult(ablation.SIGNALS, "guard", verdict, why)
            ),
        ),
    }
)


def without_path(policy: GatePolicy, error: PathError) -> G2Result:
    """The result of a run that gates cannot follow: INCONCLUSIVE throughout, for one reason."""
    wanted = tuple(name for name in ALL_GATES if name in policy.g2_gates)
    why = (str(error),)
    return G2Result(
        wanted, tuple(ALL_GATES[n].inconclusive(Verdict.INCONCLUSIVE, why) for n in wanted)
    )
