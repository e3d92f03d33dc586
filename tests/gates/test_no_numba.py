"""Gates load nothing heavy: their draws are compiled with the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi._ext import (
    permutation,
    random_entry,
    random_sides,
    stationary_bootstrap,
    time_shift,
)
from quantlaxmi.parallel.rows import fill_rows

PLANTED = Path(__file__).parents[2] / "data" / "planted"
IMPORTS = "import sys, quantlaxmi.gates, quantlaxmi.gates.suites, quantlaxmi.report\n"
RUNS = f"""
from quantlaxmi.gates import GatePolicy
few = ["look_ahead", "random_entry", "label_permutation", "time_shift", "lag_profile",
       "random_sides", "ablation"]
policy = GatePolicy(suites={{"g2": few}}, random_entry={{"n_sims": 99}})
quantlaxmi.report.run_gates({str(PLANTED)!r}, "basis_capture", policy=policy)
"""


@pytest.mark.parametrize(("code", "heavy"), [("", "numba scipy matplotlib"), (RUNS, "numba")])
def test_gates_load_no_numba(code, heavy):
    code = IMPORTS + code + f"print([m for m in {heavy.split()} if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 1000, 40_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_row_is_filled_once(rows, threads):
    out = np.zeros((rows, 2), np.uint64)

    def fill(first, part):
        part[:, 0] += np.arange(first, first + len(part), dtype=np.uint64)
        part[:, 1] += 1

    fill_rows(out, threads, fill)
    assert out[:, 0].tolist() == list(range(rows))
    assert (out[:, 1] == 1).all()


def test_an_error_of_a_piece_is_raised():
    def fill(first, part):
        if first >= 32:
            raise ValueError(f"row {first}")

    with pytest.raises(ValueError, match="row 32"):
        fill_rows(np.zeros((1000, 1)), 2, fill)


def test_an_array_of_another_width_is_refused():
    """Else a draw would be written over its neighbour."""
    wrong, none = np.zeros((2, 3), np.uint64), np.zeros(0, np.int64)
    for work in (
        lambda: random_entry.matched(1, 0, None, None, None, None, wrong),
        lambda: random_entry.neutral(1, 0, None, None, None, None, wrong),
        lambda: permutation.shuffled(1, 0, None, None, wrong),
        lambda: permutation.identity(None, None, wrong),
        lambda: time_shift.circular(none, None, wrong),
        lambda: random_sides.random_sides(1, 0, none, wrong),
        lambda: stationary_bootstrap.resampled_sums(
            1, 0, 1, np.zeros((1, 2), np.int64), np.zeros((1, 3), np.int64)
        ),
    ):
        with pytest.raises(ValueError, match="out has"):
            work()
