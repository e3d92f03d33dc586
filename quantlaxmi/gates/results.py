"""What a gate returns: a verdict with its reasons, and the counts it rests on."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from quantlaxmi.gates.stats.clopper_pearson import clopper_pearson
from quantlaxmi.gates.stats.monte_carlo import monte_carlo_p

__all__ = [
    "GateResult",
    "Json",
    "MonteCarlo",
    "PermutationResult",
    "RandomEntryResult",
    "Verdict",
    "combine",
    "decimal_text",
    "shown",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Verdict(enum.StrEnum):
    """Outcome of a gate or a suite."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL wins over INCONCLUSIVE, that over PASS; nothing at all is INCONCLUSIVE."""
    found = set(verdicts)
    if Verdict.FAIL in found:
        return Verdict.FAIL
    if Verdict.INCONCLUSIVE in found or not found:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def shown(value: float) -> float:
    """A derived figure as reports show it: nine significant digits.

    The last digits of special functions differ between library versions; verdicts and hashes
    must not.
    """
    return float(f"{value:.9g}") + 0.0


def decimal_text(amount: int, exponent: int) -> str:
    """``amount * 10**exponent`` as exact decimal text without trailing zeros.

    Parameters
    ----------
    amount : int
        Of any size.
    exponent : int
    """
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount))
    if exponent >= 0:
        return f"{sign}{digits}{'0' * exponent}" if amount else "0"
    digits = digits.rjust(1 - exponent, "0")
    fraction = digits[exponent:].rstrip("0")
    return f"{sign}{digits[:exponent]}{'.' + fraction if fraction else ''}"


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Counts of a Monte Carlo test; the p-value is derived on reading.

    Attributes
    ----------
    exceedances, draws : int
        Draws at least as large as the strategy, of how many.
    stopped : bool
        Whether drawing stopped early. Never with a fixed number of draws.
    extended : bool
        Whether the number of draws grew because the interval held the level.
    """

    exceedances: int
    draws: int
    stopped: bool = False
    extended: bool = False

    @property
    def p_value(self) -> Fraction:
        """(b + 1)/(m + 1)."""
        return monte_carlo_p(self.exceedances, self.draws)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper-Pearson interval of b/m: how far another seed could move it."""
        return clopper_pearson(self.exceedances, self.draws, confidence)

    def to_json(self) -> Json:
        lower, upper = self.interval()
        return {
            "exceedances": self.exceedances,
            "draws": self.draws,
            "p_value": shown(float(self.p_value)),
            "stopped": self.stopped,
            "extended": self.extended,
            "interval_95": [shown(lower), shown(upper)],
        }


@dataclass(frozen=True, slots=True)
class GateResult:
    """Result of one gate.

    Attributes
    ----------
    gate : str
        Its name in the policy.
    role : str
        ``"test"`` or ``"guard"``.
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


@dataclass(frozen=True, slots=True)
class PermutationResult:
    """One permutation null."""

    labels: GateResult

    @property
    def results(self) -> tuple[GateResult, ...]:
        return (self.labels,)

    def to_json(self) -> Json:
        return self.labels.to_json()
