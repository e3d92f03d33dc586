"""Reports of the robustness suite: whole, recomputed, the same over threads and interruptions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from quantlaxmi import (
    SelectionResult,
    WalkForwardResult,
    backtest,
    open_segment,
    run_gates,
    verify_report,
)
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import load_report
from quantlaxmi.strategies.registry import StrategyRegistry

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(
    suites={"g2": ["net_positive", "equity"]},
    walk_forward={"folds": 4},
    market_null={"n_draws": 19, "n_draws_extended": 19},
)


class Small(type(StrategyRegistry().create("basis_capture"))):  # type: ignore[misc]
    """The bundled strategy with a grid of its own."""

    grid: ClassVar = {"threshold_bps": ("4", "6")}


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def report(planted):
    return run_gates(planted, Small, gates="g2,g3", policy=QUICK, threads=1)


def test_a_report_has_both_suites_and_their_policy(planted, report):
    assert report.g3_passed is True and report.g3_details["verdict"] == "PASS"
    assert report.policy["walk_forward"]["folds"] == 4
    assert report.policy["suites"]["g3"] == report.g3_details["gates"]
    walk = report.results[1].walk_forward
    assert isinstance(walk, WalkForwardResult) and len(walk.folds) == 4
    # Without G3 nothing says that it passed, and its defaults are not in the policy.
    alone = run_gates(planted, Small, policy=GatePolicy(suites=QUICK.suites))
    assert alone.g3_passed is None and alone.g3_details == {}
    assert "walk_forward" not in alone.policy
    selection = report.results[1].selection
    assert isinstance(selection, SelectionResult) and selection.n_settings == 3
    only = run_gates(planted, Small, gates=("g3",), policy=QUICK)
    assert only.g2_passed is None and only.g3_passed is True and only.verdict == "PASS"
    assert only.edge is None
    assert "best of 3 settings allowed for" in only.verdict_text


def test_it_is_the_same_over_threads_and_with_a_checkpoint(planted, report, tmp_path):
    for options in ({"threads": 2}, {"threads": 1, "checkpoint": tmp_path / "c"}):
        again = run_gates(planted, Small, gates=("g2", "g3"), policy=QUICK, **options)
        assert again.report_hash == report.report_hash


def test_an_interrupted_run_goes_on_to_the_same_report(planted, report, tmp_path):
    options = {"gates": ("g2", "g3"), "policy": QUICK, "threads": 1, "checkpoint": tmp_path / "c"}
    asked = []

    def interrupt(gate, done, total):
        asked.append(gate)
        if gate == "market_null.driftless" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_gates(planted, Small, progress=interrupt, **options)
    assert "market_null.drifting" in asked and (tmp_path / "c").exists()
    assert run_gates(planted, Small, **options).report_hash == report.report_hash


def test_it_is_read_back_and_recomputed(planted, report, tmp_path):
    path = tmp_path / "r.json"
    report.save(path)
    loaded = load_report(path)
    assert loaded == report and loaded.results == report.results
    assert isinstance(loaded.results[1].results[0], WalkForwardResult)
    check = verify_report(path, planted, strategy=Small, threads=2)
    assert check.matches and not check.differences


def test_an_edited_figure_is_named(planted, report, tmp_path):
    suites = json.loads(json.dumps(report.suites))
    suites["g3"]["results"][0]["details"]["folds"][2]["net"] = "1000"
    path = tmp_path / "r.json"
    replace(report, suites=suites).sealed().save(path)
    check = verify_report(path, planted, strategy=Small)
    assert not check.matches
    assert [d.field for d in check.differences] == ["suites.g3.results[0].details.folds[2].net"]


def test_trials_of_a_ledger_are_searched_and_those_made_later_change_nothing(planted, tmp_path):
    def run(threshold):
        sets = [f"threshold_bps={threshold}"]
        backtest(planted, Small.made_with(Small.Config.load(sets=sets)), trials=ledger)

    ledger, path = tmp_path / "ledger", tmp_path / "r.json"
    ledger.mkdir()
    policy = QUICK.replace(suites={"g3": ["selection"]})
    run(8)
    report = run_gates(planted, Small, gates="g3", policy=policy, threads=1, trials=ledger)
    selection = report.results[0].selection
    assert selection.n_settings == selection.details["settings_searched"] == 4
    assert "best of 4 settings allowed for, 4 trials in the ledger, 0" in report.verdict_text
    report.save(path)
    run(7)
    assert verify_report(path, planted, strategy=Small, threads=2).matches
