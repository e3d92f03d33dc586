"""The gates of every suite, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable

from quantlaxmi.gates import (
    ablation,
    cost_sensitivity,
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
    regimes,
    selection,
    time_shift,
    walk_forward,
)
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.edge import GUARD
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.kernels_ahead import kernels_ahead
from quantlaxmi.gates.results import GateResult, Verdict
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.segment.unchanged import check_unchanged

__all__ = ["ALL_GATES", "failed_guard_of", "gates_of", "left_out", "run_suite", "suite_names"]

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
    selection.GATE,
    regimes.GATE,
    cost_sensitivity.GATE,
)


def suite_names() -> tuple[str, ...]:
    """Names of the suites, in the order of their first gates."""
    return tuple(dict.fromkeys(gate.suite for gate in ALL_GATES))


def gates_of(suite: str) -> tuple[Gate, ...]:
    """The gates of a suite, in the order of running."""
    return tuple(gate for gate in ALL_GATES if gate.suite == suite)


def run_suite(suite: str, context: GateContext, failed_guard: str | None = None) -> SuiteResult:
    """Run every gate of a suite that the policy lists; the result names those that it leaves out.

    Parameters
    ----------
    suite : str
    context : GateContext
        Where its policy says ``early = "guards"``, dear gates run last, and are skipped where a
        guard has failed.
    failed_guard : str, optional
        A guard that failed in a suite before this one.

    Raises
    ------
    EngineError
        When an identity of a gate does not hold.
    SegmentCorrupt
        The segment was changed while the gates ran.
    """
    wanted = context.policy.suites[suite]
    gates, early = [g for g in gates_of(suite) if g.name in wanted], context.policy.skips_early
    found: dict[str, tuple[GateResult, ...]] = {}
    # Stable: what is cheap comes first where dear gates may be skipped, and sweeps come last.
    order = sorted(gates, key=lambda g: (early and g.dear, bool(g.kernels)))
    with kernels_ahead([] if early or context.too_few_trips() else order, context.threads):
        for gate in order:
            if early and gate.dear and failed_guard is not None:
                found[gate.name] = gate.skipped(failed_guard)
            else:
                found[gate.name] = gate.judge(context)
                failed_guard = failed_guard or failed_guard_of(found[gate.name])
    if context.rerun is not None:
        check_unchanged(context.rerun.run.segment)
    results = tuple(result for gate in gates for result in found[gate.name])
    return SuiteResult(suite, results, left_out(suite, wanted))


def failed_guard_of(results: Iterable[GateResult]) -> str | None:
    """The first guard that failed; None where none did."""
    failed = (r for r in results if r.role == GUARD and r.verdict is Verdict.FAIL)
    return next((result.gate for result in failed), None)


def left_out(suite: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """The gates of a suite that decide its verdict and are not among those wanted."""
    names = set(wanted)
    return tuple(
        gate.name
        for gate in gates_of(suite)
        if gate.name not in names and any(spec.role != "diagnosis" for spec in gate.results)
    )
