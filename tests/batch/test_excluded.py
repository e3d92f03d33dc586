"""What keeps an item out of the discoveries: all that keeps its report from a PASS by timing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from quantlaxmi.batch.figures import OWN_TESTS, POLICY, _first_failed, excluded_by
from quantlaxmi.gates.results import GateResult, Verdict, combine
from quantlaxmi.gates.suite_result import SuiteResult
from quantlaxmi.gates.suites import gates_of, left_out

#: Not SKIPPED: what is skipped has a failed guard before it, which keeps the item out.
VERDICTS = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE)
DECIDING = [
    (suite, gate.name, spec.name, spec.role)
    for suite in ("g2", "g3")
    for gate in gates_of(suite)
    for spec in gate.results
    if spec.role != "diagnosis"
]
#: Some run of each suite passes by timing with this where the role may be without an answer.
PASSING = {name: Verdict.PASS for _, _, name, _ in DECIDING}


def suites(verdicts, without=()):
    """Both suites with these verdicts, by the name of a result; without some gates."""
    made = []
    for suite in ("g2", "g3"):
        results = tuple(
            GateResult(name, role, verdicts[name], ("so it is",))
            for of, gate, name, role in DECIDING
            if of == suite and gate not in without
        )
        wanted = [gate.name for gate in gates_of(suite) if gate.name not in without]
        made.append(SuiteResult(suite, results, left_out(suite, wanted)))
    return made


def can_pass(verdicts, without=()):
    """Whether the report would PASS by timing if both of the item's own tests passed."""
    own = dict.fromkeys(OWN_TESTS, Verdict.PASS)
    made = suites(verdicts | own, without)
    return combine(one.verdict for one in made) is Verdict.PASS and made[0].edge == "timing"


def test_an_item_stays_exactly_where_its_report_could_pass():
    """Each result with each verdict, in pairs."""
    names = [name for _, _, name, _ in DECIDING if name not in OWN_TESTS]
    kept = 0
    for two in itertools.combinations(names, 2):
        for both in itertools.product(VERDICTS, repeat=2):
            verdicts = PASSING | dict(zip(two, both, strict=True))
            for market, equity in itertools.product((Verdict.PASS, Verdict.FAIL), repeat=2):
                found = verdicts | {"market_null": market, "equity": equity}
                assert (excluded_by(suites(found)) == "") == can_pass(found), found
                kept += excluded_by(suites(found)) == ""
    assert kept > 100


@pytest.mark.parametrize("gate", sorted({gate for _, gate, _, _ in DECIDING}))
def test_an_item_whose_policy_leaves_out_a_gate_that_decides_is_out(gate):
    assert excluded_by(suites(PASSING)) == ""
    assert excluded_by(suites(PASSING, {gate})) == POLICY
    assert not can_pass(PASSING, {gate})


def test_a_gate_that_did_not_pass_is_named_before_the_policy():
    found = suites(PASSING | {"delay": Verdict.FAIL}, {"random_entry"})
    assert excluded_by(found) == "delay"


@pytest.mark.parametrize("own", OWN_TESTS)
@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.SKIPPED])
def test_an_own_test_without_an_answer_has_no_p(own, verdict):
    assert excluded_by(suites(PASSING | {own: verdict})) == own


def test_a_suite_without_the_tests_has_no_p():
    _, g3 = suites(PASSING)
    assert excluded_by([g3]) == "market_null"
    assert excluded_by([]) == "market_null"


def test_diagnoses_may_be_left_out():
    (g2, g3) = suites(PASSING)
    shown = GateResult("time_shift", "diagnosis", Verdict.WARN, ("it moves",))
    assert excluded_by([replace(g2, results=(*g2.results, shown)), g3]) == ""


def test_the_guard_that_failed_is_named_and_not_what_was_skipped_for_it():
    """Dear gates stand before it in the order of the gates, and are asked after it."""
    skipped = dict.fromkeys(("walk_forward", "selection"), Verdict.SKIPPED)
    found = suites(PASSING | skipped | {"cost_sensitivity": Verdict.FAIL})
    assert excluded_by(found) == _first_failed(found) == "cost_sensitivity"
