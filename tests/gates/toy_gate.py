"""A gate in one file, as CONTRIBUTING tells it: settings, results, question, `GATE`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.results import GateResult, Inconclusive, ResultSpec, Verdict
from quantlaxmi.settings import Bounds, Settings

RESULT = ResultSpec("toy", "guard", labels={"kind": "wooden"})


class ToySettings(Settings, frozen=True, kw_only=True):
    """What ``[toy]`` holds."""

    most_fills: Annotated[int, Bounds(ge=1)] = 10_000


def evaluate(context: GateContext) -> list[GateResult]:
    """Guard: no more fills than the policy allows."""
    limit, fills = context.settings(ToySettings).most_fills, context.amounts.fills
    if not fills:
        raise Inconclusive("Fills: none. Run it on more data.")
    verdict = Verdict.PASS if fills <= limit else Verdict.FAIL
    return [RESULT.result(verdict, f"Fills: {fills}, limit {limit}.", None, {"fills": fills})]


GATE = Gate("toy", "g2", (RESULT,), ToySettings, evaluate)
#: The same in a suite of its own.
ALONE = replace(GATE, suite="toys")
