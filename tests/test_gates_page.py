"""docs/GATES.md from a researcher's side: what each gate asks, misses and says, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quantlaxmi.gates.results import Verdict
from quantlaxmi.gates.suites import ALL_GATES

PAGE = (Path(__file__).parents[1] / "docs" / "GATES.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
#: Sections that answer for several gates.
SHARED = dict.fromkeys(
    ("label_permutation", "time_shift", "random_sides"), "Diagnoses that move positions"
)
PARTS = {
    "what it asks": r"\*Asks\*",
    "what it cannot see": r"cannot see",
    "what fools it": r"\*Fooled by\*|\*An example that fools it",
    "how to read it": r"\*How to read it",
    "what to do": r"\*What to do|\*FAIL\*: ",
}


@pytest.mark.parametrize("gate", [gate.name for gate in ALL_GATES])
def test_every_gate_answers_a_researcher(gate):
    heading = SHARED.get(gate, gate).lower().replace("_", " ")
    (text,) = (t for name, t in SECTIONS.items() if name.lower().replace("-", " ") == heading)
    missing = [part for part, said in PARTS.items() if not re.search(said, text, re.IGNORECASE)]
    assert not missing


def test_what_now_is_said_of_every_verdict_and_deciding_gate():
    table = SECTIONS["My gate failed, what now"]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    for verdict in ("PASS (timing)", "PASS (premium)", Verdict.FAIL, Verdict.INCONCLUSIVE):
        assert str(verdict) in rows
    for gate in ALL_GATES:
        for spec in gate.results:
            if spec.role in ("test", "premium"):
                assert any(spec.name in row for row in rows), spec.name
