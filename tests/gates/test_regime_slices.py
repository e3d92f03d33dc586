"""The regimes guard: labels from the past alone, sums that are the ledger's, and its verdict."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.gates import GatePolicy, Verdict, regimes
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path import market_steps as steps_module
from quantlaxmi.gates.path.market_steps import MarketSteps
from quantlaxmi.gates.path.regimes import step_volatilities
from quantlaxmi.gates.results import RegimeSliceResult
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.stats.newey_west import newey_west
from tests.depth import examples
from tests.naive import regimes as naive

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def run():
    return backtest(open_segment(DATA / "planted"), "basis_capture")


@given(
    price=st.lists(st.integers(1, 10**12), min_size=1, max_size=40),
    window=st.integers(2, 6),
    data=st.data(),
)
@settings(max_examples=examples(150), deadline=None)
def test_volatilities_are_their_definition(price, window, data):
    found, _ = step_volatilities(np.array(price), window)
    assert found.tolist() == naive.volatilities(price, window)
    cut = data.draw(st.integers(1, len(price)))
    assert step_volatilities(np.array(price[:cut]), window)[0].tolist() == found[:cut].tolist()


def test_a_calm_beginning_is_low_and_a_wild_end_high():
    price = np.array([100 + k % 2 for k in range(20)] + [100 + 9 * (k % 2) for k in range(10)])
    found, boundaries = step_volatilities(price, 3)
    assert not found[:20].any() and found[21:].all()
    assert boundaries[:3] == [0, 0, 0] and all(boundaries[3:])


def test_steps_have_the_ledgers_net_and_every_trip(run):
    found = steps_module.market_steps(run, 600)
    assert found is not None and len(found.net) <= 600
    assert sum(found.net) == run.exact.net_pnl
    context = context_of(run, GatePolicy())
    assert sum(found.trips) == context.n_trips
    assert len(found.price_at) == len(found.net) == len(found.trips) == len(found.ends)
    # The price of a step is known as it begins: that of the end of the step before.
    points = context.decision_points
    i = next(i for i in points.instruments if run.instruments[i].symbol == found.symbol)
    for k in range(1, len(found.ends), 37):
        row = np.searchsorted(points.ts_ns, found.ends[k - 1], side="right") - 1
        if row >= 0:
            assert found.price_at[k] == points.mid2[i][row]


def test_the_gate_adds_up(run):
    guard, *shown = regimes.GATE.judge(context_of(run, GatePolicy()))
    assert guard.verdict is Verdict.PASS and guard.role == "guard"
    assert all(isinstance(one, RegimeSliceResult) for one in shown)
    assert [one.regime for one in shown] == [n for n in regimes.REGIMES if n in _names(shown)]
    assert sum(one.details["steps"] for one in shown) == guard.details["steps"]
    assert sum(one.details["round_trips"] for one in shown) == context_of(run, GatePolicy()).n_trips
    nets = {one.regime: Fraction(one.details["net"]) for one in shown}
    assert sum(nets.values()) == Fraction(guard.details["net"])
    assert nets[guard.details["best"]] == max(nets.values())
    left = Fraction(guard.details["net"]) - max(nets.values())
    assert Fraction(guard.details["net_without_best"]) == left
    spans = guard.details["spans"]
    assert sum(n for *_, n in spans) == guard.details["steps"]
    assert all(a[0] != b[0] for a, b in itertools.pairwise(spans))
    few = [one for one in shown if one.details["steps"] < 30]
    assert few and all(one.details["interval_95"] is None for one in few)
    many = [one for one in shown if one.details["interval_95"]]
    assert all(one.details["interval_95"][0] < one.details["mean"] for one in many)


def _names(shown):
    return {one.regime for one in shown}


def made_steps(net, price):
    price_at = np.array([price[0], *price[:-1]], np.int64)
    ends = np.arange(1, len(net) + 1, dtype=np.int64) * 10**9
    return MarketSteps(10**9, ends, tuple(net), (1,) * len(net), "BTCUSDT", price_at)


def test_an_edge_in_one_regime_alone_fails(run, monkeypatch):
    price = [1000 + 10 * k for k in range(60)] + [1600 + (k % 2) for k in range(60)]
    labels, _ = regimes.regime_labels(made_steps([0] * 120, price), 10)
    bull = regimes.REGIMES.index("bull_low_volatility")
    assert labels.count(bull) > 30
    for elsewhere, verdict in ((0, Verdict.FAIL), (-1, Verdict.FAIL), (1, Verdict.PASS)):
        net = [50 + k % 3 if label == bull else elsewhere for k, label in enumerate(labels)]
        context = context_of(run, GatePolicy(regimes={"window": 10, "steps": 120}))
        monkeypatch.setattr(
            "quantlaxmi.gates.observation.market_steps", lambda *_, n=net: made_steps(n, price)
        )
        guard, *shown = regimes.GATE.judge(context)
        assert guard.verdict is verdict
        assert guard.details["best"] == "bull_low_volatility"
        own = next(one for one in shown if one.regime == "bull_low_volatility")
        assert own.details["net"] == guard.details["net"] or elsewhere


def test_one_regime_is_not_enough(run, monkeypatch):
    context = context_of(run, GatePolicy())
    flat = made_steps([1] * 100, [1000] * 100)
    monkeypatch.setattr("quantlaxmi.gates.observation.market_steps", lambda *_: flat)
    guard, only = regimes.GATE.judge(context)
    assert guard.verdict is Verdict.INCONCLUSIVE
    assert guard.reasons == ("Regimes in the segment: 1, at least 2 needed. Run on more data.",)
    assert only.regime == "chop_low_volatility"
    monkeypatch.setattr("quantlaxmi.gates.observation.market_steps", lambda *_: None)
    (guard,) = regimes.GATE.judge(context)
    assert guard.verdict is Verdict.INCONCLUSIVE and guard.reasons[0].startswith("Fills: none.")


def test_an_interval_is_newey_wests():
    inside = [k % 3 != 0 for k in range(100)]
    net = [(k * k) % 17 - 5 for k in range(100)]
    n, total = sum(inside), sum(e for e, is_in in zip(net, inside, strict=True) if is_in)
    found = regimes._variance(net, inside, total, n)
    mean = Fraction(total, n)
    scores = [e - mean if is_in else Fraction(0) for e, is_in in zip(net, inside, strict=True)]
    # The variance of a sum of scores is 100 times their long-run variance.
    assert found == newey_west(scores, 4) * 100 / n**2
