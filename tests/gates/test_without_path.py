"""A run that has no path: the gates that need none judge it, the others say why they cannot.

A loss limit that closes makes a fill of no decision, so the path over decision points ends. Once
that silenced every gate, and a strategy that peeks escaped its FAIL by setting such a limit.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from quantlaxmi.events import LegIntent
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy, Verdict, observation, suites
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.observation import RunObservation, context_of
from quantlaxmi.gates.path import round_trips
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.report import run_gates
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import FILL_DTYPE, FillFlag, Side
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = GatePolicy(
    min_trades=2,
    extend_factor=1,
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 9},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 19, "n_draws_extended": 19},
    ablation={"n_bootstrap": 99},
)
NEED_A_PATH = {
    "random_entry.matched",
    "random_entry.neutral",
    "label_permutation",
    "market_null",
    "time_shift",
    "lag_profile",
    "random_sides",
}


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "edgeless")


def peeker(segment):
    """Makes a strategy that knows the last price of the segment."""
    lasts = {}

    class KnowsTheLastPrice(CryptoStrategy):
        """Now and then holds the perpetual towards the last price of the segment."""

        strategy_id = "knows_the_last_price"
        Config = StrategyConfig
        rationales = ("towards the last price", "a while out")

        def __init__(self, config=None):
            super().__init__(config)
            self.n = 0

        def on_market(self, event, ctx):
            self.n += 1
            symbol = ctx.instruments[1].symbol
            if ctx.in_flight or not ctx.book(symbol).valid:
                return None
            held = ctx.position(symbol).qty
            if held and self.n % 300 < 150:
                side = Side.SELL if held > 0 else Side.BUY
                return ctx.decide([LegIntent(symbol, side, abs(held))], rationale="a while out")
            if held or self.n % 300 < 150:
                return None
            quotes = segment.columns("quotes")
            rows = len(quotes["bid"])  # those that may be read now
            if rows not in lasts:
                own = np.flatnonzero(quotes["instrument"] == 1)[-1]
                lasts[rows] = int(quotes["bid"][own]) + int(quotes["ask"][own])
            last = lasts[rows]
            side = Side.BUY if last > ctx.book(symbol).bid + ctx.book(symbol).ask else Side.SELL
            return ctx.decide([LegIntent(symbol, side, 10)], rationale="towards the last price")

    return KnowsTheLastPrice()


@pytest.fixture(scope="module")
def closed(segment):
    """The peeker's run, closed by its loss limit."""
    limits = RiskLimits(max_loss=FixedPoint.from_text("5"), on_max_loss="close")
    run = backtest(segment, peeker(segment), limits=limits)
    assert (run.exact.fills["decision"] < 0).any()  # the limit fired while a position was open
    return run


def test_a_peeker_with_a_loss_limit_fails(segment, closed):
    report = run_gates(segment, peeker(segment), limits=closed.limits, policy=POLICY)
    (g2,) = report.results
    assert g2.look_ahead.verdict is Verdict.FAIL
    assert "came later" in g2.look_ahead.reasons[0]
    assert g2.net_positive.verdict in (Verdict.PASS, Verdict.FAIL)
    assert g2.result("delay").verdict is not Verdict.INCONCLUSIVE
    for judged in ("equity", "premium"):
        assert g2.result(judged).verdict in (Verdict.PASS, Verdict.FAIL)
    assert g2.result("ablation.signals").verdict is Verdict.NOT_APPLICABLE  # it declares none
    silent = {r.gate for r in g2.results if "belongs to no decision" in r.reasons[0]}
    assert silent == NEED_A_PATH
    assert all(
        g2.result(name).verdict
        is (Verdict.SHOWN if g2.result(name).role == "diagnosis" else Verdict.INCONCLUSIVE)
        for name in silent - {"random_entry.neutral"}
    )
    # Without a path nothing is drawn that could be neutral: the guard on the engine blocks nothing.
    assert g2.result("random_entry.neutral").verdict is Verdict.NOT_APPLICABLE
    assert report.verdict == "FAIL"


def test_a_gate_of_the_ledger_makes_neither_path_nor_decision_points(segment, monkeypatch):
    def never(*_):
        raise AssertionError("asked for")

    monkeypatch.setattr(observation, "path_of", never)
    monkeypatch.setattr(RunObservation, "decision_points", property(never))
    run = backtest(segment, "basis_capture")
    suite = G2AntiOverfitSuite.from_run(run, policy=POLICY)
    assert suite.run_net_positive().verdict is Verdict.FAIL
    assert suite.run_look_ahead().verdict is Verdict.PASS
    assert suite.run_delay()[0].verdict is Verdict.NOT_APPLICABLE
    assert suite.run_ablation()[0].verdict is Verdict.WARN
    assert suite.run_equity().verdict is Verdict.FAIL
    assert suite.run_premium().verdict is Verdict.FAIL


def test_a_path_and_its_failure_are_made_once(segment, closed, monkeypatch):
    asked = []
    honest = observation.path_of
    monkeypatch.setattr(
        observation, "path_of", lambda *given: asked.append(given) or honest(*given)
    )
    gates = {name.partition(".")[0] for name in NEED_A_PATH}
    context = context_of(closed, POLICY.replace(suites={"g2": sorted(gates)}))
    for _ in range(3):
        with pytest.raises(PathError, match="belongs to no decision"):
            _ = context.path
    suites.run_suite("g2", context)
    assert len(asked) == 1
    context = context_of(backtest(segment, "basis_capture"), POLICY)
    assert context.path is context.path
    assert len(asked) == 2


@pytest.mark.parametrize("name", ["planted", "edgeless"])
@pytest.mark.parametrize("strategy", ["basis_capture", peeker])
def test_round_trips_of_the_ledger_are_those_of_the_path(name, strategy):
    segment = open_segment(DATA / name)
    run = backtest(segment, strategy if isinstance(strategy, str) else strategy(segment))
    context = context_of(run, POLICY)
    assert context.n_trips == count_round_trips(run.exact.fills) == len(context.path.trips) > 2


@pytest.mark.parametrize(
    ("flag", "what"),
    [
        (FillFlag.SETTLED, "close positions before their contracts end"),
        (FillFlag.CLOSE, "run the strategy without flattening or closing at a loss"),
    ],
)
def test_a_fill_that_nobody_decided_says_what_to_do(flag, what) -> None:
    fills = np.zeros(1, FILL_DTYPE)
    fills["decision"], fills["flags"] = -1, flag
    records = SimpleNamespace(fills=fills, gross=[0], cost=[0], borrow=[0])
    with pytest.raises(PathError, match=f"Fill 0 belongs to no decision: {what}"):
        round_trips._moves(records)
