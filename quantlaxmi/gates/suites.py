"""The gates of every suite, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable

from quantlaxmi.gates import (
    ablation,
    delay,
    equity,
    label_permutation,
    lag_profile,
    look_ahead,
    market_null,
    net_positive,
    premium,
    random_entry,
    random_sides,
    time_shift,
    walk_forward,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.segment.unchanged import check_unchanged

__all__ = ["ALL_GATES", "gates_of", "left_out", "run_suite", "suite_names"]

#: Every gate, in the order of running. A new gate is its file and an entry here.
ALL_GATES: tuple[Gate, ...] = (
    net_positive.GATE,
    look_ahead.GATE,
    delay.GATE,
    equity.GATE,
    premium.GATE,
    random_entry.GATE,
    market_null.GATE,
    label_permutation.GATE,
    time_shift.GATE,
    lag_profile.GATE,
    random_sides.GATE,
    ablation.GATE,
    walk_forward.GATE,
)


def suite_names() -> tuple[str, ...]:
    """Names of the suites, in the order of their first gates."""
    return tuple(dict.fromkeys(gate.suite for gate in ALL_GATES))


def gates_of(suite: str) -> tuple[Gate, ...]:
    """The gates of a suite, in the order of running."""
    return tuple(gate for gate in ALL_GATES if gate.suite == suite)


def run_suite(suite: str, context: GateContext) -> SuiteResult:
    """Run every gate of a suite that the policy lists; the result names those that it leaves out.

    Raises
    ------
    EngineError
        When an identity of a gate does not hold.
    SegmentCorrupt
        The segment was changed while the gates ran.
    """
    wanted = context.policy.suites[suite]
    found = [gate.judge(context) for gate in gates_of(suite) if gate.name in wanted]
    if context.rerun is not None:
        check_unchanged(context.rerun.run.segment)
    results = tuple(result for results in found for result in results)
    return SuiteResult(suite, results, left_out(suite, wanted))


def left_out(suite: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """The gates of a suite that decide its verdict and are not among those wanted."""
    names = set(wanted)
    return tuple(
        gate.name
        for gate in gates_of(suite)
        if gate.name not in names and any(spec.role != "diagnosis" for spec in gate.results)
    )
