"""The verdict of a suite over the results of its gates: which edge it found, if any.

Two edges pass. *Timing*: every test and guard passes, and the random baseline does not fail.
*Premium* (funding, spread): the premium result and every guard pass. Where neither passes, the
verdict is FAIL if neither could with more data, else INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quantlaxmi.gates.results import GateResult, Verdict, combine

__all__ = ["Edge", "edge_of"]

#: Roles that decide, besides diagnoses.
TEST, GUARD, TIMING_GUARD, PREMIUM = "test", "guard", "timing guard", "premium"


@dataclass(frozen=True, slots=True)
class Edge:
    """A verdict and what it rests on.

    Attributes
    ----------
    verdict : Verdict
        PASS, FAIL or INCONCLUSIVE.
    kind : str or None
        ``"timing"`` or ``"premium"`` for PASS; None where nothing passed, and where the suite has
        no tests.
    """

    verdict: Verdict
    kind: str | None


def edge_of(results: Iterable[GateResult]) -> Edge:
    """Judge the results of one suite.

    Parameters
    ----------
    results : iterable of GateResult
        Those that are diagnoses decide nothing.
    """
    roles: dict[str, list[Verdict]] = {}
    for result in results:
        roles.setdefault(result.role, []).append(result.verdict)
    tests, guards = roles.get(TEST, []), roles.get(GUARD, [])
    timing_guards, premium = roles.get(TIMING_GUARD, []), roles.get(PREMIUM, [])
    if not tests:
        return Edge(combine([*guards, *timing_guards, *premium]), None)
    guarded = all(v in (Verdict.PASS, Verdict.NOT_APPLICABLE) for v in guards)
    no_better_than_random = Verdict.FAIL in timing_guards
    if guarded and not no_better_than_random and set(tests) == {Verdict.PASS}:
        return Edge(Verdict.PASS, "timing")
    if guarded and premium and set(premium) == {Verdict.PASS}:
        return Edge(Verdict.PASS, "premium")
    guard_failed = Verdict.FAIL in guards
    timing_excluded = guard_failed or no_better_than_random or Verdict.FAIL in tests
    premium_excluded = guard_failed or not premium or Verdict.FAIL in premium
    if timing_excluded and premium_excluded:
        return Edge(Verdict.FAIL, None)
    return Edge(Verdict.INCONCLUSIVE, None)
