"""Gates: tests and guards that try to break a result. Importing them loads no Numba."""

from quantlaxmi.gates.policy import GatePolicy, load_policy
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    MonteCarlo,
    PermutationResult,
    RandomEntryResult,
    TimeShiftResult,
    Verdict,
)
from quantlaxmi.gates.suites import ALL_GATES, G2AntiOverfitSuite, G2Result

__all__ = [
    "ALL_GATES",
    "AblationResult",
    "G2AntiOverfitSuite",
    "G2Result",
    "GatePolicy",
    "GateResult",
    "MonteCarlo",
    "PermutationResult",
    "RandomEntryResult",
    "TimeShiftResult",
    "Verdict",
    "load_policy",
]
