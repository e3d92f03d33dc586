"""``early = "guards"`` skips dear gates once a guard has failed, and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.gates.results import GateResult, ResultSpec
from quantlaxmi.gates.suites import ALL_GATES, failed_guard_of, gates_of
from quantlaxmi.report import load_report, run_gates, verify_report
from quantlaxmi.segment import open_segment

DATA = Path(__file__).resolve().parents[2] / "data"
FEW = {
    "suites": {"g2": ["net_positive", "delay", "equity", "random_sides", "lag_profile"]},
    "random_sides": {"n_draws": 200},
}
EARLY = GatePolicy(early="guards")


@pytest.fixture(scope="module")
def edgeless():
    return open_segment(DATA / "edgeless")


@pytest.fixture(scope="module")
def skipped(edgeless):
    """A report of all gates; the edgeless run loses money, so the first guard fails."""
    return run_gates(edgeless, "basis_capture", policy=EARLY)


def test_dear_gates_are_skipped_and_the_verdict_is_fail(skipped):
    found = {r.gate: r for suite in skipped.results for r in suite.results}
    assert found["net_positive"].verdict is Verdict.FAIL
    for gate in gates_of("g2"):
        for spec in gate.results:
            result = found[spec.name]
            assert (result.verdict is Verdict.SKIPPED) == gate.dear, spec.name
            assert type(result) is spec.kind and result.labels == spec.labels
            if gate.dear:
                assert "the guard net_positive failed" in result.reasons[0]
                assert result.monte_carlo is None
    assert (skipped.verdict, skipped.g2_passed) == ("FAIL", False)
    assert "a guard failed, so random_entry, market_null, " in skipped.verdict_text
    assert "early = guards (default off)" in skipped.policy_differences


def test_the_report_is_read_back_and_verified(skipped, edgeless, tmp_path):
    path = tmp_path / "g2.json"
    skipped.save(path)
    again = load_report(path)
    assert again.results == skipped.results and again.verdict_text == skipped.verdict_text
    assert '"SKIPPED"' in path.read_text()
    assert verify_report(path, edgeless).matches


def test_the_table_shows_what_was_skipped(tmp_path, capsys):
    policy = tmp_path / "policy.toml"
    policy.write_text('early = "guards"\n')
    words = [
        "--segment-dir",
        str(DATA / "edgeless"),
        "--strategy",
        "basis_capture",
        "--gates",
        "g2",
    ]
    assert main_crypto(["run-gates", *words, "--policy", str(policy)]) == 1
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert ["market_null", "test", "SKIPPED"] in lines
    assert ["ablation.signals", "diagnosis", "SKIPPED"] in lines


def test_gates_that_are_not_dear_find_what_they_find_without_it(edgeless):
    """The verdict too; and seeds of draws do not depend on it."""
    off, early = (
        run_gates(edgeless, "basis_capture", policy=GatePolicy(**FEW, **more))
        for more in ({}, {"early": "guards"})
    )
    by_name = {r.gate: r for r in off.results[0].results}
    for result in early.results[0].results:
        if result.verdict is not Verdict.SKIPPED:
            assert result == by_name[result.gate]
    assert (off.verdict, off.seed) == (early.verdict, early.seed) == ("FAIL", off.seed)
    assert off.policy_hash != early.policy_hash


def test_where_no_guard_fails_nothing_is_skipped():
    planted = open_segment(DATA / "planted")
    off, early = (
        run_gates(planted, "basis_capture", policy=GatePolicy(**FEW, **more))
        for more in ({}, {"early": "guards"})
    )
    assert early.results == off.results
    assert (early.verdict, early.seed) == (off.verdict, off.seed)


def test_a_guard_that_failed_in_one_suite_skips_the_dear_gates_of_the_next(edgeless):
    found = run_gates(
        edgeless,
        "basis_capture",
        policy=EARLY.replace(suites={"g2": ["net_positive"]}),
        gates=("g2", "g3"),
    )
    results = {r.gate: r for r in found.results[1].results}
    names = [spec.name for gate in gates_of("g3") for spec in gate.results]
    assert [name for name in results if name in names] == names  # in their order
    for gate in gates_of("g3"):
        for spec in gate.results:
            assert (results[spec.name].verdict is Verdict.SKIPPED) == gate.dear, spec.name
    assert found.verdict == "FAIL"


def test_off_is_the_policy_of_before():
    assert "early" not in GatePolicy().to_json()
    assert GatePolicy(early="off").policy_hash == GatePolicy().policy_hash == EARLY.draws_hash
    assert EARLY.to_json()["early"] == "guards" and EARLY.policy_hash != EARLY.draws_hash
    assert EARLY.replace(early="off") == GatePolicy()
    assert GatePolicy(**EARLY.to_json()) == EARLY
    with pytest.raises(ConfigError, match="early"):
        GatePolicy(early="tests")


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("role", ["guard", "timing guard", "test", "premium", "diagnosis"])
def test_only_a_failed_guard_skips(role, verdict):
    """Not an INCONCLUSIVE one, and not the random baseline, which a premium may pass without."""
    result: GateResult = ResultSpec("one", role).result(verdict, "so")
    expected = "one" if (role, verdict) == ("guard", Verdict.FAIL) else None
    assert failed_guard_of([result]) == expected


def test_guards_come_first_and_results_stay_in_their_order(edgeless):
    """G3 lists guards behind its tests; the edgeless run fails one of them."""
    results = run_gates(edgeless, "basis_capture", policy=EARLY, gates="g3").results[0].results
    failed = failed_guard_of(results)
    assert failed is not None
    assert results[0].gate == gates_of("g3")[0].name and results[0].verdict is Verdict.SKIPPED
    assert f"the guard {failed} failed" in results[0].reasons[0]


def test_guards_before_the_draws_and_what_costs_little_are_never_skipped():
    cheap = {gate.name for gate in ALL_GATES if not gate.dear}
    assert cheap >= {"net_positive", "look_ahead", "delay", "equity", "premium"}
    assert all(spec.role != "diagnosis" for g in ALL_GATES if not g.dear for spec in g.results)
