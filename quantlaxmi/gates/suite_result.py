"""What a suite found: the results of its gates in order, and the verdict over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from quantlaxmi.gates.edge import Edge, edge_of
from quantlaxmi.gates.results import (
    AblationResult,
    CostSensitivityResult,
    GateResult,
    Json,
    PermutationResult,
    RandomEntryResult,
    RegimeSliceResult,
    SelectionResult,
    TimeShiftResult,
    Verdict,
    WalkForwardResult,
    combine,
)

__all__ = ["SuiteResult"]

R = TypeVar("R", bound=GateResult)

#: The suite that looks for an edge: it passes by one of two. In the others all that decides passes.
EDGE_SUITE = "g2"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What a suite found.

    Attributes
    ----------
    suite : str
    results : tuple of GateResult
        Of every gate that ran, in order, diagnoses among them.
    left_out : tuple of str
        Gates that the policy leaves out although they decide. A suite that lacks one is at most
        INCONCLUSIVE: what was not asked is not answered.
    """

    suite: str
    results: tuple[GateResult, ...]
    left_out: tuple[str, ...] = ()

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the gates that ran, in order."""
        return tuple(dict.fromkeys(r.gate.partition(".")[0] for r in self.results))

    @property
    def verdict(self) -> Verdict:
        return self._edge.verdict

    @property
    def edge(self) -> str | None:
        """``"timing"`` or ``"premium"``, where the suite passed by one of them."""
        return self._edge.kind

    @property
    def _edge(self) -> Edge:
        if self.suite == EDGE_SUITE:
            found = edge_of(self.results)
        else:
            found = Edge(combine(r.verdict for r in self.results if r.role != "diagnosis"), None)
        if self.left_out and found.verdict is Verdict.PASS:
            return Edge(Verdict.INCONCLUSIVE, None)
        return found

    @property
    def passed(self) -> bool:
        """True for PASS only."""
        return self.verdict is Verdict.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        found = tuple(f"{r.gate}: {text}" for r in self.results for text in r.reasons)
        if not self.left_out:
            return found
        names = ", ".join(self.left_out)
        return (f"policy: {self.suite} leaves out {names}; the suite passes whole only.", *found)

    def result(self, name: str) -> GateResult | None:
        """The result of this name, or None where it did not run."""
        return next((r for r in self.results if r.gate == name), None)

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """The results of a class, in order."""
        return tuple(r for r in self.results if isinstance(r, kind))

    @property
    def net_positive(self) -> GateResult | None:
        return self.result("net_positive")

    @property
    def look_ahead(self) -> GateResult | None:
        return self.result("look_ahead")

    @property
    def random_entry_baseline(self) -> RandomEntryResult | None:
        """The matched random entry."""
        return next((r for r in self.of(RandomEntryResult) if r.kind == "matched"), None)

    @property
    def permutation_results(self) -> tuple[PermutationResult, ...]:
        return self.of(PermutationResult)

    @property
    def time_shift_results(self) -> tuple[TimeShiftResult, ...]:
        return self.of(TimeShiftResult)

    @property
    def ablation_results(self) -> tuple[AblationResult, ...]:
        return self.of(AblationResult)

    @property
    def walk_forward(self) -> WalkForwardResult | None:
        """The test on settings chosen from the past alone."""
        return next(iter(self.of(WalkForwardResult)), None)

    @property
    def selection(self) -> SelectionResult | None:
        """The test that allows for every setting that was tried."""
        return next(iter(self.of(SelectionResult)), None)

    @property
    def regime_slicing(self) -> tuple[RegimeSliceResult, ...]:
        return self.of(RegimeSliceResult)

    @property
    def cost_sensitivity(self) -> CostSensitivityResult | None:
        return next(iter(self.of(CostSensitivityResult)), None)

    def to_json(self) -> dict[str, Json]:
        return {
            "gates": list(self.gates),
            **({"left_out": list(self.left_out)} if self.left_out else {}),
            "verdict": self.verdict.value,
            "edge": self.edge,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "results": [result.to_json() for result in self.results],
        }
