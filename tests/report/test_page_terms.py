"""A page says how the run was made, and which command computes it again."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from quantlaxmi import backtest, open_segment, run_gates
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report.html.terms import terms_of

DATA = Path(__file__).resolve().parents[2] / "data"
ONE_GATE = GatePolicy(suites={"g2": ["net_positive"]})


def report_with(**fields: Any) -> Any:
    return SimpleNamespace(**({"config": {}, "costs": {}, "risk": {}, "latency_ns": 0} | fields))


def test_the_page_has_settings_costs_limits_and_latency() -> None:
    """It had the hashes alone: nobody saw under which capital or fees a verdict was made."""
    segment = open_segment(DATA / "planted")
    limits = RiskLimits(capital="10000", leverage="3", max_loss="500")
    report = run_gates(segment, "basis_capture", policy=ONE_GATE, limits=limits, threads=1)
    page = report.to_html(backtest(segment, "basis_capture", limits=limits))
    how = page.partition('<section id="how">')[2].partition("</section>")[0]
    lines = [
        (unescape(name), unescape(value))
        for name, value in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", how)
    ]
    assert ("threshold_bps", "5") in lines
    assert ("rates.perp.taker_bps", "5") in lines and ("rates.spot.taker_bps", "10") in lines
    assert [line for line in lines if line[0] in ("capital", "leverage", "max_loss")] == [
        ("capital", "10000"),
        ("leverage", "3"),
        ("max_loss", "500"),
    ]
    assert "<dt></dt>" not in how
    assert "<p>1 ms from a decision to its order at the venue.</p>" in how
    assert "quantlaxmi-crypto verify-report --report REPORT.json --segment-dir DIR</code>" in page
    # A strategy that the library does not have is named, or the command would be refused.
    named = "--segment-dir DIR --strategy FILE.py:CLASS</code>"
    assert named in replace(report, strategy_id="mine").to_html()
    recorded = replace(report, strategy_id="recorded_fills").to_html()
    assert "verify_report(&#34;REPORT.json&#34;, &#34;DIR&#34;, strategy=recorded)" in recorded


def test_what_is_not_there_is_said() -> None:
    found = dict(terms_of(report_with()))
    assert found["Costs"] == [("", "None: every fill was free.")]
    assert found["Limits of risk"] == [("", "None: no loss, position or capital was bounded.")]
    assert found["Latency"] == [("", "0 ms from a decision to its order at the venue.")]


def test_nested_values_are_lines_by_their_path() -> None:
    """A list of fees is a line each, by its name; plain lists are one line; no line is endless."""
    fee = {"name": "stt", "percent": "0.1", "taxed": False, "side": "sell"}
    costs = {"components": {"call": [fee, {"percent": "1e-2"}]}, "plain": ["1e1", "x"], "off": None}
    assert dict(terms_of(report_with(costs=costs)))["Costs"] == [
        ("components.call.stt", "percent 0.1, side sell, taxed no"),
        ("components.call.2", "percent 0.01"),
        ("off", "–"),
        ("plain", "10, x"),
    ]
    config = {f"s{k}": "9" * 5000 for k in range(100)}
    lines = dict(terms_of(report_with(config=config)))["Settings of the strategy"]
    assert len(lines) == 61 and lines[-1] == ("", "and 40 more in the report.")
    assert max(len(value) for _, value in lines) == 200


def test_a_value_of_a_thousand_levels_is_one_line() -> None:
    """JSON that deep is read, and a walk of a call a level ended in a RecursionError."""
    deep: Any = "1"
    for _ in range(5000):
        deep = [{"a": deep}]
    assert dict(terms_of(report_with(risk={"x": deep})))["Limits of risk"] == [
        ("x" + ".1.a" * 4, "and more in the report")
    ]
