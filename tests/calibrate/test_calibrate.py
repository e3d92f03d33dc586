"""A reduced calibration, and the machinery of the full one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.calibrate import calibrate, study
from quantlaxmi.calibrate.checkpoint import CHECKPOINT, Checkpoint
from quantlaxmi.calibrate.experiments import (
    Experiment,
    batches_of,
    run_batch,
)
from quantlaxmi.calibrate.markdown import page, rate
from quantlaxmi.calibrate.naive_tests import NAIVE, _permuted
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.calibrate.worlds.world import EITHER, EQUITY, MARKET, TESTS
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from tests.depth import DEEP, some

# Interpreted kernels are some hundred times slower; there the rates are only looked at.
INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
RUNS = 2 if INTERPRETED else 12 if DEEP else 8
#: Worlds of the reduced calibration: one of each kind.
NULLS = ("coins", "coins-30", "momentum", "egarch", "crash-3%-of-150", "cut-winners", "makers")
PLANTED = ("planted-t5-100", "reversion-9", "carry-t7")
WORLDS = {world.name: world for world in (*NO_EDGE, *EDGES)}
SETTINGS = study.Settings(5, 19, 19)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Some worlds without an edge, and with one."""
    folder = tmp_path_factory.mktemp("kept")
    return calibrate(
        runs=RUNS, draws=19, extended=19, seed=5, scenarios=(*NULLS, *PLANTED),
        groups=("size", "paid", "power"), threads=1, checkpoint=folder,
    )  # fmt: skip


def test_no_edge_passes_at_most_at_the_level(small):
    checks = small.size_checks()
    assert {(c.group, c.test) for c in checks} == {
        *(("size", test) for test in TESTS),
        *(("paid", test) for test in TESTS if test != MARKET),
    }
    for check in checks:
        # A gross fault shows; the page has the fine ones.
        assert min(check.p_values.values()) > 0.005, check
    for experiment in small.group("size"):
        counts = small.outcomes[experiment.key]
        assert list(counts) == list(TESTS)
        assert all(sum(c.values()) == RUNS for c in counts.values())
    assert not small.not_shown("size", EITHER)


@pytest.mark.skipif(INTERPRETED, reason="too few runs")
def test_an_edge_is_found(small):
    for name, edge in zip(PLANTED, ("timing", "timing", "premium"), strict=True):
        counts = small.outcomes[f"power/{name}"]
        assert counts[edge].get("P", 0) >= RUNS // 4 - 1, (name, counts)
    check = small.power_check()
    assert set(check.p_values) == {"reversion-9", "carry-t7"}


@pytest.mark.parametrize(
    "name",
    [
        "coins",
        "crash-rate-0.2%",
        "long-on-drift",
        "basis-exits",
        "makers",
        "planted-t4-40",
        "carry-t4",
    ],
)
def test_the_verdict_is_that_of_the_whole_suite(name):
    """Gates that are not asked could not change it."""
    guards = ["net_positive", "look_ahead", "delay", "random_entry"]
    policy = SETTINGS.policy().replace(suites={"g2": [*guards, EQUITY, "premium", MARKET]})
    for number in range(1 if INTERPRETED else 3):
        run = study.run_case(WORLDS[name].make(Draws(run_key(3, name, number)), False))
        whole = G2AntiOverfitSuite.from_run(run, policy=policy, threads=1).run()
        for market in (True, False):
            letters = study.judge(run, SETTINGS.policy(), market=market)
            assert letters[EITHER] == study.LETTERS[whole.verdict]
            edges = {one for one in ("timing", "premium") if letters[one] == "P"}
            assert edges == ({whole.edge} if whole.edge else set())
            assert (MARKET in letters) == market
            for test in {EQUITY, MARKET} & set(letters):
                assert letters[test] == study.LETTERS[whole.result(test).verdict]


def test_every_world_can_be_judged():
    """One run of each; what they make of it is the study's business."""
    few = study.Settings(1, 19, 19)
    for world in WORLDS.values():
        if INTERPRETED and world.name not in NULLS:
            continue
        run = study.run_case(world.make(Draws(run_key(1, world.name, 0)), False), costs="paid")
        letters = study.judge(run, few.policy(), market=False)
        assert set(letters) == set(TESTS) - {MARKET}, world.name
        assert len(run.exact.fills) > 3, world.name


def test_counts_do_not_depend_on_processes_or_interruptions(tmp_path):
    batch = batches_of([Experiment("size", "coins-30", "", 3)])[0]
    assert run_batch(batch, SETTINGS, None) == run_batch(batch, SETTINGS, None)
    options = {"draws": 19, "extended": 19, "seed": 5, "groups": ("paid", "power")}
    options |= {"runs": max(RUNS - 4, 2), "scenarios": ("coins-30", "planted-t5-100")}
    alone = calibrate(**options, threads=1, checkpoint=tmp_path)
    kept = (tmp_path / CHECKPOINT).read_text().splitlines()
    assert len(kept) == 1 + len(alone.experiments)
    begun = Checkpoint(tmp_path, json.loads(kept[0])["calibration"], {})
    begun.spans = dict(list(begun.spans.items())[:1])  # as a run that was ended early leaves it
    begun.write()
    again = calibrate(**options, threads=1, checkpoint=tmp_path)
    assert again.result_hash == alone.result_hash
    if not INTERPRETED:
        assert calibrate(**options, threads=2).result_hash == alone.result_hash


#: Of every experiment the first batch is done at once, the others after ten minutes.
SLOW = """
import time
import quantlaxmi.calibrate.checkpoint as checkpoint
import quantlaxmi.calibrate.work as work

checkpoint._KEEP_EVERY = 0.0

def run_batch(batch, settings, capture):
    time.sleep(600 if batch.first else 0)
    return {"x": {"P": batch.count}}

work.run_batch = run_batch
"""


def _alive(group):
    """Processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, number = stat.read_text().rpartition(")")[2].split()[:3]
            if int(number) == group and state != "Z":
                found.append(stat.parent.name)
    return found


INTERRUPTED = (signal.SIGINT, 130, "interrupted")
TERMINATED = (signal.SIGTERM, 143, "terminated")


@pytest.mark.parametrize(
    ("number", "code", "said", "threads"),
    some([(*INTERRUPTED, 2), (*TERMINATED, 1), (*INTERRUPTED, 1), (*TERMINATED, 2)], 2),
)
def test_an_ended_command_ends_at_once_and_keeps_what_was_done(
    tmp_path, number, code, said, threads
):
    """Workers are at batches of minutes when the signal comes."""
    (tmp_path / "slow.py").write_text(SLOW)
    program = "import sys, slow; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
    command = [sys.executable, "-c", program, "calibrate", "--runs", "400", "--scenarios", "quiet"]
    command += ["--threads", str(threads), "--checkpoint", str(tmp_path / "kept")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
    )  # fmt: skip
    kept, limit = tmp_path / "kept" / CHECKPOINT, time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        if kept.exists() and len(kept.read_text().splitlines()) > 1:
            break
        time.sleep(0.05)
    begun = time.monotonic()
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    try:
        out, err = process.communicate(timeout=60)
        while running := _alive(process.pid):
            assert time.monotonic() - begun < 30, running
            time.sleep(0.1)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, out, err) == (code, "", f"quantlaxmi-crypto: {said}\n")
    assert time.monotonic() - begun < 30
    assert len(kept.read_text().splitlines()) > 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: ['{"calibration": "other"}', *lines[1:]], "belongs to another"),
        (
            lambda lines: [lines[0], lines[1][:-9]],
            "is not a calibration's checkpoint",
        ),
        (
            lambda lines: [lines[0], '{"batch": "x", "counts": {"t": {"P": -1}}}'],
            "is not a",
        ),
        (lambda lines: ["[]"], "is not a"),
        (lambda lines: [], "is not a"),
    ],
)
def test_a_foreign_or_cut_checkpoint_is_refused(tmp_path, change, said):
    options = {"runs": 1, "draws": 19, "scenarios": ("quiet",), "groups": ("paid",), "threads": 1}
    calibrate(**options, checkpoint=tmp_path)
    kept = (tmp_path / CHECKPOINT).read_text().splitlines()
    (tmp_path / CHECKPOINT).write_text("\n".join(change(kept)))
    with pytest.raises(ConfigError, match=said):
        calibrate(**options, checkpoint=tmp_path)


def test_the_market_null_can_be_asked_in_every_third_run_alone():
    every, third = study.Settings(5, 19, 19), study.Settings(5, 19, 19, 3)
    batch = batches_of([Experiment("size", "coins-30", "", 5)])[0]
    all_runs, some = (run_batch(batch, settings, None) for settings in (every, third))
    assert sum(some.pop(MARKET).values()) == 2
    assert sum(all_runs.pop(MARKET).values()) == 5
    assert some == all_runs


def counted(passed, failed=0, left=0):
    return {test: {"P": passed, "F": failed, "I": left} for test in TESTS}


def calibration(outcomes, runs=400):
    """A calibration of made-up counts, by the experiments' keys."""
    experiments = tuple(Experiment(*key.split("/"), "", runs) for key in outcomes)
    outcomes = {one.key: outcomes[one.key] for one in experiments}
    return Calibration(SETTINGS, runs, experiments, outcomes, WORLDS, None)


def test_the_first_lines_say_the_worst_cell_and_all_that_are_outside():
    found = calibration(
        {
            "size/coins": counted(14, 386),
            "size/crash-rate-0.2%": counted(200, 200),
            "size/walk-level": counted(3, 97, 300),
            "paid/coins": counted(2, 398),
            "power/carry-t7": counted(340, 60),
            "power/planted-t4-40": counted(395, 5),
        }
    )
    assert not found.holds
    size = next(c for c in found.size_checks() if (c.group, c.test) == ("size", EITHER))
    assert size.outside == ("crash-rate-0.2%",)
    assert found.power_check().outside == ("carry-t7",)
    assert found.not_shown("size", EITHER) == ["walk-level"]
    lines = [line for line in page(found, "command", "").splitlines() if line]
    assert lines[1].startswith("**The worst cell of the joint verdict is `crash-rate-0.2%`")
    assert "50.00 % pass without an edge" in lines[1]
    first = "\n".join(lines[:12])
    assert lines[2].startswith("**Significantly above 5 %** (one-sided binomial test")
    assert lines[3].startswith("| world | joint verdict | with costs | adjusted p | runs without")
    assert lines[5].startswith("| `crash-rate-0.2%` | 50.00 % |  | ")
    assert lines[5].endswith(" | 67.0 % |")
    assert "every PASS prints the loss that would erase it" in first
    assert "does not occur: crash-rate-0.2% 67.0 % of the runs" in first
    assert "more than 3 points below the expected rate in carry-t7" in first
    assert "fewer than half of the runs were judged: walk-level" in first
    good = calibration({"size/coins": counted(20, 380), "power/carry-t7": counted(395, 5)})
    assert good.holds
    text = page(good, "command", "")
    assert "No rate is significantly above 5 %." in text
    assert "x[t] = x[t-1] + n[t]" in text
    kept = "## Families of items\n\nmeasured elsewhere\n"
    assert page(good, "command", "", kept) == f"{text}\n{kept}"


def test_the_worst_world_comes_first_and_other_results_are_told_apart():
    low, high = counted(100, 300), counted(200, 200)
    alone = counted(20, 380) | {MARKET: {"P": 90, "F": 310, "I": 0}}
    found = calibration(
        {
            "size/crash-rate-0.5%": low,
            "size/crash-rate-0.2%": low,
            "size/coins": alone,
            "paid/crash-rate-0.2%": high,
            "paid/crash-rate-0.5%": low,
        }
    )
    text = page(found, "command", "")
    worlds = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `crash")]
    assert worlds == ["crash-rate-0.2%", "crash-rate-0.5%"]
    assert "| `crash-rate-0.2%` | 25.00 % | 50.00 % | " in text
    first = text.partition("makes this page")[0]
    assert "**market null, without costs: above 5 % in coins**" in first
    assert "**equity, without costs" not in first  # its worlds are in the table


def test_what_a_world_has_by_itself_is_not_held_to_the_level():
    """A drift is earned by being long, so equity passes; nobody tells equity of a search."""
    found = calibration(
        {"size/long-on-drift": counted(300, 100), "search/coins": counted(300, 100)}
    )
    held = {(c.group, c.test) for c in found.size_checks()}
    assert ("size", EQUITY) not in held
    assert ("size", MARKET) in held
    assert {test for group, test in held if group == "search"} == {MARKET, "timing"}


def test_rates_are_those_of_judged_runs():
    assert rate({"P": 2, "F": 38, "I": 0}) == "5.00 %"
    assert rate({"P": 1, "F": 19, "I": 20}) == "5.00 % (2.50 % of all, 50.0 % not judged)"
    assert rate({"I": 3}) == "none judged"
    assert rate(None) == ""


def test_every_kind_of_experiment_runs_and_stands_on_the_page():
    """One run of each simpler test, of a search with telling and without, and of the rest."""
    names = {name for naive in NAIVE.values() for name in naive.scenarios}
    assert names <= {world.name for world in NO_EDGE}
    experiments = [
        Experiment("naive", naive.scenarios[-1 if INTERPRETED else 1], variant, 1)
        for variant, naive in NAIVE.items()
    ]
    experiments += [Experiment(group, "coins-30", "", 1) for group in ("search", "chosen")]
    experiments += [Experiment("search", "momentum", "", 1)]
    outcomes = {
        one.key: run_batch(batch, SETTINGS, None)
        for one in experiments
        for batch in batches_of([one])
    }
    for one in experiments:
        expected = {one.variant, NAIVE[one.variant].used} if one.variant else set(TESTS)
        assert set(outcomes[one.key]) == expected, one
    full = {
        key: {test: {"P": 0, "F": 0, "I": 0} | c for test, c in outcome.items()}
        for key, outcome in outcomes.items()
    }
    text = page(Calibration(SETTINGS, 1, tuple(experiments), full, WORLDS, None), "command", "")
    for naive in NAIVE.values():
        assert naive.text in text
    assert "The best of 50, with telling" in text
    assert "The best of 50, without telling" in text


def test_permuted_increments_are_the_same_increments():
    for name in ("momentum", "basis"):
        segment = WORLDS[name].make(Draws(3), False).segment
        made = _permuted(segment, 1, 2)
        turns = len(segment.instruments)
        for column in ("bid", "ask"):
            a, b = segment.columns("quotes")[column], made.columns("quotes")[column]
            for i in range(turns):
                moved = np.diff(b[i::turns])
                np.testing.assert_array_equal(np.sort(np.diff(a[i::turns])), np.sort(moved))
            assert (a != b).any()


def test_calibrate_command(tmp_path, capsys):
    words = ["--runs", "2", "--draws", "19", "--extended", "19", "--scenarios", "coins-30"]
    words += ["--groups", "size", "--threads", "1"]
    out = tmp_path / "page.md"
    code = main_crypto(["calibrate", *words, "--out", str(out)])
    assert code in (0, 1)
    command = "calibrate --runs 2 --draws 19 --extended 19 --market-every 1 --seed 1"
    assert f"{command} --scenarios coins-30 --groups size" in out.read_text()
    assert "No real capture was given" in capsys.readouterr().out
    assert main_crypto(["calibrate", *words, "--json"]) == code
    counts = json.loads(capsys.readouterr().out)
    assert counts["result_hash"] in out.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--draws", "100"], "one less than a multiple of 20"),
        (["--extended", "100"], "one less than a multiple of 20"),
        (["--runs", "0"], "expected a whole number from 1"),
        (["--scenarios", "nothing"], "expected of coins"),
        (["--groups", "nothing"], "expected of size"),
        (["--out", "page.txt"], "expected a name ending in .md"),
        (["--segment-dir", "/nowhere"], "/nowhere"),
    ],
)
def test_calibrate_command_refuses(words, said, capsys):
    assert main_crypto(["calibrate", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
