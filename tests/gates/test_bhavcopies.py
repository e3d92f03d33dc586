"""Robustness gates over the recorded bhavcopies: too few days, and the count is said."""

from __future__ import annotations

import pytest

from quantlaxmi import run_gates
from quantlaxmi.gates import GatePolicy, Verdict
from quantlaxmi.importers import import_capture
from quantlaxmi.strategies import StrategyRegistry
from tests.importers.test_udiff import DAYS

pytestmark = pytest.mark.skipif(not DAYS.is_dir(), reason="no recorded bhavcopies here")


def test_walk_forward_over_fifteen_days_says_how_many_there_are(tmp_path):
    mapping = tmp_path / "quotes.toml"
    mapping.write_text("half_spread_bps = 50\nsize = 3000\n")
    import_capture(
        "udiff", inputs=[DAYS], underlying="NIFTY", mapping=mapping, out=tmp_path / "eod"
    )
    # A close is known when the session is over, and its spread is the one that was assumed.
    sets = ("max_bid_ask_spread_pct=0", "close_buffer_s=0", "max_quote_age_s=0")
    strategy = StrategyRegistry().create("calendar_carry", sets=sets)
    policy = GatePolicy(suites={"g3": ["walk_forward", "cost_sensitivity"]})
    report = run_gates(tmp_path / "eod", strategy, gates="g3", policy=policy, threads=1)
    found = {one.gate: one for suite in report.results for one in suite.results}
    assert {one.verdict for one in found.values()} == {Verdict.INCONCLUSIVE}
    assert "Session days out of sample: 7, at least 60 needed" in found["walk_forward"].reasons[0]
    assert "Round trips: 2, at least 30 needed" in found["cost_sensitivity"].reasons[0]
