"""The suites: which gates they hold, and their verdict over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import EngineError
from quantlaxmi.gates import (
    ablation,
    delay,
    lag_profile,
    market_null,
    net_positive,
    permutation,
    prefix,
    random_entry,
    time_shift,
)
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.inputs import GateInput
from quantlaxmi.gates.market import attribution_units
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    Json,
    PermutationResult,
    RandomEntryResult,
    TimeShiftResult,
    Verdict,
    combine,
)
from quantlaxmi.gates.trips import PathError, TradePath, build_path

if TYPE_CHECKING:
    from quantlaxmi.market_grid import MarketGrid
    from quantlaxmi.replay import Run

__all__ = ["ALL_GATES", "G2AntiOverfitSuite", "G2Result", "amounts_of", "path_of"]

Part = GateResult | RandomEntryResult | PermutationResult | TimeShiftResult | AblationResult


@dataclass(frozen=True, slots=True)
class _Gate:
    """How the suite runs a gate, and what it returns where there is no path to judge."""

    run: Callable[[G2AntiOverfitSuite], Sequence[Part]]
    unclear: Callable[[Verdict, tuple[str, ...]], Part]


@dataclass(frozen=True, slots=True)
class G2Result:
    """What the G2 suite found.

    Attributes
    ----------
    gates : tuple of str
        Gates that ran, in order.
    parts : tuple
        Their results, in order; the properties sort them by kind.
    """

    gates: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def net_positive(self) -> GateResult | None:
        return self._alone(net_positive.GATE)

    @property
    def prefix(self) -> GateResult | None:
        return self._alone(prefix.GATE)

    def _alone(self, gate: str) -> GateResult | None:
        found = (p for p in self.parts if isinstance(p, GateResult))
        return next((p for p in found if p.gate == gate), None)

    @property
    def random_entry_baseline(self) -> RandomEntryResult | None:
        return next((p for p in self.parts if isinstance(p, RandomEntryResult)), None)

    @property
    def permutation_results(self) -> tuple[PermutationResult, ...]:
        return tuple(p for p in self.parts if isinstance(p, PermutationResult))

    @property
    def time_shift_results(self) -> tuple[TimeShiftResult, ...]:
        return tuple(p for p in self.parts if isinstance(p, TimeShiftResult))

    @property
    def ablation_results(self) -> tuple[AblationResult, ...]:
        return tuple(p for p in self.parts if isinstance(p, AblationResult))

    @property
    def results(self) -> tuple[GateResult, ...]:
        """Every gate's, diagnoses among them."""
        found: list[GateResult] = []
        for part in self.parts:
            found.extend((part,) if isinstance(part, GateResult) else part.results)
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        return combine(r.verdict for r in self.results if r.role != "diagnosis")

    @property
    def passed(self) -> bool:
        """True for PASS only."""
        return self.verdict is Verdict.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(f"{r.gate}: {text}" for r in self.results for text in r.reasons)

    def to_json(self) -> dict[str, Json]:
        net, ahead, baseline = self.net_positive, self.prefix, self.random_entry_baseline
        return {
            "gates": list(self.gates),
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "net_positive": net.to_json() if net else None,
            "prefix": ahead.to_json() if ahead else None,
            "random_entry_baseline": baseline.to_json() if baseline else None,
            "permutation_results": [r.to_json() for r in self.permutation_results],
            "time_shift_results": [r.to_json() for r in self.time_shift_results],
            "ablation_results": [r.to_json() for r in self.ablation_results],
        }


def _funding_of(run: Run) -> int:
    """What a run received in funding, attribution scale."""
    return 10 * sum(account.funding for account in run.accounts)


def path_of(run: Run, grid: MarketGrid) -> TradePath:
    """Trips and positions of a run on its grid.

    Raises
    ------
    PathError
        When the run has no path there.
    """
    costs = run.attributions
    return build_path(
        decisions=run.decisions,
        legs=run.legs,
        fills=run.fills,
        gross=costs.gross.tolist(),
        cost=(costs.slippage + costs.fee).tolist() if len(costs) else [],
        funding=_funding_of(run),
        seq=grid.seq,
        mid2=grid.mid2,
        units=attribution_units(grid),
    )


def amounts_of(run: Run, grid: MarketGrid) -> net_positive.Amounts:
    """Totals of a run, held against its ledger.

    Raises
    ------
    EngineError
        When attributed gross, slippage, fees and funding are not the ledger's net.
    """
    fills, costs = run.fills, run.attributions
    notional = sum(
        price * qty * 10 * grid.scales[i]
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

    Attributes
    ----------
    inp : GateInput
    amounts : Amounts
    """

    inp: GateInput
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
            When the run has no path on its grid.
        """
        from quantlaxmi.market_grid import market_grid
        from quantlaxmi.rerun import Rerun

        grid = market_grid(run)
        inp = GateInput(
            path=path_of(run, grid),
            grid=grid,
            policy=policy or GatePolicy(),
            seed=seed,
            segment_digest=run.header.segment_digest,
            config_hash=run.header.config_hash,
            threads=threads,
            progress=progress,
            rerun=Rerun(run, maker),
            checkpoint=checkpoint,
        )
        amounts = amounts_of(run, grid)
        if inp.path.net != amounts.net:
            raise EngineError(
                f"the path's net is {inp.path.net}, the ledger's {amounts.net}, at "
                f"10**{run.ledger_exponent - 1}"
            )
        return cls(inp, amounts)

    def run_net_positive(self) -> GateResult:
        """The guard on net PnL after the policy's costs."""
        return net_positive.evaluate(self.inp, self.amounts)

    def run_random_entry(self, seed: int | None = None) -> RandomEntryResult:
        """Random entry, with the suite's seed or another."""
        inp = self.inp if seed is None else replace(self.inp, seed=seed)
        return random_entry.evaluate(inp)

    def run_permutation(self, n_perms: int | None = None) -> list[PermutationResult]:
        """Label permutation, with the policy's number of draws or another."""
        inp = self.inp
        if n_perms is not None:
            inp = replace(inp, policy=replace(inp.policy, n_perms=n_perms))
        return [permutation.evaluate(inp)]

    def run_market_permutation(self, n_draws: int | None = None) -> list[PermutationResult]:
        """The market null, with the policy's number of draws or another."""
        inp = self.inp
        if n_draws is not None:
            inp = replace(inp, policy=replace(inp.policy, n_market_draws=n_draws))
        return [market_null.evaluate(inp)]

    def run_prefix(self) -> GateResult:
        """The guard on decisions that depend on what came later."""
        return prefix.evaluate(self.inp)

    def run_time_shift(self, n_shifts: int | None = None) -> list[TimeShiftResult]:
        """The circular null, with the policy's number of shifts or another, and the lag profile."""
        inp = self.inp
        if n_shifts is not None:
            inp = replace(inp, policy=replace(inp.policy, n_shifts=n_shifts))
        return [time_shift.evaluate(inp), lag_profile.evaluate(inp)]

    def run_delay(self, delays_ms: tuple[int, ...] | None = None) -> list[TimeShiftResult]:
        """The guard on profit under delay, at the policy's delays or others."""
        inp = self.inp
        if delays_ms is not None:
            inp = replace(inp, policy=replace(inp.policy, delays_ms=delays_ms))
        return [delay.evaluate(inp)]

    def run_ablation(self) -> list[AblationResult]:
        """The strategy without its signals, and without each of its filters."""
        return ablation.evaluate(self.inp)

    def run(self) -> G2Result:
        """Every gate of the policy's G2 suite, in the policy's order of running.

        Raises
        ------
        EngineError
            When an identity of a sweep does not hold.
        """
        wanted = tuple(name for name in ALL_GATES if name in self.inp.policy.g2_gates)
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
    return G2Result(wanted, tuple(ALL_GATES[n].unclear(Verdict.INCONCLUSIVE, why) for n in wanted))
