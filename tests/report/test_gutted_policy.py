"""A policy that asks less buys no PASS: the suite is whole or INCONCLUSIVE, and all say how."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ReportError
from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.gates.suites import ALL_GATES, gates_of, left_out
from quantlaxmi.report import GateReport, load_report, run_gates, verify_report
from quantlaxmi.segment import open_segment

DATA = Path(__file__).resolve().parents[2] / "data"
GUTTED = GatePolicy(suites={"g2": ["look_ahead"]}, alpha="0.5")
SAID = ("alpha = 0.5 (default 0.05)", "suites.g2 without net_positive, delay, equity, ")


@pytest.fixture(scope="module")
def edgeless():
    return open_segment(DATA / "edgeless")


@pytest.fixture(scope="module")
def report(edgeless):
    return run_gates(edgeless, "basis_capture", policy=GUTTED)


@pytest.fixture
def saved(report, tmp_path):
    path = tmp_path / "g2.json"
    report.save(path)
    return path


def test_a_suite_that_lacks_a_test_never_passes(report):
    assert report.results[0].look_ahead.verdict is Verdict.PASS
    assert (report.verdict, report.g2_passed) == ("INCONCLUSIVE", False)
    assert report.suites["g2"]["passed"] is False
    assert report.g2_details["reasons"][0].startswith("policy: g2 leaves out net_positive, ")
    assert "random_entry" in report.suites["g2"]["left_out"]


@pytest.mark.parametrize("gate", ALL_GATES, ids=lambda gate: gate.name)
def test_every_gate_that_decides_is_missed(gate):
    kept = [one.name for one in ALL_GATES if one is not gate]
    diagnoses = ("label_permutation", "time_shift", "lag_profile", "random_sides", "ablation")
    expected = () if gate.name in diagnoses else (gate.name,)
    assert left_out(gate.suite, kept) == expected


def test_a_failing_gate_fails_a_suite_that_lacks_others(edgeless):
    policy = GatePolicy(suites={"g2": ["net_positive"]})
    assert run_gates(edgeless, "basis_capture", policy=policy).verdict == "FAIL"


def test_every_difference_is_named():
    assert GatePolicy().differences == ()
    assert GatePolicy().replace(alpha="0.0500").differences == ()
    found = GatePolicy(
        min_trades=2, delay={"delays_ms": [50]}, suites={"g2": list(GUTTED.suites["g2"])}
    ).differences
    names = [gate.name for gate in gates_of("g2")]
    assert found == (
        "min_trades = 2 (default 30)",
        f"suites.g2 without {', '.join(name for name in names if name != 'look_ahead')}",
        "delay.delays_ms = [50] (default [10, 50, 100, 250, 1000, 5000])",
    )
    assert GatePolicy(suites={"g2": names[::-1]}).differences == ("suites.g2 in another order",)


def test_a_policy_is_a_key():
    assert hash(GatePolicy()) == hash(GatePolicy(alpha="0.050"))
    assert len({GatePolicy(), GatePolicy(alpha="0.05"), GUTTED}) == 2


def test_the_file_holds_what_passed_under_the_report_s_hash(report, saved):
    plain = json.loads(saved.read_text())
    assert (plain["g2_passed"], plain["g3_passed"]) == (False, None)
    assert plain["policy_differences"] == list(report.policy_differences)
    assert load_report(saved) == report
    for name, value in (("g2_passed", True), ("g2_passed", None), ("g3_passed", False)):
        with pytest.raises(ReportError, match=rf"\({name}\): was {value}, the suites give"):
            load_report(forged(report, saved, **{name: value}))
    for name in ("g2_passed", "g3_passed", "policy_differences"):
        with pytest.raises(ReportError, match=rf"\({name}\): is missing"):
            load_report(forged(report, saved, **{name: ...}))


def forged(report, path, **changes):
    """The report's file with other fields, and hashes that fit."""
    from quantlaxmi.report import gate_report

    plain = report.to_json() | changes
    plain = {name: value for name, value in plain.items() if value is not ...}
    hashed = {k: v for k, v in plain.items() if k not in gate_report._UNHASHED}
    plain["report_hash"] = gate_report.canonical_digest("quantlaxmi.gate-report.v2", hashed).hex()
    plain["file_hash"] = gate_report._file_hash(plain)
    path.write_bytes(gate_report._text(plain))
    return path


def test_a_report_that_calls_its_policy_default_is_found_out(edgeless, report, saved):
    replace(report, policy_differences=()).sealed().save(saved)
    check = verify_report(saved, edgeless)
    assert not check.matches
    assert [d.field for d in check.differences] == ["policy_differences"]


def test_verify_report_demands_a_policy(edgeless, report, saved):
    assert verify_report(saved, edgeless, policy=GUTTED).matches
    with pytest.raises(ReportError, match=r"\(policy\): alpha was 0\.5, demanded 0\.05"):
        verify_report(saved, edgeless, policy=GatePolicy())


def test_the_terminal_says_the_policy(saved, tmp_path, capsys):
    toml = tmp_path / "policy.toml"
    toml.write_text('alpha = 0.5\n[suites]\ng2 = ["look_ahead"]\n')
    segment = ["--segment-dir", str(DATA / "edgeless")]
    run = ["run-gates", *segment, "--strategy", "basis_capture", "--gates", "g2"]
    assert main_crypto([*run, "--policy", str(toml)]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert all(text in out for text in SAID)
    verify = ["verify-report", "--report", str(saved), *segment]
    assert main_crypto(verify) == 0
    out = capsys.readouterr().out
    assert "REPORT_MATCH" in out
    assert all(text in out for text in SAID)
    assert main_crypto([*verify, "--policy", str(toml)]) == 0
    assert main_crypto([*verify, "--policy", "default"]) == 2
    assert "demanded 0.05" in capsys.readouterr().err


def test_a_report_says_default():
    assert GateReport.policy_text.fget(replace_differences(())) == "default"
    assert GateReport.policy_text.fget(replace_differences(("a", "b"))) == "a; b"


def replace_differences(found):
    from fuzz.targets.gate_report import REPORT

    return replace(REPORT, policy_differences=found)
