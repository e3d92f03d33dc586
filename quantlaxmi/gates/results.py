"""What a gate returns: a verdict with its reasons, and the counts it rests on."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from quantlaxmi.fixed import decimal_text
from quantlaxmi.stats.clopper_pearson import clopper_pearson
from quantlaxmi.stats.histogram import Histogram
from quantlaxmi.stats.monte_carlo import monte_carlo_p, sequential_p

__all__ = [
    "AblationResult",
    "GateResult",
    "Json",
    "MonteCarlo",
    "PermutationResult",
    "RandomEntryResult",
    "TimeShiftResult",
    "Verdict",
    "combine",
    "decimal_text",
    "inconclusive",
    "rounded",
    "studentised",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Verdict(enum.StrEnum):
    """Outcome of a gate or a suite; the last three decide nothing."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    WARN = "WARN"  # a diagnosis that deserves a look
    SHOWN = "SHOWN"  # a diagnosis
    NOT_APPLICABLE = "NOT APPLICABLE"  # the gate has nothing to ask of this strategy


_DECIDING = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE})


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL wins over INCONCLUSIVE, that over PASS; where nothing decides, INCONCLUSIVE."""
    found = _DECIDING.intersection(verdicts)
    if Verdict.FAIL in found:
        return Verdict.FAIL
    if Verdict.INCONCLUSIVE in found or not found:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def rounded(value: float) -> float:
    """A derived figure as reports show it: nine significant digits.

    The last digits of special functions differ between library versions; verdicts and hashes
    must not.
    """
    return float(f"{value:.9g}") + 0.0


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Counts of a Monte Carlo test; the p-value is derived on reading.

    Attributes
    ----------
    exceedances, draws : int
        Draws at least as large as the strategy, of how many.
    stopped : bool
        Whether drawing stopped at the last of these exceedances, before all planned draws.
    extended : bool
        Whether the number of draws grew because the interval held the level.
    systematic : bool
        Whether the draws were laid out evenly instead of drawn, so that no seed moves them.
    histogram : Histogram or None
        The null distribution: the draws by their statistic.
    """

    exceedances: int
    draws: int
    stopped: bool = False
    extended: bool = False
    systematic: bool = False
    histogram: Histogram | None = None

    @property
    def p_value(self) -> Fraction:
        """(b + 1)/(m + 1), or h/l where drawing stopped at the h-th exceedance after l draws."""
        if self.stopped:
            return sequential_p(self.exceedances, self.draws)
        return monte_carlo_p(self.exceedances, self.draws)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper-Pearson interval of b/m: how far another seed could move it."""
        return clopper_pearson(self.exceedances, self.draws, confidence)

    def to_json(self) -> Json:
        interval: Json = None
        # With a random number of draws, or none drawn at random, b/m has no such interval.
        if not (self.stopped or self.systematic):
            lower, upper = self.interval()
            interval = [rounded(lower), rounded(upper)]
        return {
            "exceedances": self.exceedances,
            "draws": self.draws,
            "p_value": rounded(float(self.p_value)),
            "stopped": self.stopped,
            "extended": self.extended,
            "interval_95": interval,
            "histogram": self.histogram.to_json() if self.histogram else None,
        }


@dataclass(frozen=True, slots=True)
class GateResult:
    """Result of one gate.

    Attributes
    ----------
    gate : str
        Its name in the policy.
    role : str
        ``"test"``, ``"guard"`` or ``"diagnosis"``; a diagnosis is SHOWN or WARN.
    verdict : Verdict
    reasons : tuple of str
        Sentences that name the number and the limit.
    monte_carlo : MonteCarlo or None
    details : dict
        Figures behind the verdict; amounts are exact decimal text.
    """

    gate: str
    role: str
    verdict: Verdict
    reasons: tuple[str, ...]
    monte_carlo: MonteCarlo | None = None
    details: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "gate": self.gate,
            "role": self.role,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "monte_carlo": self.monte_carlo.to_json() if self.monte_carlo else None,
            "details": self.details,
        }


def inconclusive(
    gate: str, role: str, reason: str, details: dict[str, Json] | None = None
) -> GateResult:
    """A gate that could not ask, with the reason."""
    return GateResult(gate, role, Verdict.INCONCLUSIVE, (reason,), None, details or {})


def studentised(s: int, q: int) -> float:
    """S/sqrt(Q) as reports show it; 0 where nothing moved."""
    return rounded(s / math.sqrt(q)) if q else 0.0


@dataclass(frozen=True, slots=True)
class RandomEntryResult:
    """Both halves of the random-entry baseline."""

    matched: GateResult
    neutral: GateResult

    @property
    def results(self) -> tuple[GateResult, ...]:
        return (self.matched, self.neutral)

    def to_json(self) -> Json:
        return {"matched": self.matched.to_json(), "neutral": self.neutral.to_json()}


def _labelled(result: GateResult, **label: Json) -> Json:
    return {**label, **result.to_json()}


@dataclass(frozen=True, slots=True)
class PermutationResult:
    """One permutation null.

    Attributes
    ----------
    kind : str
        ``"labels"`` or ``"market"``.
    result : GateResult
    """

    kind: str
    result: GateResult

    @property
    def results(self) -> tuple[GateResult, ...]:
        return (self.result,)

    def to_json(self) -> Json:
        return _labelled(self.result, kind=self.kind)


@dataclass(frozen=True, slots=True)
class TimeShiftResult:
    """One way of shifting the strategy against the market in time.

    Attributes
    ----------
    kind : str
        ``"circular"`` (the null), ``"delay"`` (later orders) or ``"lead"`` (the lag profile).
    result : GateResult
    """

    kind: str
    result: GateResult

    @property
    def results(self) -> tuple[GateResult, ...]:
        return (self.result,)

    def to_json(self) -> Json:
        return _labelled(self.result, kind=self.kind)


@dataclass(frozen=True, slots=True)
class AblationResult:
    """What taking something away from the strategy did.

    Attributes
    ----------
    removed : tuple of str
        Names of the signals, or of the filter, that were neutralised.
    result : GateResult
    """

    removed: tuple[str, ...]
    result: GateResult

    @property
    def results(self) -> tuple[GateResult, ...]:
        return (self.result,)

    def to_json(self) -> Json:
        return _labelled(self.result, removed=list(self.removed))
