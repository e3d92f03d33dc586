"""The suites: which gates they hold, and their verdict over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from quantlaxmi.errors import EngineError
from quantlaxmi.gates import net_positive, permutation, random_entry
from quantlaxmi.gates.inputs import GateInput
from quantlaxmi.gates.market import attribution_units
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import (
    GateResult,
    Json,
    PermutationResult,
    RandomEntryResult,
    Verdict,
    combine,
)
from quantlaxmi.gates.trips import PathError, TradePath, build_path

if TYPE_CHECKING:
    from quantlaxmi.market_grid import MarketGrid
    from quantlaxmi.replay import Run

__all__ = ["ALL_GATES", "G2AntiOverfitSuite", "G2Result", "amounts_of", "path_of"]

#: Every gate by its name in the policy: the module that evaluates it.
ALL_GATES = MappingProxyType(
    {
        "net_positive": net_positive,
        "random_entry": random_entry,
        "label_permutation": permutation,
    }
)


@dataclass(frozen=True, slots=True)
class G2Result:
    """What the G2 suite found.

    Attributes
    ----------
    gates : tuple of str
        Gates that ran, in order.
    net_positive : GateResult or None
    random_entry_baseline : RandomEntryResult or None
    permutation_results : tuple of PermutationResult
    verdict : Verdict
    reasons : tuple of str
        Every gate's, each after the gate's name.
    """

    gates: tuple[str, ...]
    net_positive: GateResult | None
    random_entry_baseline: RandomEntryResult | None
    permutation_results: tuple[PermutationResult, ...]

    @property
    def results(self) -> tuple[GateResult, ...]:
        found: list[GateResult] = []
        if self.net_positive is not None:
            found.append(self.net_positive)
        if self.random_entry_baseline is not None:
            found.extend(self.random_entry_baseline.results)
        for result in self.permutation_results:
            found.extend(result.results)
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        return combine(r.verdict for r in self.results)

    @property
    def passed(self) -> bool:
        """True for PASS only."""
        return self.verdict is Verdict.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(f"{r.gate}: {text}" for r in self.results for text in r.reasons)

    def to_json(self) -> dict[str, Json]:
        baseline = self.random_entry_baseline
        return {
            "gates": list(self.gates),
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "net_positive": self.net_positive.to_json() if self.net_positive else None,
            "random_entry_baseline": baseline.to_json() if baseline else None,
            "permutation_results": [r.to_json() for r in self.permutation_results],
        }


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
        funding=10 * sum(account.funding for account in run.accounts),
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

        Raises
        ------
        PathError
            When the run has no path on its grid.
        """
        from quantlaxmi.market_grid import market_grid

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
        )
        return cls(inp, amounts_of(run, grid))

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

    def run(self) -> G2Result:
        """Every gate of the policy's G2 suite, in the policy's order of running.

        Raises
        ------
        EngineError
            When an identity of a sweep does not hold.
        """
        wanted = [name for name in ALL_GATES if name in self.inp.policy.g2_gates]
        return G2Result(
            gates=tuple(wanted),
            net_positive=self.run_net_positive() if "net_positive" in wanted else None,
            random_entry_baseline=self.run_random_entry() if "random_entry" in wanted else None,
            permutation_results=tuple(self.run_permutation())
            if "label_permutation" in wanted
            else (),
        )


def without_path(policy: GatePolicy, error: PathError) -> G2Result:
    """The result of a run that gates cannot follow: INCONCLUSIVE throughout, for one reason."""
    unclear = (Verdict.INCONCLUSIVE, (str(error),))
    wanted = tuple(name for name in ALL_GATES if name in policy.g2_gates)
    return G2Result(
        gates=wanted,
        net_positive=GateResult(net_positive.GATE, "guard", *unclear)
        if "net_positive" in wanted
        else None,
        random_entry_baseline=RandomEntryResult(
            GateResult(random_entry.MATCHED, "test", *unclear),
            GateResult(random_entry.NEUTRAL, "guard", *unclear),
        )
        if "random_entry" in wanted
        else None,
        permutation_results=(PermutationResult(GateResult(permutation.GATE, "test", *unclear)),)
        if "label_permutation" in wanted
        else (),
    )
