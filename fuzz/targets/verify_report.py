"""Reports whose hashes fit but whose content was edited, computed again from their segment."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from fuzz import scratch
from fuzz.draw import VALUES, Draw, edit_json
from fuzz.targets.gate_report import forged
from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.importers.synthetic import generate_segment
from quantlaxmi.report import run_gates, verify_report
from quantlaxmi.segment import Segment

ALLOWED = (QuantlaxmiError,)
#: What `verify_report` computes with; the rest it compares.
INPUTS = ("policy", "config", "costs", "suites", "seed", "latency_ns", "strategy_id", "header",
          "risk")  # fmt: skip
DRAWS = ("n_sims", "n_perms", "n_neutral_pairs", "n_draws", "n_draws_extended", "extend_factor")


@cache
def base() -> tuple[Segment, dict[str, Any]]:
    """A short segment and the report of it."""
    segment = generate_segment("planted", scratch.folder() / "seg", rows=400, seed=1)
    policy = GatePolicy(
        random_sides={"n_draws": 19},
        extend_factor=1,
        random_entry={"n_sims": 19, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 19},
    )
    report = run_gates(segment, "basis_capture", policy=policy, threads=1)
    return segment, json.loads(report.to_bytes())


def edited(draw: Draw, plain: dict[str, Any]) -> bytes:
    """The text of the report after edits of what it is computed from."""
    out = copy.deepcopy(plain)
    for name in sorted({draw.pick(INPUTS) for _ in range(1 + draw.number(2))}):
        if draw.number(3) == 0 and isinstance(out[name], dict):
            out[name][draw.pick(sorted(out[name]) or ["x"])] = draw.pick(VALUES)
        else:
            out[name] = edit_json(draw, out[name])
    policy = out["policy"] if isinstance(out["policy"], dict) else {}
    for table in (policy, *(t for t in policy.values() if isinstance(t, dict))):
        for name in DRAWS:
            if isinstance(table.get(name), (int, float)) and table[name] > 1000:
                table[name] = 19  # more are allowed, and take their time
    return forged(out)


def one(draw: Draw) -> None:
    segment, plain = base()
    try:
        text = edited(draw, plain)
    except (RecursionError, ValueError):
        return
    check = verify_report(scratch.file("report.json", text), segment, threads=1)
    assert check.matches == (not check.differences)
