"""The study of the gates that strike bundles anew runs, goes on where it was, and finds an edge."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "calibrate_bundles.py"
#: The one that decides, and three that only show.
GATES = ["random_entry.matched", "label_permutation", "time_shift", "random_sides"]


@pytest.fixture(scope="module")
def study() -> Any:
    spec = importlib.util.spec_from_file_location("calibrate_bundles", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_planted_edge_is_found_and_the_fair_session_is_not(study: Any) -> None:
    rows = study.judged(7, snapshots=60, draws=39, min_trades=10)
    names = [(k, r, g) for k in study.KINDS for r in ("random", "clock", "reacts") for g in GATES]
    assert [row[:3] for row in rows] == names
    p = {(kind, rule, gate): value for kind, rule, gate, value in rows}
    assert all(value is not None and 1 / 40 <= value <= 1 for value in p.values())
    for gate in GATES:
        assert p["planted", "clock", gate] < 0.1 < p["fair", "clock", gate], gate


def test_shares_are_of_the_runs_that_are_judged(study: Any) -> None:
    rows = [("fair", "random", "time_shift", p) for p in (0.05, 0.06, None, 0.01, 0.9)]
    assert study.table_of(rows) == ["| fair | random | time_shift | 2 of 4 | 50.0 ± 25.0 % |"]
    assert study.table_of([rows[2]]) == ["| fair | random | time_shift | 0 of 0 | 0.0 ± 0.0 % |"]


def test_it_goes_on_where_it_was(study: Any, tmp_path: Path, monkeypatch: Any) -> None:
    made = []

    def judged(seed: int) -> list[Any]:
        made.append(seed)
        return [("fair", "random", "time_shift", seed / 10)]

    monkeypatch.setattr(study, "judged", judged)
    for runs in (2, 3):
        monkeypatch.setattr(sys, "argv", ["x", str(tmp_path / "f"), str(runs)])
        study.main()
    assert made == [1, 2, 3]
    assert study.kept(tmp_path / "f", 2) == [("fair", "random", "time_shift", 0.2)]
