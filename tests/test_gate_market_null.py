"""The market null as a gate: identity, threads, interruption, the grid, and when it cannot say."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError, EngineError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.gates import GatePolicy, market_null
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.results import Verdict, shown
from quantlaxmi.gates.suites import G2AntiOverfitSuite
from quantlaxmi.replay import backtest
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.segment import open_segment, split_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig

DATA = Path(__file__).resolve().parents[1] / "data"
QUICK = GatePolicy(n_market_draws=60, min_trades=10)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def short(planted, tmp_path_factory):
    """The first part of the planted segment."""
    out = tmp_path_factory.mktemp("split") / "parts"
    return split_segment(planted, out, rows=5000)[0]


def suite_of(segment, strategy="basis_capture", **options):
    options = {"policy": QUICK, "threads": 1, **options}
    return G2AntiOverfitSuite.from_run(backtest(segment, strategy), **options)


def result_of(suite):
    return suite.run_market_permutation()[0]


def test_a_planted_edge_is_beyond_all_draws(planted):
    found = result_of(suite_of(planted))
    assert found.kind == "market"
    assert found.result.verdict is Verdict.PASS
    assert found.result.monte_carlo.exceedances == 0
    assert found.result.monte_carlo.draws == 60
    details = found.result.details
    assert details["trips"] == 300
    # On a basis that is a random walk positions are held for long.
    assert details["null_basis_sd_bps"] > 3 * details["basis_sd_bps"]
    assert details["null_time_in_position"] > details["time_in_position"]


def test_no_edge_stops_early_and_fails():
    found = result_of(suite_of(open_segment(DATA / "edgeless"), policy=GatePolicy()))
    assert found.result.verdict is Verdict.FAIL
    moved, coins = (found.result.details[name] for name in ("moved", "coin_sides"))
    assert moved["stopped"] and moved["exceedances"] == 20
    assert moved["p_value"] == shown(20 / moved["draws"])
    # The larger p decides: here that of the trips with coin sides.
    assert found.result.monte_carlo.to_json() == max(moved, coins, key=lambda c: c["p_value"])
    assert "stopped at exceedance 20" in found.result.reasons[0]


def test_threads_and_batches_change_nothing(short):
    policy = replace(QUICK, stop_exceedances=5, min_trades=5)
    run = backtest(short, StrategyRegistry().create("basis_capture"))
    base = G2AntiOverfitSuite.from_run(run, policy=policy, threads=1)
    expected = result_of(base).to_json()
    for threads in (2, 4):
        assert (
            result_of(replace(base, inp=replace(base.inp, threads=threads))).to_json() == expected
        )
    for batch in (1, 7):
        found = market_null.count_draws

        def fixed(*args, batch=batch, found=found, **options):
            return found(*args, **{**options, "batch": batch})

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(market_null, "count_draws", fixed)
            assert result_of(base).to_json() == expected


def test_an_interrupt_goes_through_and_the_next_run_goes_on(short, tmp_path):
    expected = result_of(suite_of(short)).to_json()
    kept = tmp_path / "kept"

    def interrupt(_gate, done, _total):
        if done:
            raise KeyboardInterrupt

    batches = pytest.MonkeyPatch()
    original = market_null.count_draws
    batches.setattr(market_null, "count_draws", lambda *a, **o: original(*a, **{**o, "batch": 25}))
    with batches.context(), pytest.raises(KeyboardInterrupt):
        result_of(suite_of(short, checkpoint=Checkpoint(kept, b"x" * 32), progress=interrupt))
    told = []
    again = suite_of(
        short,
        checkpoint=Checkpoint(kept, b"x" * 32),
        progress=lambda _gate, done, _total: told.append(done),
    )
    assert result_of(again).to_json() == expected
    assert told[0] == 25
    batches.undo()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_ends_the_draws(short, threads):
    suite = suite_of(short, policy=GatePolicy(n_market_draws=10**7, min_trades=10), threads=threads)
    timer = threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,))
    before = threading.active_count()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        result_of(suite)
    timer.join()
    # An interrupt of the waiting for threads leaves them to end by themselves.
    until = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_the_identity_is_held_against_the_run(short, monkeypatch):
    suite = suite_of(short)
    run = suite.inp.rerun.run
    fills = run.fills.copy()
    fills["price"][3] += 1
    wrong = replace(suite.inp.rerun, run=replace(run, fills=fills))
    with pytest.raises(EngineError, match="other fills"):
        market_null.evaluate(replace(suite.inp, rerun=wrong))
    path = replace(suite.inp.path, gross=suite.inp.path.gross + 1)
    with pytest.raises(EngineError, match="identity draw"):
        market_null.evaluate(replace(suite.inp, path=path))


def test_the_grid_is_searched_where_the_settings_are_its_best(short):
    strategies = [
        StrategyRegistry().create(
            "basis_capture", sets=(f"threshold_bps={t}", f"exit_threshold_bps={x}")
        )
        for t in (3, 4, 5, 6, 8)
        for x in ("1", "2", "2.5")
    ]
    results = [
        result_of(suite_of(short, s, policy=replace(QUICK, n_market_draws=30))).result
        for s in strategies
    ]
    searched = [r for r in results if r.details.get("settings_searched", 0) > 1]
    assert len(searched) == 1
    best = searched[0]
    assert best.details["settings_searched"] == 15
    assert best.details["statistic"] == max(r.details.get("statistic", -9) for r in results)
    assert "best of the grid's 15" in best.details["grid_search"]
    kept = strategies[results.index(best)]
    off = result_of(suite_of(short, kept, policy=replace(QUICK, market_grid_search="off"))).result
    assert off.details["settings_searched"] == 1
    other = StrategyRegistry().create("basis_capture", sets=("threshold_bps=5.5",))
    assert "none of the grid's" in result_of(suite_of(short, other)).result.details["grid_search"]


def test_searching_the_grid_only_adds_exceedances(short):
    suite = suite_of(short, policy=replace(QUICK, n_market_draws=40, stop_exceedances=0))
    alone = result_of(suite).result.details["moved"]["exceedances"]
    with pytest.MonkeyPatch.context() as patch:

        def search(inp, rerun, replays, own):
            configs = market_null._grid_configs(rerun)
            replays.keep_bound(configs)
            return market_null._Search((None, *configs), "all")

        patch.setattr(market_null, "_search", search)
        assert result_of(suite).result.details["moved"]["exceedances"] >= alone


class Rule(CryptoStrategy):
    """Buys what fell and sells what rose, in plain Python."""

    strategy_id = "rule"
    Config = StrategyConfig
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx):
        self.calls = 0
        self.symbol = ctx.instruments[0].symbol
        self.held = 0

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls % 40 or ctx.in_flight:
            return None
        held = ctx.position(self.symbol).qty
        side = Side.SELL if held > 0 else Side.BUY
        qty = abs(held) or 10**6
        return ctx.decide([LegIntent(self.symbol, side, qty)], rationale="rule")


def test_plain_python_goes_through_the_same_gate(short):
    found = result_of(suite_of(short, Rule(), policy=replace(QUICK, n_market_draws=25), threads=4))
    assert found.result.monte_carlo is not None
    assert "basis_sd_bps" in found.result.details  # it may trade both
    assert found.result.details["grid_search"] == "The strategy declares no grid."


def test_the_interpreted_kernel_gives_the_compiled_ones_counts(short):
    policy = replace(QUICK, n_market_draws=19, stop_exceedances=2, min_trades=5)
    results = []
    for interpreted in (False, True):
        run = backtest(short, "basis_capture", interpreted=interpreted)
        suite = G2AntiOverfitSuite.from_run(run, policy=policy, threads=2)
        results.append(result_of(suite).to_json())
    assert results[0] == results[1]


def test_a_strategy_that_fails_in_a_draw_is_named_with_it(short):
    class Fragile(Rule):
        strategy_id = "fragile"

        def on_market(self, event, ctx):
            if not hasattr(type(self), "first"):
                type(self).first = {}
            seen = type(self).first.setdefault(event.seq, event.bid)
            if seen != event.bid:
                raise ValueError("never seen")
            return super().on_market(event, ctx)

    with pytest.raises(StrategyError, match=r"market null, draw 0: .*never seen"):
        result_of(suite_of(short, Fragile()))


class Holder(Rule):
    """Buys once and holds."""

    strategy_id = "holder"

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls != 40:
            return None
        return ctx.decide([LegIntent(self.symbol, Side.BUY, 10**6)], rationale="rule")


def test_one_position_held_throughout_does_not_crash(short):
    found = result_of(suite_of(short, Holder())).result
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ("1 round trips, at least 10 are needed.",)
    # min_trades cannot be 1, so look past it: the mean of the increments stays, and so does it.
    suite = suite_of(short, Holder())
    own = market_null._identity(
        suite.inp,
        suite.inp.rerun,
        market_null.Replays(suite.inp, suite.inp.rerun, 1),
    )
    assert own.trips == 1


def test_what_it_cannot_say(short):
    suite = suite_of(short)
    without = market_null.evaluate(replace(suite.inp, rerun=None)).result
    assert (without.verdict, without.reasons) == (
        Verdict.INCONCLUSIVE,
        ("There is no run to make again.",),
    )
    few = replace(suite.inp, policy=replace(QUICK, min_trades=10**6))
    assert market_null.evaluate(few).result.verdict is Verdict.INCONCLUSIVE


def test_policy_names_what_it_takes():
    with pytest.raises(ConfigError, match="market_grid_search"):
        GatePolicy(market_grid_search="always")
