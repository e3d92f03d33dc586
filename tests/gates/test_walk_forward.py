"""Walk-forward on whole segments: choices and test windows by hand, poison, what it lacks."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi import G3RobustnessSuite, backtest, open_segment
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates import GatePolicy, walk_forward
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path.clock_buckets import bucket_ends, increments_of
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.ledger_lines import lines_at_times
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import Window
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.registry import StrategyRegistry
from tests.market_builder import MemorySegment
from tests.naive import equity_buckets as naive_equity
from tests.naive import walk_forward as naive

DATA = Path(__file__).resolve().parents[2] / "data"
DAY = 86_400 * 10**9


def judged(run, threads=1, **settings):
    policy = GatePolicy(walk_forward=settings)
    [found] = walk_forward.GATE.judge(context_of(run, policy, threads=threads))
    return found


@pytest.fixture(scope="module")
def planted():
    return backtest(open_segment(DATA / "planted"), "basis_capture")


@pytest.fixture(scope="module")
def result(planted):
    return judged(planted)


def trips_of(run):
    fills = run.exact.fills
    decided = run.exact.decisions["ts_ns"][fills["decision"]]
    return naive_equity.trips(fills, decided)[0]


@pytest.mark.parametrize("rolling", [False, True])
def test_choices_and_test_windows_are_those_by_hand(planted, rolling):
    scheme = "rolling" if rolling else "anchored"
    found = judged(planted, folds=3, scheme=scheme, train_share="0.5")
    segment, strategy = planted.segment, planted.strategy.strategy
    own = planted.header.config_hash
    others = [c for c in grid_configs(strategy) if c.config_hash != own]
    configs = [strategy.config, *others]
    runs = [backtest(segment, type(strategy).made_with(config)) for config in configs]
    nets, trips = [increments_of(run).net for run in runs], [trips_of(run) for run in runs]
    first, last = segment.first_ts_ns, segment.last_ts_ns
    ends = bucket_ends(first, last).tolist()
    folds = naive.folds(first, last, 3, Fraction(1, 2), rolling)
    total = 0
    for row, fold in zip(found.folds, folds, strict=True):
        purge = naive.purge(trips, fold, Fraction(1, 10))
        chosen = naive.choice(
            nets, trips, [c.config_hash for c in configs], ends, first, fold[0], fold[1] - purge
        )
        assert (row["train_begin_ns"], row["test_begin_ns"], row["test_stop_ns"]) == fold
        assert row["purge_ns"] == purge > 0
        assert row["chosen"] == configs[chosen].config_hash.hex()
        window = Window.between(segment, fold[1], fold[2])
        alone = backtest(window, type(strategy).made_with(configs[chosen]), flatten=True)
        net = Fraction(alone.exact.net_pnl) * Fraction(10) ** (alone.ledger_exponent - 1)
        assert Fraction(row["net"]) == net
        assert row["fills"] == alone.n_fills and not row["left_open"]
        total += net
    assert Fraction(found.details["sum"]) == total


def test_buckets_days_and_instruments_add_up(planted, result):
    """The out-of-sample buckets are the increments of the test windows' equity, put together."""
    segment, strategy = planted.segment, planted.strategy.strategy
    configs = {c.config_hash.hex(): c for c in (strategy.config, *grid_configs(strategy))}
    whole = Window.between(segment, result.folds[0]["test_begin_ns"], segment.last_ts_ns + 1)
    ends = bucket_ends(whole.first_ts_ns, whole.last_ts_ns)
    equity, nets = np.zeros(len(ends), dtype=object), []
    for row in result.folds:
        window = Window.between(segment, row["test_begin_ns"], row["test_stop_ns"])
        run = backtest(window, type(strategy).made_with(configs[row["chosen"]]), flatten=True)
        lines = lines_at_times(run.exact, window, np.minimum(ends, window.last_ts_ns), run.loans)
        [money] = lines.totals.values()
        equity = equity + money.equity
        nets.append([account.net for account in run.exact.accounts])
    increments = [b - a for a, b in itertools.pairwise([0, *equity.tolist()])]
    shown = result.details
    unit = Fraction(10) ** (planted.ledger_exponent - 1)
    assert Fraction(shown["worst"]) == min(increments) * unit
    assert Fraction(shown["sum"]) == sum(increments) * unit
    best = max(sum(one) for one in zip(*nets, strict=True))
    without = Fraction(result.details["net_without_best_instrument"])
    assert without == (sum(increments) - best) * unit
    # All test windows lie in one UTC day here, so without the best day nothing is left.
    assert whole.first_ts_ns // DAY == whole.last_ts_ns // DAY == result.details["best_day"]
    assert Fraction(result.details["net_without_best_day"]) == 0


def test_the_planted_edge_lasts_and_no_edge_does_not(result):
    assert result.verdict is Verdict.PASS
    assert result.details["traded_folds"] == 6 == len(result.folds)
    assert result.details["neighbours"]["shape"] in ("plateau", "spike")
    assert "unseen_loss" in result.details
    found = judged(backtest(open_segment(DATA / "edgeless"), "basis_capture"))
    assert found.verdict is Verdict.FAIL
    assert "at least 1.65255 needed" in found.reasons[0]


def test_results_do_not_depend_on_threads(planted, result):
    assert judged(planted, threads=2) == result


def in_memory(segment, change=None):
    tables = {name: dict(segment.columns(name)) for name in TABLES}
    if change is not None:
        change(tables)
    return MemorySegment(tables, segment.instruments)


def test_what_comes_after_a_test_s_start_does_not_change_its_choice(planted, result):
    """Poison: from the start of a test on, every price is another; earlier choices stay."""
    fold = result.folds[3]

    def poison(tables):
        quotes = tables["quotes"]
        late = quotes["ts_ns"] >= fold["test_begin_ns"]
        rng = np.random.default_rng(5)
        moved = np.where(late, np.cumsum(rng.integers(-50_000, 50_001, len(late))), 0)
        quotes["bid"], quotes["ask"] = quotes["bid"] + moved, quotes["ask"] + moved

    clean = judged(backtest(in_memory(planted.segment), planted.strategy.strategy))
    found = judged(backtest(in_memory(planted.segment, poison), planted.strategy.strategy))
    names = ("chosen", "purge_ns", "in_sample")
    for before, after in zip(clean.folds[:4], found.folds[:4], strict=True):
        assert {k: before[k] for k in names} == {k: after[k] for k in names}
    assert [row["net"] for row in clean.folds[:3]] == [row["net"] for row in found.folds[:3]]
    assert clean.folds[3]["net"] != found.folds[3]["net"]
    assert [row["chosen"] for row in clean.folds] == [row["chosen"] for row in result.folds]


def test_too_few_times_trips_or_folds_are_inconclusive(planted):
    segment = planted.segment
    stamps = np.unique(segment.columns("quotes")["ts_ns"])
    short = Window.between(segment, segment.first_ts_ns, int(stamps[150]))
    found = judged(backtest(short, planted.strategy.strategy))
    assert found.verdict is Verdict.INCONCLUSIVE
    start = stamps[0] + (stamps[149] - stamps[0]) * 2 // 5
    tested = int((stamps[:150] >= start).sum())
    said = f"Distinct times out of sample: {tested}, at least 100 needed."
    assert said in found.reasons[0]
    assert "times as much data" in found.reasons[0]
    # A grid that never trades, and one that trades in the last window alone.
    idle = StrategyRegistry().create("basis_capture", sets=["threshold_bps=9000"])
    idle = type("Idle", (type(idle),), {"grid": {}}).made_with(idle.config)
    found = judged(backtest(segment, idle))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons[0].startswith("Round trips out of sample: 0, at least 1 needed.")
    assert [row["chosen"] for row in found.folds] == [None] * 6


def test_one_traded_fold_is_inconclusive(planted):
    start = planted.segment.last_ts_ns - planted.segment.first_ts_ns

    class Late(type(planted.strategy.strategy)):  # type: ignore[misc]
        grid = {}  # noqa: RUF012

    def quiet(tables):
        quotes = tables["quotes"]
        late = quotes["ts_ns"] > planted.segment.first_ts_ns + start * 78 // 100
        for name in ("bid", "ask"):
            first = {i: quotes[name][quotes["instrument"] == i][0] for i in (0, 1)}
            still = np.where(quotes["instrument"] == 0, first[0], first[1])
            quotes[name] = np.where(late, still, quotes[name])

    run = backtest(in_memory(planted.segment, quiet), Late.made_with())
    found = judged(run, folds=2, train_share="0.6")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "Folds that traded: 1, at least 2 needed." in found.reasons[0]


def test_a_strategy_that_cannot_be_run_again_is_inconclusive(planted):
    path_only = replace(context_of(planted, GatePolicy()), rerun=None)
    [found] = walk_forward.GATE.judge(path_only)
    assert found.verdict is Verdict.INCONCLUSIVE and "Second run" in found.reasons[0]
    bound = planted.strategy.strategy.bind(planted.instruments)
    kernel = backtest(planted.segment, replace(bound, strategy=None))
    assert judged(kernel).details["settings"] == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("folds", 1), ("folds", 101), ("scheme", "free"), ("purge_cap", "0.51"), ("purge_cap", 1),
     ("train_share", "0"), ("min_buckets", 201), ("windows", 3)],
)  # fmt: skip
def test_settings_out_of_range_are_refused_in_one_line(key, value):
    with pytest.raises(ConfigError, match=rf"^gate policy \(walk_forward\.{key}\): ") as caught:
        GatePolicy(walk_forward={key: value})
    assert "\n" not in str(caught.value)


def test_the_plan_s_window_size(planted):
    suite = G3RobustnessSuite.from_run(planted, threads=1)
    assert isinstance(suite.run_walk_forward(), quantlaxmi.WalkForwardResult)
    segment = planted.segment
    tested = (segment.last_ts_ns - segment.first_ts_ns) * 6 // 10
    window = timedelta(microseconds=tested // 4_000 - 1)
    assert len(suite.run_walk_forward(window).folds) == 4
    for bad in (timedelta(0), 5, timedelta(days=400), timedelta(microseconds=1)):
        with pytest.raises(ConfigError, match=r"^window_size: was"):
            suite.run_walk_forward(bad)
