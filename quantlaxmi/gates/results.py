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
    "CostSensitivityResult",
    "GateResult",
    "Inconclusive",
    "Json",
    "MonteCarlo",
    "PermutationResult",
    "RandomEntryResult",
    "RegimeSliceResult",
    "ResultSpec",
    "SelectionResult",
    "TimeShiftResult",
    "Verdict",
    "WalkForwardResult",
    "combine",
    "decimal_text",
    "rounded",
    "studentised",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Verdict(enum.StrEnum):
    """Outcome of a gate or a suite; the last four decide nothing."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    WARN = "WARN"  # a diagnosis that deserves a look
    SHOWN = "SHOWN"  # a diagnosis
    NOT_APPLICABLE = "NOT APPLICABLE"  # the gate has nothing to ask of this strategy
    SKIPPED = "SKIPPED"  # a guard had failed, so the gate was not asked


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
        Whether the draws are evenly spaced instead of random, so that no seed moves them.
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
        # With a random number of draws, none drawn at random or none at all, b/m has no interval.
        if self.draws and not (self.stopped or self.systematic):
            lower, upper = self.interval()
            interval = [rounded(lower), rounded(upper)]
        return {
            "exceedances": self.exceedances,
            "draws": self.draws,
            "p_value": rounded(float(self.p_value)),
            "stopped": self.stopped,
            "extended": self.extended,
            "systematic": self.systematic,
            "interval_95": interval,
            "histogram": self.histogram.to_json() if self.histogram else None,
        }


@dataclass(frozen=True, slots=True)
class GateResult:
    """One result of a gate.

    Attributes
    ----------
    gate : str
        The gate's name in the policy, or that name, a dot and the part of it.
    role : str
        ``"test"``, ``"guard"`` or ``"diagnosis"``; a diagnosis is SHOWN or WARN.
    verdict : Verdict
    reasons : tuple of str
        What was asked, the answer with number and limit, and what to do where it is not PASS.
    monte_carlo : MonteCarlo or None
    details : dict
        Figures behind the verdict; amounts are exact decimal text.
    labels : dict
        What tells this result from others of its class: ``kind``, ``removed``.
    """

    gate: str
    role: str
    verdict: Verdict
    reasons: tuple[str, ...]
    monte_carlo: MonteCarlo | None = None
    details: dict[str, Json] = field(default_factory=dict)
    labels: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "gate": self.gate,
            "role": self.role,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "monte_carlo": self.monte_carlo.to_json() if self.monte_carlo else None,
            "details": self.details,
            "labels": self.labels,
        }


class _OfKind(GateResult):
    """A result with a label ``kind``."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """Which of the results of this class it is."""
        return str(self.labels["kind"])


class RandomEntryResult(_OfKind):
    """One half of the random-entry baseline; of kind ``"matched"`` or ``"neutral"``."""

    __slots__ = ()


class PermutationResult(_OfKind):
    """One permutation null; of kind ``"labels"`` or ``"market"``."""

    __slots__ = ()


class TimeShiftResult(_OfKind):
    """One way of shifting the strategy against the market in time.

    Of kind ``"circular"`` (the null), ``"delay"`` (later orders) or ``"lead"`` (the lag profile).
    """

    __slots__ = ()


class AblationResult(GateResult):
    """What taking something away from the strategy did."""

    __slots__ = ()

    @property
    def removed(self) -> tuple[str, ...]:
        """Names of the signals, or of the filter, that were neutralised."""
        names = self.labels["removed"]
        return tuple(str(name) for name in names) if isinstance(names, list) else ()


class WalkForwardResult(GateResult):
    """Settings chosen from the past alone, judged on what came after."""

    __slots__ = ()

    @property
    def folds(self) -> tuple[dict[str, Json], ...]:
        """A row a fold: its times, the setting chosen, what it earned before and after."""
        rows = self.details.get("folds")
        return tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


class SelectionResult(GateResult):
    """The best of all settings that were tried, against the best of them on markets of chance."""

    __slots__ = ()

    @property
    def n_settings(self) -> int:
        """Settings that were tried and can be run here, the run's own among them."""
        found = self.details.get("settings")
        return found if isinstance(found, int) else 0


class RegimeSliceResult(GateResult):
    """What the run did in one regime of the market."""

    __slots__ = ()

    @property
    def regime(self) -> str:
        """Name of the regime: ``"bull_low_volatility"``."""
        return str(self.labels["regime"])


class CostSensitivityResult(GateResult):
    """What is left of the run's net PnL where trading costs more."""

    __slots__ = ()

    @property
    def break_even_fee_multiplier(self) -> float | None:
        """Multiple of the fees at which nothing is left; None where there is none."""
        return _number(self.details.get("break_even_fee_multiplier"))

    @property
    def break_even_bps(self) -> float | None:
        """Basis points of every fill at which nothing is left; None where there are none."""
        return _number(self.details.get("break_even_bps"))


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


class Inconclusive(Exception):
    """A gate cannot ask its question.

    Parameters
    ----------
    reason : str
        Why, and what to do about it.
    details : dict, optional
        Figures that are known all the same.
    """

    def __init__(self, reason: str, details: dict[str, Json] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.details = reason, details or {}


@dataclass(frozen=True, slots=True)
class ResultSpec:
    """A result that a gate declares.

    Attributes
    ----------
    name : str
        The gate's name, or that name, a dot and the part of it.
    role : str
        ``"test"``, ``"guard"`` or ``"diagnosis"``.
    kind : type
        `GateResult` or a subclass of it.
    labels : dict
        Of every result of this name.
    """

    name: str
    role: str
    kind: type[GateResult] = GateResult
    labels: dict[str, Json] = field(default_factory=dict)

    def result(
        self,
        verdict: Verdict,
        reason: str,
        monte_carlo: MonteCarlo | None = None,
        details: dict[str, Json] | None = None,
    ) -> GateResult:
        """The result with this verdict; of class `kind`."""
        labels = dict(self.labels)
        return self.kind(
            self.name, self.role, verdict, (reason,), monte_carlo, details or {}, labels
        )

    def unanswered(self, reason: str, details: dict[str, Json] | None = None) -> GateResult:
        """The result where the gate could not ask: INCONCLUSIVE, of a diagnosis SHOWN."""
        verdict = Verdict.SHOWN if self.role == "diagnosis" else Verdict.INCONCLUSIVE
        return self.result(verdict, reason, None, details)


def studentised(s: int, q: int) -> float:
    """S/sqrt(Q) as reports show it; 0 where nothing moved."""
    return rounded(s / math.sqrt(q)) if q else 0.0
