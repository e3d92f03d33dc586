"""The market null's two kinds of markets: with the data's drift and without it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from quantlaxmi.gates import GatePolicy, MonteCarlo, market_null
from quantlaxmi.gates.context import Memo
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.resampling import market_draws
from quantlaxmi.gates.resampling.companion_nulls import CompanionNull
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.replay import backtest
from tests import market_builder, traded
from tests.gates.test_market_null_size import market
from tests.in_and_out import InAndOut
from tests.naive import market_null as naive
from tests.segments import INSTRUMENTS

GATE = "market_null"
POLICY = GatePolicy(
    min_trades=10,
    market_null={"n_draws": 39, "grid_search": "off"},
    random_entry={"n_sims": 99, "n_neutral_pairs": 2},
)


def rising():
    """A walk that climbs."""
    tables = {name: dict(columns) for name, columns in market(5, rows=2400).tables.items()}
    for side in ("bid", "ask"):
        tables["quotes"][side] = tables["quotes"][side] + np.arange(2400) * (2 * 10**8)
    return market_builder.MemorySegment(tables, INSTRUMENTS)


@pytest.fixture(scope="module")
def suite():
    run = backtest(rising(), InAndOut(), costs=traded.costs())
    return G2AntiOverfitSuite.from_run(run, policy=POLICY, threads=1)


def test_a_drift_is_no_edge(suite):
    """Without the data's drift in the markets it would be one."""
    found = suite.run_market_null()[0]
    assert found.verdict is Verdict.FAIL
    assert found.details["random_sides"]["p_value"] < 0.001
    assert found.details["moved"]["p_value"] > 0.2
    replays = market_null.Replays(
        suite.context, suite.context.rerun, suite.context.key(market_draws.STREAM)
    )
    own = replays.sums(replays.room())
    room = replays.room()
    sums = [replays.sums(replays.move(draw, room, False)) for draw in range(39)]
    draws = [[(x.total, x.squares, x.trips)] for x in sums]
    assert naive.count(draws, (own.total, own.squares), 10, 39, 0)[1] == 0


def test_the_larger_p_of_markets_with_and_without_drift_decides(suite, monkeypatch):
    first, bad = (
        CompanionNull(MonteCarlo(0, 60), "first"),
        CompanionNull(MonteCarlo(20, 60), "second"),
    )
    for without, deciding in ((bad, bad), (CompanionNull(MonteCarlo(0, 199), "second"), first)):
        drawn = market_null._Drawn(first, without, {})
        monkeypatch.setattr(market_null, "_drawn", lambda _, drawn=drawn: drawn)
        found = suite.run_market_null()[0]
        assert found.verdict is (Verdict.FAIL if without is bad else Verdict.PASS)
        assert found.monte_carlo == deciding.count
        assert market_null.companion_null(suite.context) == deciding
        beside = suite.run_random_entry().details["market"]
        assert beside == deciding.count.to_json()


def test_how_many_markets_without_drift():
    wanted = [market_draws.driftless_wanted(n) for n in (19, 198, 199, 200, 995, 1000, 10_000)]
    assert wanted == [19, 198, 199, 199, 199, 200, 2000]


def test_markets_without_drift_that_tell_nothing_leave_the_gate_inconclusive(suite, monkeypatch):
    """The draws with drift would let the strategy pass; the sentence says what is missing."""
    policy = POLICY.replace(market_null={"n_draws": 40})
    suite = replace(suite, context=replace(suite.context, policy=policy))

    def count(draws):
        return MonteCarlo(0, 40 if draws.drift else 3)

    monkeypatch.setattr(market_draws.MarketDraws, "count", count)
    found = suite.run_market_null()[0]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == (
        "Sign-flipped markets without drift with 10 round trips: 3 of 400, at least 19 needed. "
        "Run on more data.",
    )
    assert found.details["driftless_draws"]["draws_wanted"] == 40
    beside = suite.run_random_entry()
    assert beside.details["market_unavailable"] == "market_null is inconclusive"


def test_still_prices_have_no_signs_without_drift(suite, monkeypatch):
    """A price that stands still deviates from its mean, yet its sign turns nothing over."""
    flips = SimpleNamespace(n_free=1000, n_moving=5)
    monkeypatch.setattr(market_draws.MarketDraws, "count", lambda _: MonteCarlo(0, 39))
    original = market_null.Replays

    class Still(original):
        def __init__(self, *args):
            super().__init__(*args)
            kernel = self.flips
            self.flips = SimpleNamespace(
                **{n: getattr(kernel, n) for n in ("room", "apply", "draw", "uses_depth")},
                **{n: getattr(kernel, n) for n in ("n_instants", "n_increments")},
                **vars(flips),
            )

    monkeypatch.setattr(market_null, "Replays", Still)
    again = replace(suite, context=replace(suite.context, memo=Memo()))
    found = again.run_market_null()[0]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ("Distinct arrangements: 32, at least 1000 needed. Run on more data.",)
    assert found.details["driftless_draws"]["free_signs"] == 5
