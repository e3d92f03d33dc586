"""What is said of a run besides its figures: each line against a count made by hand."""

from __future__ import annotations

import pickle
from collections import Counter
from fractions import Fraction

import msgspec
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.summary.line import SummaryLine, price_step_of
from tests.naive.engine import Decision, Leg
from tests.run.test_orders import cancel, limit, market, modify, one, run
from tests.traded import costs


def texts(found, section):
    return [str(line) for line in found.summary() if line.section == section]


def test_a_line_is_one_sentence_with_its_share() -> None:
    line = SummaryLine("orders", "orders were refused", "worth less than 20 USDT", 912, 1073)
    assert str(line) == "912 of 1,073 orders were refused: worth less than 20 USDT"
    assert line.share == Fraction(912, 1073) and line.to_json()["share"] == "0.849953"
    assert pickle.loads(pickle.dumps(line)) == line
    bare = SummaryLine("margin", "no capital stated")
    assert str(bare) == "no capital stated" and bare.share is None
    assert str(SummaryLine("x", "a\n\x1b[31m", "b", 3, 0)) == "3 of 0 a\\n\\x1b[31m: b"


def test_orders_refused_are_told_with_their_share_and_cause() -> None:
    least = {"spot": FixedPoint(150, 0)}
    dear = msgspec.structs.replace(costs("0", "0", "0"), min_notional=least)
    schedule = {
        0: one(limit(1, 1, 99)),
        1: one(limit(1, 1, 98)),
        2: one(limit(1, 2, 98)),  # 196, enough
    }
    builder = market()
    for _ in range(3):
        builder.quote(0, 99, 5, 101, 4).wait(1)
    found = run(builder, schedule, model=dear)
    assert texts(found, "orders")[0] == "2 of 3 orders were refused: worth less than 150 USDT"


def test_a_bundle_names_the_rule_that_its_other_leg_broke() -> None:
    builder = market().quote(1, 99, 5, 101, 4).wait(1).quote(0, 99, 5, 101, 4)
    limits = RiskLimits.from_mapping({"symbols": {"S": {"max_position": "1"}}}, "risk")
    both = Decision((Leg(0, 1, 2), Leg(1, -1, 2)))
    assert texts(run(builder, {1: both}, limits=limits), "orders") == [
        "1 of 2 orders were refused: a position above 1 of S",
        "1 of 2 orders were refused: another leg of the bundle: a position above 1 of S",
    ]


def test_orders_that_end_short_are_told() -> None:
    builder = market()
    for _ in range(4):
        builder.quote(0, 99, 5, 101, 4).wait(1)
    schedule = {
        0: one(limit(1, 9, 99), Leg(0, 1, 6)),  # the second meets 4
        1: one(cancel(0), limit(1, 1, 90)),
        2: one(cancel(0), modify(0, 1, 99)),
    }
    lines = texts(run(builder, schedule), "orders")
    assert Counter(lines) == Counter(
        [
            "1 of 3 orders were cancelled whole: as the strategy asked",
            "1 of 3 orders were cancelled whole: the data ended",
            "1 of 3 orders were cancelled in part: the displayed size was used up",
            "2 of 3 changes of orders were refused: the order had ended, or was not there yet",
        ]
    )


@pytest.mark.parametrize("step", ["1", "0.5", "-2", "x", "", "1e99", float("nan"), None, 1])
def test_a_price_step_is_a_number_above_one(step) -> None:
    with pytest.raises(InputError, match="expected a number above 1"):
        price_step_of(step)


def test_a_price_step_is_read_exactly() -> None:
    assert price_step_of("1.5") == price_step_of(1.5) == Fraction(3, 2)
