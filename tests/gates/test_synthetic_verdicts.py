"""What all deciding gates together say of the generated sessions of ten days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import quantlaxmi as ql
from quantlaxmi.gates import GatePolicy
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.strategies.calendar_carry import CalendarCarry

DECIDING = ("net_positive", "look_ahead", "delay", "equity", "premium", "random_entry",
            "market_null")  # fmt: skip
POLICY = GatePolicy(
    suites={"g2": DECIDING},
    random_entry={"n_sims": 1_000},
    market_null={"n_draws": 99, "n_draws_extended": 99, "grid_search": "off"},
)
#: Twelve lots, because brokerage is flat an order; half an hour each, so that ten days have 30.
SETTINGS = "front_lots=12 max_hold_s=1800 target=0 stop=0 cooldown_s=0"


def report_of(kind: str, folder: Path) -> tuple[str, dict[str, Any]]:
    segment = generate_chain_segment(kind, folder)
    strategy = CalendarCarry(CalendarCarry.Config.load(sets=[SETTINGS]))
    report = ql.run_gates(segment, strategy, gates="g2", policy=POLICY)
    found = {one.gate: str(one.verdict) for suite in report.results for one in suite.results}
    return str(report.verdict), found


def test_a_planted_session_lacks_nothing_but_days(tmp_path: Path) -> None:
    """The market null and all guards pass; ten days are too few for the equity test."""
    verdict, found = report_of("planted", tmp_path / "s")
    assert verdict == "INCONCLUSIVE" and found.pop("equity") == "INCONCLUSIVE"
    assert found.pop("premium") == "FAIL"  # its profit is timing
    assert set(found.values()) == {"PASS"}, found


@pytest.mark.parametrize("gate", ["market_null", "random_entry.matched", "net_positive"])
def test_the_fair_twin_fails(gate: str, fair: tuple[str, dict[str, Any]]) -> None:
    verdict, found = fair
    assert (verdict, found[gate]) == ("FAIL", "FAIL")


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    return report_of("fair", tmp_path_factory.mktemp("fair") / "s")
