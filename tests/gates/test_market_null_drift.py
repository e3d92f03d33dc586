"""The market null's two kinds of markets: with the data's drift and without it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from quantlaxmi.gates import GatePolicy, MonteCarlo
from quantlaxmi.gates.context import Memo
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.resampling import market_counts, market_draws
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
    market_null={"n_draws": 39, "n_draws_extended": 39, "grid_search": "off"},
    random_entry={"n_sims": 99, "n_neutral_pairs": 2},
)


def rising():
    """A walk that climbs."""
    tables = {name: dict(columns) for name, columns in market(5, rows=2400).tables.items()}
    for side in ("bid", "ask"):
        tables["quotes"][side] = tables["quotes"][side] + np.arange(2400) * (2 * 10**8)
    return market_builder.MemorySegment(tables, INSTRUMENTS)


def fresh(suite):
    """The suite without what it made before: these tests change what is made."""
    return replace(suite, context=replace(suite.context, memo=Memo()))


@pytest.fixture(scope="module")
def suite():
    run = backtest(rising(), InAndOut(), costs=traded.costs())
    return G2AntiOverfitSuite.from_run(run, policy=POLICY, threads=1)


def test_a_drift_is_no_edge(suite):
    """Without the data's drift in the markets it would be one."""
    found = fresh(suite).run_market_null()[0]
    assert found.verdict is Verdict.FAIL
    drifting, driftless = (found.details[kind]["count"] for kind in ("drifting", "driftless"))
    assert drifting["p_value"] > 0.2
    assert (driftless["exceedances"], driftless["draws"]) == (0, 39)
    replays = market_counts.Replays(suite.context, suite.context.rerun, suite.context.key(GATE))
    own = replays.sums(replays.room())
    room = replays.room()
    sums = [replays.sums(replays.move(draw, room, False)) for draw in range(39)]
    draws = [[(x.total, x.squares, x.trips)] for x in sums]
    assert naive.count(draws, (own.total, own.squares), 10, [(39, 0)])[0] == 0


@pytest.mark.parametrize("bad", ["drifting", "driftless"])
def test_the_larger_p_of_markets_with_and_without_drift_decides(suite, monkeypatch, bad):
    good, worse = MonteCarlo(0, 39), MonteCarlo(20, 39)

    def count(draws, *, few=False):
        chosen = worse if draws.drift == (bad == "drifting") else good
        return chosen, chosen

    monkeypatch.setattr(market_draws.MarketDraws, "count", count)
    found = fresh(suite).run_market_null()[0]
    assert found.verdict is Verdict.FAIL
    assert found.monte_carlo == worse
    monkeypatch.setattr(market_draws.MarketDraws, "count", lambda _, few: (good, good))
    assert fresh(suite).run_market_null()[0].verdict is Verdict.PASS


@pytest.mark.parametrize("short", ["drifting", "driftless"])
def test_markets_that_tell_too_little_leave_the_gate_inconclusive(suite, monkeypatch, short):
    def count(draws, *, few=False):
        made = 3 if draws.drift == (short == "drifting") else 39
        return MonteCarlo(0, made), MonteCarlo(0, 390)

    monkeypatch.setattr(market_draws.MarketDraws, "count", count)
    found = fresh(suite).run_market_null()[0]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == (
        f"Sign-flipped markets ({short}) on which the strategy made 10 round trips: 3 of 390, at "
        "least 39 needed. Run on more data.",
    )


def test_still_prices_have_no_signs_without_drift(suite, monkeypatch):
    """A price that stands still deviates from its mean, yet its sign turns nothing over."""
    flips = SimpleNamespace(n_free=1000, n_moving=5)
    original = market_counts.Replays

    class Still(original):
        def __init__(self, *args):
            super().__init__(*args)
            kernel = self.flips
            self.flips = SimpleNamespace(
                **{n: getattr(kernel, n) for n in ("room", "apply", "draw", "uses_depth")},
                **{n: getattr(kernel, n) for n in ("n_instants", "n_increments")},
                **vars(flips),
            )

    monkeypatch.setattr(market_counts, "Replays", Still)
    found = fresh(suite).run_market_null()[0]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == (
        "Distinct arrangements: 32, at least 1000 needed. Run on about 31.3 times as much data.",
    )
    assert found.details["free_signs_driftless"] == 5


@pytest.mark.parametrize("tries", [8, 11])
def test_a_study_draws_the_other_kind_no_further_than_it_needs(suite, monkeypatch, tries):
    """Where one kind fails the test, the other can only leave it INCONCLUSIVE."""
    asked = []

    def count(draws, *, few=False):
        asked.append((draws.drift, few))
        if draws.drift:
            return MonteCarlo(2, 4, stopped=True), MonteCarlo(2, 4)
        # Of `tries` draws eight count, and when all are made, as many as are wanted.
        return (MonteCarlo(0, 8), MonteCarlo(0, tries)) if few else (MonteCarlo(0, 39),) * 2

    monkeypatch.setattr(market_draws.MarketDraws, "count", count)
    shown = fresh(suite)
    assert shown.run_market_null()[0].verdict is Verdict.FAIL
    assert asked == [(True, False), (False, False)]
    asked.clear()
    study = replace(suite, context=replace(suite.context, memo=Memo(), describes=False))
    assert study.run_market_null()[0].verdict is Verdict.FAIL
    again = [(False, False)] if tries > 10 else []
    assert asked == [(True, False), (False, True), *again]


def test_few_draws_are_the_first_ones(suite):
    replays = market_counts.Replays(suite.context, suite.context.rerun, suite.context.key(GATE))
    own = replays.sums(replays.room())
    made = market_counts.prepare(suite.context, suite.context.rerun, {}, False)
    count, every = made.driftless.count(few=True)
    assert (count.draws, count.stopped) == (market_draws.FEW_DRAWS, False)
    room = replays.room()
    each = [replays.sums(replays.move(d, room, False)) for d in range(every.draws)]
    naively = naive.count(
        [[(x.total, x.squares, x.trips)] for x in each], (own.total, own.squares), 10, [(8, 0)]
    )
    assert (count.exceedances, count.draws, count.stopped) == naively
