"""What the G2 suite found: every gate's result, sorted by kind, and the verdict over them."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.gates import look_ahead as prefix
from quantlaxmi.gates import net_positive
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

__all__ = ["G2Result", "Part"]

Part = GateResult | RandomEntryResult | PermutationResult | TimeShiftResult | AblationResult


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
