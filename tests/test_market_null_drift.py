"""The market null's two kinds of markets: with the data's drift and without it."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.events import LegIntent
from quantlaxmi.gates import GatePolicy, MonteCarlo, market_draws, market_null
from quantlaxmi.gates.coin_sides import Beside
from quantlaxmi.gates.results import Verdict
from quantlaxmi.gates.suites import G2AntiOverfitSuite
from quantlaxmi.replay import backtest
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig
from tests import cases
from tests.naive import market_null as naive
from tests.segments import INSTRUMENTS
from tests.test_market_null_size import market

GATE = "market_permutation"
POLICY = GatePolicy(
    n_market_draws=39, n_sims=99, n_neutral_pairs=2, min_trades=10, market_grid_search="off"
)


class Bull(CryptoStrategy):
    """Holds every now and then, always long."""

    strategy_id = "bull"
    Config = StrategyConfig
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx):
        self.calls = 0
        self.symbol = ctx.instruments[0].symbol

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls % 40 or ctx.in_flight:
            return None
        held = ctx.position(self.symbol).qty
        side = Side.SELL if held > 0 else Side.BUY
        return ctx.decide([LegIntent(self.symbol, side, abs(held) or 10**6)], rationale="rule")


def rising():
    """A walk that climbs."""
    tables = {name: dict(columns) for name, columns in market(5, rows=2400).tables.items()}
    for side in ("bid", "ask"):
        tables["quotes"][side] = tables["quotes"][side] + np.arange(2400) * (2 * 10**8)
    return cases.MemorySegment(tables, INSTRUMENTS)


@pytest.fixture(scope="module")
def suite():
    run = backtest(rising(), Bull(), costs=cases.costs())
    return G2AntiOverfitSuite.from_run(run, policy=POLICY, threads=1)


def test_a_drift_is_no_edge(suite):
    """Without the data's drift in the markets it would be one."""
    found = suite.run_market_permutation()[0].result
    assert found.verdict is Verdict.FAIL
    assert found.details["coin_sides"]["p_value"] < 0.001
    assert found.details["moved"]["p_value"] > 0.2
    replays = market_null.Replays(suite.inp, suite.inp.rerun, suite.inp.key(GATE))
    own = replays.sums(replays.room())
    room = replays.room()
    sums = [replays.sums(replays.move(draw, room, False)) for draw in range(39)]
    draws = [[(x.total, x.squares, x.trips)] for x in sums]
    assert naive.count(draws, (own.total, own.squares), 10, 39, 0)[1] == 0


def test_the_larger_p_of_markets_with_and_without_drift_decides(suite, monkeypatch):
    first, bad = Beside(MonteCarlo(0, 60), "first"), Beside(MonteCarlo(20, 60), "second")
    for without, deciding in ((bad, bad), (Beside(MonteCarlo(0, 199), "second"), first)):
        drawn = market_null._Drawn(first, without, {})
        monkeypatch.setattr(market_null, "_drawn", lambda _, drawn=drawn: drawn)
        found = suite.run_market_permutation()[0].result
        assert found.verdict is (Verdict.FAIL if without is bad else Verdict.PASS)
        assert found.monte_carlo == deciding.count
        assert market_null.beside(suite.inp) == deciding
        beside = suite.run_random_entry().matched.details["market"]
        assert beside == deciding.count.to_json()


def test_how_many_markets_without_drift():
    wanted = [market_draws.driftless_wanted(n) for n in (19, 198, 199, 200, 995, 1000, 10_000)]
    assert wanted == [19, 198, 199, 199, 199, 200, 2000]
