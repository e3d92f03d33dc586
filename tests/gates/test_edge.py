"""The verdict over results: every case of the order in which verdicts are tried."""

from __future__ import annotations

import itertools

import pytest

from quantlaxmi.gates.edge import edge_of
from quantlaxmi.gates.results import GateResult, Verdict

P, F, U, N = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE


def made(**verdicts):
    """Results by gate; the role follows from the name."""
    roles = {
        "equity": "test",
        "market_null": "test",
        "random": "timing guard",
        "premium": "premium",
        "look_ahead": "guard",
        "shift": "diagnosis",
    }
    return [GateResult(name, roles[name], v, ("",)) for name, v in verdicts.items()]


def judged(equity=P, market_null=P, random=P, premium=F, look_ahead=P, shift=Verdict.SHOWN):
    found = edge_of(
        made(
            equity=equity,
            market_null=market_null,
            random=random,
            premium=premium,
            look_ahead=look_ahead,
            shift=shift,
        )
    )
    return found.verdict, found.kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (P, "timing")),
        # A random baseline that does not apply, or has too little data, does not block.
        ({"random": N}, (P, "timing")),
        ({"random": U}, (P, "timing")),
        ({"premium": P}, (P, "timing")),
        # Premium where timing does not pass or does not apply.
        ({"market_null": F, "premium": P}, (P, "premium")),
        ({"market_null": U, "premium": P}, (P, "premium")),
        ({"random": F, "premium": P}, (P, "premium")),
        # A guard that failed ends both.
        ({"look_ahead": F, "premium": P}, (F, None)),
        ({"look_ahead": F, "market_null": U, "equity": U, "premium": U}, (F, None)),
        ({"look_ahead": N}, (P, "timing")),
        ({"look_ahead": U}, (U, None)),
        # Equity fails, and with it the premium.
        ({"equity": F, "market_null": U}, (F, None)),
        ({"equity": F}, (F, None)),
        # Too little data.
        ({"market_null": U}, (U, None)),
        ({"equity": U, "market_null": U, "premium": U}, (U, None)),
        ({"market_null": F, "premium": U}, (U, None)),
        # Both have their answer.
        ({"market_null": F}, (F, None)),
        ({"random": F}, (F, None)),
        # Diagnoses decide nothing.
        ({"shift": Verdict.WARN}, (P, "timing")),
    ],
)
def test_the_order_of_verdicts(given, expected):
    assert judged(**given) == expected


def test_no_combination_passes_with_a_failed_guard_or_without_a_passed_test():
    for verdicts in itertools.product((P, F, U), (P, F, U), (P, F, U, N), (P, F, U), (P, F, U, N)):
        verdict, kind = judged(*verdicts)
        equity, market, random, premium, guard = verdicts
        assert (verdict is P) == (kind is not None)
        if guard is F:
            assert verdict is F
        if verdict is P:
            assert guard in (P, N)
            assert premium is P or (equity is market is P and random is not F)


def test_a_suite_without_tests_is_its_guards():
    assert edge_of(made(look_ahead=P)).verdict is P
    assert edge_of(made(look_ahead=P)).kind is None
    assert edge_of([]).verdict is U
    assert edge_of(made(look_ahead=F, random=P)).verdict is F
