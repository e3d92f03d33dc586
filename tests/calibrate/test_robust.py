"""Runs through both suites, and the checkpoint that outlives changes which change no result."""

import json
import multiprocessing
from decimal import Decimal

import pytest

from quantlaxmi.calibrate import calibrate, study, work
from quantlaxmi.calibrate.checkpoint import CHECKPOINT
from quantlaxmi.calibrate.experiments import Experiment, batches_of, run_batch
from quantlaxmi.calibrate.markdown import page
from quantlaxmi.calibrate.markets import MOVE, make_quotes
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.robust import CHOICES, judge_both, judge_lasting
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.calibrate.worlds.planted import planted_moves
from quantlaxmi.calibrate.worlds.world import (
    BOTH,
    COSTS,
    EQUITY,
    MARKET,
    SELECTION,
    TENFOLD,
    WALK_FORWARD,
    Case,
    rule,
)
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError
from quantlaxmi.files import locked_folder
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.g3_suite import G3RobustnessSuite
from quantlaxmi.gates.results import combine
from quantlaxmi.run.grid_runs import grid_runs
from tests.depth import some

WORLDS = {world.name: world for world in (*NO_EDGE, *EDGES)}
SETTINGS = study.Settings(5, 19, 19, 3)
OPTIONS = {"draws": 19, "extended": 19, "seed": 5, "groups": ("paid",), "threads": 1}


@pytest.mark.parametrize("name", ["coins-30", "planted-t5-100", "carry-t7"])
def test_the_verdict_is_that_of_both_whole_suites(name):
    guards = ["net_positive", "look_ahead", "delay", "random_entry"]
    policy = SETTINGS.policy().replace(suites={"g2": [*guards, EQUITY, "premium", MARKET]})
    run = study.run_case(WORLDS[name].make(Draws(run_key(3, name, 0)), False))
    suites = [
        suite.from_run(run, policy=policy, threads=1).run()
        for suite in (G2AntiOverfitSuite, G3RobustnessSuite)
    ]
    expected = study.LETTERS[combine(suite.verdict for suite in suites)]
    for market in (True, False):
        letters = judge_both(run, SETTINGS.policy(), market=market)
        assert letters[BOTH] == expected
        assert letters[WALK_FORWARD] == study.LETTERS[suites[1].walk_forward.verdict]
        assert SELECTION not in letters  # one setting: nothing was chosen
        assert (MARKET in letters) == market


def planted_case(scale):
    draws = Draws(run_key(3, "scaled", 5))
    moves = planted_moves(draws, "sides-100", 3000, Decimal(4))
    segment = make_quotes(moves, unit=MOVE * scale)
    return Case(segment, rule(draws, False, rows=3000, schedule="sides-100"))


def test_moves_ten_times_as_large_are_a_tenth_of_the_costs():
    """Tests find the same on a market that is magnified; the guard on costs asks for less of it."""
    plain, large = (
        judge_lasting(study.run_case(planted_case(scale)), SETTINGS.policy()) for scale in (1, 10)
    )
    for test in (EQUITY, WALK_FORWARD, MARKET):
        assert plain[test] == large[test] == "P"
    assert (plain[COSTS], large[COSTS]) == ("F", "P")
    assert (plain[BOTH], plain[TENFOLD], large[BOTH]) == ("F", "P", "P")


@pytest.mark.parametrize("name", ["planted-t5-100", "carry-t7", "coins-30"])
def test_a_lasting_edge_has_the_verdicts_of_two_policies(name):
    run = study.run_case(WORLDS[name].make(Draws(run_key(3, name, 0)), False))
    policy = SETTINGS.policy()
    letters = judge_lasting(run, policy)
    tenth = policy.replace(cost_sensitivity={"extra_bps": "0.05"})
    assert letters[BOTH] == judge_both(run, policy)[BOTH]
    assert letters[TENFOLD] == judge_both(run, tenth)[BOTH]


def test_the_best_by_net_has_the_largest_studentised_net():
    case = WORLDS["coins"].make(Draws(run_key(3, "coins", 0)), True)
    best = CHOICES["net"](case, SETTINGS.policy())
    strategies = study.grid_strategies(case.strategy)
    first, last = case.segment.first_ts_ns, case.segment.last_ts_ns
    ends = study.context_of(study.run_case(case), SETTINGS.policy()).observed.increments.ends
    configs = [one.config for one in strategies]
    runs = grid_runs(case.segment, case.strategy, configs, ends, config=study.run_case(case).config)
    assert first < last
    ratio = {
        run.config.config_hash: sum(run.net) / sum(e * e for e in run.net) ** 0.5
        for run in runs.runs
    }
    assert ratio[best.config.config_hash] == max(ratio.values())


def test_a_best_of_fifty_is_judged_by_both_suites():
    for variant in some(("net", "gross"), 1):
        batch = batches_of([Experiment("robust", "coins", variant, 2)])[0]
        counts = run_batch(batch, SETTINGS, None)
        asked = {name: sum(letters.values()) for name, letters in counts.items()}
        assert asked == {EQUITY: 2, MARKET: 1, WALK_FORWARD: 2, SELECTION: 1, BOTH: 2}


def test_cells_of_both_suites_are_held_to_the_level_and_stand_first():
    def letters(passed, failed=0):
        return {"P": passed, "F": failed, "I": 0}

    experiments = (
        Experiment("robust", "coins", "net", 400),
        Experiment("lasting", "planted-t5-100", "alone", 400),
    )
    counts = {EQUITY: letters(300, 100), WALK_FORWARD: letters(10, 390), BOTH: letters(60, 340)}
    outcomes = {experiments[0].key: counts, experiments[1].key: {BOTH: letters(400)}}
    found = Calibration(SETTINGS, 400, experiments, outcomes, WORLDS, None)
    outside = {check.test: check.outside for check in found.size_checks()}
    assert outside == {WALK_FORWARD: (), BOTH: ("coins, net",)}
    text = page(found, "command", "")
    first = text.partition("makes this page")[0]
    assert "above 5 % in coins, net" in first
    assert (
        "worst cells of the best of 50 under both suites, without an edge: verdict of G2 and G3 "
        "15.00 % in `coins, net`, walk-forward 2.50 % in `coins, net`." in first
    )
    assert "fewer runs than they should: the best of 50 under both suites 400 of 1,000" in first
    assert "| coins, net | 400 | " in text
    assert "| planted-t5-100, alone | 400 | 100.00 % |" in text


def test_kept_runs_outlive_a_change_that_changes_no_result(tmp_path, monkeypatch):
    options = OPTIONS | {"scenarios": ("coins-30",), "checkpoint": tmp_path}
    calibrate(runs=100, **options)
    with pytest.raises(AssertionError, match="made again"):
        monkeypatch.setattr(work, "run_in_processes", _none_waiting)
        calibrate(runs=200, **options)
    assert calibrate(runs=100, **options).outcomes["paid/coins-30"][EQUITY]["F"] > 50
    kept = calibrate(runs=4000, kept=True, **options)
    assert [one.runs for one in kept.experiments] == [100]
    monkeypatch.setattr(work, "fingerprint", lambda world: "another")
    with pytest.raises(AssertionError, match="made again"):
        calibrate(runs=100, **options)
    with pytest.raises(ConfigError, match="has none of these runs"):
        calibrate(runs=100, kept=True, **options)


def _none_waiting(_, waiting, **__):
    assert not waiting, "made again"


def test_kept_runs_need_a_checkpoint_of_this_calibration(tmp_path):
    with pytest.raises(ConfigError, match="expected --checkpoint DIR"):
        calibrate(runs=1, kept=True, **OPTIONS)
    (tmp_path / CHECKPOINT).write_text(json.dumps({"calibration": "other"}) + "\n")
    with pytest.raises(ConfigError, match="belongs to another seed"):
        calibrate(runs=1, scenarios=("coins-30",), kept=True, checkpoint=tmp_path, **OPTIONS)


def _hold(folder, held, done):
    with locked_folder(folder):
        held.set()
        done.wait(60)


def test_a_second_process_on_a_checkpoint_is_refused(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(ConfigError, match="is in use by another calibration"):
            calibrate(runs=1, scenarios=("coins-30",), checkpoint=tmp_path, **OPTIONS)
    finally:
        done.set()
        other.join()
    assert not (tmp_path / CHECKPOINT).exists()


def test_the_page_of_kept_runs_says_how_it_is_made(tmp_path, capsys):
    words = ["calibrate", "--runs", "1", "--draws", "19", "--extended", "19", "--threads", "1"]
    words += ["--scenarios", "coins-30", "--groups", "paid", "--checkpoint", str(tmp_path / "kept")]
    code, out = main_crypto(words), tmp_path / "page.md"
    assert main_crypto([*words, "--kept", "--out", str(out)]) == code
    text = out.read_text()
    assert "--groups paid --checkpoint DIR --kept` makes this page" in text
    assert "fewer runs than they should: with costs 1 of 4,000" in text
    capsys.readouterr()
