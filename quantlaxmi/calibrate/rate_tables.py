"""Tables of rates, and the words for results and kinds of experiments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantlaxmi.calibrate.result import LEVEL, Check, judged_of
from quantlaxmi.calibrate.rules.strategies import SEARCHED
from quantlaxmi.calibrate.worlds.world import (
    BOTH,
    COSTS,
    EITHER,
    EQUITY,
    MARKET,
    PREMIUM,
    SELECTION,
    TENFOLD,
    TIMING,
    WALK_FORWARD,
)

__all__ = ["HEADS", "KINDS", "check_line", "rate", "table"]

HEADS = {
    EQUITY: "equity",
    MARKET: "market null",
    TIMING: "PASS (timing)",
    PREMIUM: "PASS (premium)",
    EITHER: "joint verdict",
    WALK_FORWARD: "walk-forward",
    SELECTION: "selection",
    COSTS: "guard on costs",
    BOTH: "verdict of G2 and G3",
    TENFOLD: "verdict, moves tenfold",
}
KINDS = {
    "size": "without costs",
    "paid": "with costs",
    "search": f"the best of {SEARCHED}, told",
    "robust": f"the best of {SEARCHED} under both suites",
    "power": "power",
    "lasting": "power of both suites",
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    made = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return [*made, *("| " + " | ".join(row) + " |" for row in rows)]


def rate(counts: dict[str, int] | None) -> str:
    """``4.70 %``; where runs were not judged ``4.70 % (4.20 % of all, 10.6 % not judged)``."""
    if counts is None:
        return ""
    judged = judged_of(counts)
    runs = judged + counts.get("I", 0)
    if not judged:
        return "none judged"
    text = f"{100 * counts.get('P', 0) / judged:.2f} %"
    if judged == runs:
        return text
    of_all, left_out = 100 * counts.get("P", 0) / runs, 100 * (runs - judged) / runs
    return f"{text} ({of_all:.2f} % of all, {left_out:.1f} % not judged)"


def check_line(check: Check) -> str:
    """One line: the worst cell of a result, and all that are above."""
    name = f"{HEADS[check.test]}, {KINDS[check.group]}"
    least = f"the smallest adjusted p is {check.p_values[check.worst]:.3g} ({check.worst})"
    if check.holds:
        return f"- {name}: no world is significantly above {100 * LEVEL:g} %; {least}."
    return f"- **{name}: above {100 * LEVEL:g} % in {', '.join(check.outside)}**; {least}."
