"""Selection: the best of all that was tried, one set of draws, a ledger, and what is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi import G3RobustnessSuite, SelectionResult, backtest, open_segment
from quantlaxmi.gates import GatePolicy, market_null, selection
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.resampling.market_draws import MarketDraws
from quantlaxmi.gates.results import Verdict
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.trials.records import TrialKey
from quantlaxmi.trials.used import TrialsUsed

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = GatePolicy(market_null={"n_draws": 19, "n_draws_extended": 19})
GRID = {"threshold_bps": ("4", "6")}


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def small(grid=GRID, **settings):
    """The bundled strategy with a grid of its own."""
    kind = type(StrategyRegistry().create("basis_capture"))
    made = type("Small", (kind,), {"grid": grid})
    sets = [f"{name}={value}" for name, value in settings.items()]
    return made.made_with(made.Config.load(sets=sets))


def judged(run, policy=POLICY, trials=None, threads=1):
    context = replace(context_of(run, policy, threads=threads), trials=trials)
    return context, selection.GATE.judge(context)


def used(run, *strategies, elsewhere=0):
    """A ledger that knows of these settings and of trials of other code."""
    own, code = run.strategy, "ab" * 32
    settings = {s.config.config_hash.hex(): s.config.as_texts() for s in strategies}
    keys = [TrialKey("cd" * 32, own.strategy_id, code, name) for name in settings]
    keys += [TrialKey("cd" * 32, own.strategy_id, "ef" * 32, f"{k:064x}") for k in range(elsewhere)]
    return TrialsUsed(own.strategy_id, code, tuple(sorted(keys)), settings)


def test_one_set_of_draws_serves_both_suites(planted, monkeypatch):
    run, made = backtest(planted, small()), []
    count = MarketDraws.count
    monkeypatch.setattr(
        MarketDraws, "count", lambda self, **few: made.append(self.name) or count(self, **few)
    )
    context = context_of(run, POLICY, threads=1)
    [first] = market_null.GATE.judge(context)
    test, shown = selection.GATE.judge(context)
    assert made == ["market_null.drifting", "market_null.driftless"]
    assert isinstance(test, SelectionResult) and test.monte_carlo == first.monte_carlo
    assert test.n_settings == test.details["settings_searched"] == 3  # the grid and the run's own
    assert (test.verdict, shown.verdict) == (Verdict.PASS, Verdict.SHOWN)
    # Alone it makes the same draws, on any number of threads.
    again = selection.GATE.judge(context_of(run, POLICY, threads=2))
    assert again == (test, shown)
    assert G3RobustnessSuite.from_run(run, policy=POLICY, threads=1).run_selection() == test


def test_a_study_that_counts_verdicts_gets_the_same_ones(planted):
    """Without what is only shown no draw is made that is not counted."""
    for segment in (planted, open_segment(DATA / "edgeless")):
        context = context_of(backtest(segment, small()), POLICY, threads=1)
        bare = replace(context, describes=False, memo=type(context.memo)())
        for gate in (market_null.GATE, selection.GATE):
            found, expected = gate.judge(bare)[0], gate.judge(context)[0]
            assert found.verdict is expected.verdict
            assert found.monte_carlo == expected.monte_carlo
        assert selection.GATE.judge(bare)[1].details == {}


def test_a_search_that_the_policy_turns_off_is_made_all_the_same(planted):
    run = backtest(planted, small())
    off = POLICY.replace(market_null={"grid_search": "off"})
    context, (test, _) = judged(run, off)
    [alone] = market_null.GATE.judge(context)
    assert alone.details["settings_searched"] == 1
    assert test.details["settings_searched"] == 3


def test_one_setting_is_no_selection(planted):
    run = backtest(planted, small({}))
    _, (test, shown) = judged(run)
    assert test.verdict is Verdict.NOT_APPLICABLE
    assert test.reasons[0].startswith("Settings tried: 1, others unknown.")
    assert "dsr" not in shown.details and "psr" in shown.details
    _, (test, _) = judged(run, trials=used(run, small({})))
    assert "the trial ledger has no other" in test.reasons[0]
    # It decides nothing then: the suite rests on its other gates.
    suite = G3RobustnessSuite.from_run(run, policy=POLICY, threads=1).run()
    assert suite.selection.verdict is Verdict.NOT_APPLICABLE
    assert suite.verdict is suite.walk_forward.verdict


def test_settings_of_the_ledger_are_searched_and_counted(planted):
    run = backtest(planted, small({}))
    trials = used(run, small({}), small({}, threshold_bps="8"), small({}, threshold_bps="7"))
    context, (test, shown) = judged(run, trials=trials)
    assert test.n_settings == test.details["settings_searched"] == 3
    assert test.details["trials_in_ledger"] == 3
    assert "the grid's and the trial ledger's 2 settings" in test.details["grid_search"]
    assert shown.details["trials"] == 3 and "dsr" in shown.details
    [both] = market_null.GATE.judge(context)
    assert both.monte_carlo == test.monte_carlo


def test_what_cannot_be_run_here_is_inconclusive_with_the_count(planted):
    run = backtest(planted, small({}))
    trials = used(run, small({}), small({}, threshold_bps="8"), elsewhere=2)
    strange = {**trials.settings, "12" * 32: {"threshold_bps": "no number"}}
    _, (test, shown) = judged(run, trials=replace(trials, settings=strange))
    assert test.verdict is Verdict.INCONCLUSIVE
    assert "cannot be run here, of other code or strategies: 3, none" in test.reasons[0]
    assert test.details["settings_not_run"] == 3
    assert shown.details["trials"] == 5  # the two that can be run, and the three that cannot
    # Where what can be run fails already, more trials change nothing.
    poor = backtest(open_segment(DATA / "edgeless"), small({}))
    _, (test, _) = judged(poor, trials=used(poor, small({}), elsewhere=1))
    assert test.verdict is Verdict.FAIL


def test_the_best_of_nothing_fails_and_figures_are_shown():
    run = backtest(open_segment(DATA / "edgeless"), small({"threshold_bps": ("4", "5", "6")}))
    _, (test, shown) = judged(run)
    assert test.verdict is Verdict.FAIL
    assert "no better than chance" in test.reasons[0]
    figures = shown.details
    assert {"psr", "psr_2026", "dsr", "pbo", "spa_p_value", "stepm_own_p_value"} <= set(figures)
    assert {"mcs_own_p_value", "simes_p_value", "storey_null_share"} <= set(figures)
    assert 0 < figures["spa_lower_p_value"] <= figures["spa_p_value"] <= 1
    assert "min_track_record" not in figures  # a loss never becomes one
    assert figures["difference_to_best_other"] < 0


def test_without_trips_or_a_strategy_it_says_so(planted):
    idle = backtest(planted, small(threshold_bps="9000"))
    _, (test, shown) = judged(idle)
    assert test.verdict is Verdict.INCONCLUSIVE
    assert "Round trips: 0, at least 30 needed." in test.reasons[0]
    assert shown.verdict is Verdict.SHOWN and "none" in shown.reasons[0]
    path_only = replace(context_of(idle, POLICY), rerun=None)
    assert all("Second run" in one.reasons[0] for one in selection.GATE.judge(path_only))
