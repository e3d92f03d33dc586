"""A new gate is one file and one entry: policy, report, terminal and verify-report have it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, EngineError, ReportError
from quantlaxmi.gates import GatePolicy, Verdict, suites
from quantlaxmi.gates.policy import load_policy
from quantlaxmi.gates.suites import gates_of, suite_names
from quantlaxmi.report import load_report, run_gates, verify_report
from quantlaxmi.segment import open_segment
from tests.gates import toy_gate

DATA = Path(__file__).resolve().parents[2] / "data"
TOML = '[suites]\ng2 = ["net_positive"{}]\n[toy]\nmost_fills = {}\n'


@pytest.fixture(params=["g2", "toys"])
def suite(request, monkeypatch):
    """The toy gate as one entry more, in G2 or in a suite of its own."""
    gate = toy_gate.GATE if request.param == "g2" else toy_gate.ALONE
    monkeypatch.setattr(suites, "ALL_GATES", (*suites.ALL_GATES, gate))
    return request.param


@pytest.fixture
def policy(suite, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(TOML.format(', "toy"' if suite == "g2" else "", 99))
    return path


def test_the_policy_has_its_table(suite, policy):
    loaded = load_policy(policy)
    assert loaded.to_json()["toy"] == {"most_fills": 99}
    assert "toy" in loaded.suites[suite]
    assert loaded.policy_hash != loaded.replace(toy={"most_fills": 98}).policy_hash
    policy.write_text(TOML.format("", 0))
    with pytest.raises(ConfigError, match=r"\(toy.most_fills\): was 0, expected a whole number"):
        load_policy(policy)
    policy.write_text("[toy]\nmost_fill = 5\n")
    with pytest.raises(ConfigError, match=r"\(toy.most_fill\): .* did you mean most_fills"):
        load_policy(policy)


def test_the_command_line_shows_it_and_the_report_holds_it(suite, policy, tmp_path, capsys):
    path = tmp_path / "report.json"
    command = ["run-gates", "--segment-dir", str(DATA / "planted"), "--strategy", "basis_capture"]
    command += [
        "--gates",
        suite,
        "--policy",
        str(policy),
        "--output-report",
        str(path),
        "--verbose",
    ]
    assert main_crypto(command) == 1
    out = capsys.readouterr().out
    assert "Fills: 1212, limit 99." in out
    plain = json.loads(path.read_text())
    found = [r for r in plain["suites"][suite]["results"] if r["gate"] == "toy"]
    assert [(r["verdict"], r["details"], r["labels"]) for r in found] == [
        ("FAIL", {"fills": 1212}, {"kind": "wooden"})
    ]
    assert main_crypto(["verify-report", "--report", str(path), *command[1:3]]) == 0
    assert "REPORT_MATCH" in capsys.readouterr().out


def test_verify_report_names_what_was_changed(suite, policy, tmp_path):
    segment, path = open_segment(DATA / "planted"), tmp_path / "report.json"
    report = run_gates(segment, "basis_capture", gates=(suite,), policy=load_policy(policy))
    details = json.loads(json.dumps(report.suites[suite]))
    details["results"][-1]["details"]["fills"] = 3
    replace(report, suites={suite: details}).sealed().save(path)
    check = verify_report(path, segment)
    at = len(details["results"]) - 1
    assert [str(d) for d in check.differences] == [
        f"suites.{suite}.results[{at}].details.fills was 3, recomputed 1212"
    ]
    assert load_report(path).results[0].result("toy").verdict is Verdict.FAIL


def test_both_suites_run_in_one_report(suite):
    if suite == "g2":
        pytest.skip("of the suite of its own")
    assert suite_names() == ("g2", "g3", "toys")
    assert [gate.name for gate in gates_of("toys")] == ["toy"]
    segment, policy = open_segment(DATA / "planted"), GatePolicy(suites={"g2": ["net_positive"]})
    report = run_gates(segment, "basis_capture", gates=("g2", "toys"), policy=policy)
    assert [found.suite for found in report.results] == ["g2", "toys"]
    assert [found.verdict for found in report.results] == ["INCONCLUSIVE", "PASS"]
    assert report.results[0].left_out[0] == "look_ahead"
    assert report.verdict == "INCONCLUSIVE"
    policy = policy.replace(toy={"most_fills": 1})
    assert (
        run_gates(segment, "basis_capture", gates=("g2", "toys"), policy=policy).verdict == "FAIL"
    )


def test_a_report_of_a_gate_that_is_not_there_is_refused(policy, suite, tmp_path, monkeypatch):
    segment, path = open_segment(DATA / "planted"), tmp_path / "report.json"
    run_gates(segment, "basis_capture", gates=(suite,), policy=load_policy(policy)).save(path)
    monkeypatch.undo()
    with pytest.raises(ReportError, match=r"\((policy\.toy|suites)\)"):
        verify_report(path, segment)


def test_a_gate_that_gives_other_results_than_it_declares_is_an_error(suite, monkeypatch):
    wrong = replace(toy_gate.GATE, suite=suite, evaluate=lambda context: [])
    monkeypatch.setattr(suites, "ALL_GATES", (*suites.ALL_GATES[:-1], wrong))
    policy = GatePolicy(suites={suite: ["toy"]})
    with pytest.raises(EngineError, match=r"the gate toy gave \[\], it declares \['toy'\]"):
        run_gates(open_segment(DATA / "planted"), "basis_capture", gates=(suite,), policy=policy)


def test_the_runner_makes_inconclusive_results(suite):
    from quantlaxmi.strategies.registry import StrategyRegistry

    idle = StrategyRegistry().create("basis_capture", sets=["threshold_bps=9000"])
    policy = GatePolicy(suites={suite: ["toy"]})
    segment = open_segment(DATA / "planted")
    report = run_gates(segment, idle, gates=(suite,), policy=policy)
    assert report.verdict == "INCONCLUSIVE"
    toy = report.results[0].result("toy")
    assert (toy.role, toy.labels) == ("guard", {"kind": "wooden"})
    assert toy.reasons == ("Fills: none. Run it on more data.",)
