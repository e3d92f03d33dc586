"""Null distributions in a report: every count has its histogram, the same however it is made."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.gates import label_permutation, random_entry, time_shift
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.report.gate_report import load_report
from quantlaxmi.report.run_gates import run_gates
from quantlaxmi.segment import open_segment
from quantlaxmi.stats.histogram import BINS
from tests.gate_fakes import judged, make_input, pair_trips, walk_points

ROOT = Path(__file__).resolve().parents[2]
POLICY = GatePolicy(
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 2},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 30, "n_draws_extended": 30},
    ablation={"n_bootstrap": 199},
)


def counts_in(value):
    """Every Monte Carlo count in a report's JSON."""
    if isinstance(value, dict):
        if "exceedances" in value:
            yield value
        for inner in value.values():
            yield from counts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from counts_in(inner)


@pytest.fixture(scope="module")
def report():
    return run_gates(open_segment(ROOT / "data" / "planted"), "basis_capture", policy=POLICY)


def test_every_count_has_the_histogram_of_its_draws(report):
    found = list(counts_in(report.g2_details))
    assert len(found) >= 8
    for count in found:
        bins, own = count["histogram"]["counts"], count["histogram"]["own_bin"]
        assert len(bins) == BINS <= 60
        assert sum(bins) == count["draws"]
        # A draw above the strategy's bin is an exceedance, one below it is none.
        assert sum(bins[own + 1 :]) <= count["exceedances"] <= sum(bins[own:])


def test_the_report_hash_covers_histograms(report, tmp_path):
    report.save(tmp_path / "report.json")
    read = load_report(tmp_path / "report.json")
    assert read.report_hash == report.report_hash
    details = json.loads(json.dumps(read.g2_details))
    bins = next(counts_in(details))["histogram"]["counts"]
    bins[0], bins[1] = bins[0] + 1, bins[1] - 1
    assert dataclasses.replace(read, suites={"g2": details}).compute_hash() != report.report_hash


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("calls", [4, 9])
def test_threads_and_an_interruption_change_no_histogram(report, tmp_path, calls):
    segment, left = open_segment(ROOT / "data" / "planted"), [calls]

    def progress(gate, _done, _total):
        left[0] -= gate != "backtest"
        if left[0] == 0:
            raise Interrupted

    options = {"policy": POLICY, "threads": 2, "checkpoint": tmp_path / "c"}
    with contextlib.suppress(Interrupted):
        run_gates(segment, "basis_capture", progress=progress, **options)
    assert left[0] == 0
    again = run_gates(segment, "basis_capture", **options)
    assert list(counts_in(again.g2_details)) == list(counts_in(report.g2_details))


def swept():
    """The counts of all sweeps on a small market."""
    context = make_input(
        walk_points(3, 900), pair_trips(np.random.default_rng(3), 900, 40), policy=POLICY
    )
    results = [judged(gate, context) for gate in (random_entry, label_permutation, time_shift)]
    return list(counts_in([result.to_json() for result in results]))


def test_interpreted_kernels_make_the_same_histograms():
    command = (
        "import json; from tests.gates.test_histograms import swept; print(json.dumps(swept()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    compiled = swept()
    assert json.loads(done.stdout) == compiled
    assert len(compiled) >= 3
