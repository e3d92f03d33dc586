"""Reasons: what carries the money, what would settle it, and no more than three short parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.gates.carried_by import carried_by, what_to_change
from quantlaxmi.gates.context import Amounts
from quantlaxmi.gates.reasons import more_data, not_enough, unseen_text
from quantlaxmi.report import run_gates
from quantlaxmi.segment import open_segment

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(
    extend_factor=1,
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 9},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 99, "n_draws_extended": 99, "grid_search": "off"},
    ablation={"n_bootstrap": 99},
)


def amounts(gross=0, slippage=0, fees=0, funding=0, borrow=0):
    return Amounts(gross, slippage, fees, funding, borrow, 0, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (amounts(), "It is made of nothing."),
        (amounts(gross=100), "Carried by price moves: price moves 10."),
        (amounts(funding=90, fees=1), "Carried by funding: fees -0.1, funding 9."),
        # A maker's slippage is a gain.
        (amounts(gross=-5, slippage=-80), "Carried by spread: price moves -0.5, spread 8."),
        (
            amounts(gross=40, fees=70, slippage=12),
            "Gained by price moves, lost by fees: price moves 4, spread -1.2, fees -7.",
        ),
        (
            amounts(gross=-200, funding=150),
            "Gained by funding, lost by price moves: price moves -20, funding 15.",
        ),
        (amounts(gross=-3, borrow=4), "Lost by interest: price moves -0.3, interest -0.4."),
    ],
)
def test_what_carries_the_money_is_named(given, said):
    assert carried_by(given, -1) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (amounts(gross=40, fees=70), "Trade less often"),
        (amounts(gross=40, slippage=70), "Trade less often"),
        # Fees take what funding gives; that the moves lose a little is not the matter.
        (amounts(gross=-12, fees=2188, funding=1824), "Trade less often"),
        (amounts(gross=-12, fees=2), "Change the rule"),
        (amounts(gross=40, funding=-70), "Hold less through settlements"),
        (amounts(gross=40, borrow=70), "Hold less borrowed spot"),
        (amounts(gross=40, fees=30), "Change the rule"),
    ],
)
def test_what_to_change_follows_from_what_takes_the_money(given, said):
    assert what_to_change(given) == said


def test_what_would_settle_it():
    assert not_enough("Round trips", 12, 30).endswith("about 2.5 times as much data.")
    assert not_enough("Round trips", 11, 29).endswith("about 2.7 times as much data.")  # rounded up
    for found in (0, 30, 31, "12"):
        assert not_enough("Round trips", found, 30).endswith("Run on more data.")
    # A statistic grows with the root of the data.
    assert more_data(0.5, 1.0) == "about 4.0 times as much data"
    assert more_data(1.0, 1.6125) == "about 2.7 times as much data"
    for statistic in (-1.0, 0.0, 0.01, 1.0):
        assert more_data(statistic, 1.0) == "more data"
        assert more_data(statistic, 1.0, "new data") == "new data"


def test_the_unseen_loss_is_said():
    assert unseen_text({"unseen_loss": "1.5", "unseen_buckets": 66}) == (
        "a loss of 1.5 once in 66 buckets would erase this"
    )
    days = {"unseen_loss": "1.5", "unseen_buckets": 20, "unit": "session days"}
    assert unseen_text(days) == "a loss of 1.5 once in 20 session days would erase this"


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_a_reason_has_at_most_three_parts_and_a_verdict_its_unseen_loss(name):
    report = run_gates(open_segment(DATA / name), "basis_capture", policy=QUICK)
    (g2,) = report.results
    for result in g2.results:
        for reason in result.reasons:
            parts = re.split(r"\. (?=[A-Z])", reason)
            assert len(parts) <= 3, (result.gate, reason)
            assert reason.endswith("."), reason
    equity, net = g2.result("equity"), g2.net_positive
    for result in (equity, net):
        assert "price moves " in result.reasons[0] and "fees -" in result.reasons[0]
    if name == "planted":
        assert (report.verdict, report.edge) == ("PASS", "timing")
        assert "Carried by price moves:" in equity.reasons[0]
        loss = equity.details["unseen_loss"]
        unseen = f"a loss of {loss} once in 66 buckets would erase this"
        assert equity.reasons[0].endswith(f"Unseen: {unseen}.")
        assert report.unseen_text == unseen
    else:
        assert report.verdict == "FAIL"
        assert "Gained by price moves, lost by fees:" in net.reasons[0]
        assert report.unseen_text == ""
        assert g2.result("market_null").verdict is Verdict.FAIL
        assert "lost by fees" in g2.result("market_null").reasons[0]
        assert "This run earns by timing or not at all." in g2.result("premium").reasons[0]
