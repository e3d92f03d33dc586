"""`run_gates` from Python: progress, checkpoint and resume as on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
POLICY = GatePolicy(
    suites={"g2": ["random_entry", "label_permutation", "random_sides"]},
    random_entry={"n_sims": 2000, "n_neutral_pairs": 200},
    label_permutation={"n_perms": 2000},
    random_sides={"n_draws": 2000},
)


def judged(**options):
    return run_gates(PLANTED, "basis_capture", policy=POLICY, **options)


def test_progress_names_the_gate_and_how_much_is_done():
    seen: dict[str, list[tuple[int, int]]] = {}
    whole = judged(
        progress=lambda gate, done, total: seen.setdefault(gate, []).append((done, total))
    )
    assert whole.report_hash == judged().report_hash
    assert {"backtest", "random_entry.matched", "label_permutation", "random_sides"} <= set(seen)
    for calls in seen.values():
        assert [done for done, _ in calls] == sorted(done for done, _ in calls)
        assert all(0 <= done <= total for done, total in calls)
        assert calls[-1][0] == calls[-1][1]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupted_run_is_resumed_from_its_checkpoint(tmp_path, threads):
    class Stop(Exception):
        pass

    def stop(gate, done, total):
        if gate == "random_sides":
            raise Stop

    kept = tmp_path / "draws.json"
    with pytest.raises(Stop):
        judged(threads=threads, checkpoint=kept, progress=stop)
    assert kept.exists()
    drawn = []
    resumed = judged(
        threads=threads,
        checkpoint=kept,
        progress=lambda gate, done, total: drawn.append((gate, done)),
    )
    assert resumed.report_hash == judged().report_hash
    first = [done for gate, done in drawn if gate == "label_permutation"]
    assert first in ([], [2000])  # counted before: not drawn again
