"""Gates: tests and guards that try to break a result. Importing them loads no Numba."""

from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.g3_suite import G3RobustnessSuite
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.policy import GatePolicy, load_policy
from quantlaxmi.gates.results import (
    AblationResult,
    GateResult,
    MonteCarlo,
    PermutationResult,
    RandomEntryResult,
    SelectionResult,
    TimeShiftResult,
    Verdict,
    WalkForwardResult,
)
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import ALL_GATES

__all__ = [
    "ALL_GATES",
    "AblationResult",
    "G2AntiOverfitSuite",
    "G3RobustnessSuite",
    "Gate",
    "GatePolicy",
    "GateResult",
    "MonteCarlo",
    "PermutationResult",
    "RandomEntryResult",
    "SelectionResult",
    "SuiteResult",
    "TimeShiftResult",
    "Verdict",
    "WalkForwardResult",
    "load_policy",
]
