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
from quantlaxmi.calibrate.experiments import Experiment, batches_of, experiments_of, run_batch
from quantlaxmi.calibrate.markdown import _rate, page
from quantlaxmi.calibrate.naive_tests import NAIVE, _permuted
from quantlaxmi.calibrate.null_markets import MOVE, autoregressive, clustered
from quantlaxmi.calibrate.null_strategies import SEARCHED, schedule_of
from quantlaxmi.calibrate.random_streams import BELL_SD, bell, run_key
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.scenarios import NO_EDGE, POWER, T_VALUES, grid_strategies
from quantlaxmi.calibrate.work import CHECKPOINT
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.gates.observation import path_of
from quantlaxmi.gates.suites import ALL_GATES
from quantlaxmi.run.decision_points import decision_points

# Interpreted kernels are some hundred times slower; there the rates are only looked at.
INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
RUNS = 4 if INTERPRETED else 40
#: Cells whose rule waits for a level, so that many runs make too few trips to be judged.
EXITS = ("basis-exits", "basis-defaults")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """All scenarios, sizes and power."""
    folder = tmp_path_factory.mktemp("kept")
    return calibrate(
        runs=RUNS, draws=39, seed=5, groups=("size", "power"), threads=1, checkpoint=folder
    )


def test_no_edge_passes_at_most_at_the_level(small):
    found = small
    for check in found.size_checks():
        # A gross fault shows; the page has the fine ones.
        assert min(check.p_values.values()) > 0.005, check
        # Positions of rules that wait for a level last too long for the circular shift.
        scenarios = {scenario.name for scenario in NO_EDGE}
        assert scenarios - set(check.p_values) <= (
            {*EXITS} if check.test == "time_shift" else set()
        )
    for experiment in found.group("size"):
        assert all(sum(c.values()) == RUNS for c in found.outcomes[experiment.key].values())
        judged = found.outcomes[experiment.key][study.SUITE]
        least = 0.1 if experiment.scenario in EXITS else 0.9
        assert INTERPRETED or judged["P"] + judged["F"] > least * RUNS, experiment


@pytest.mark.skipif(INTERPRETED, reason="too few runs")
def test_an_edge_is_found(small):
    found = small
    passed = [found.outcomes[f"power/edge-{t}"] for t in T_VALUES]
    for counts in passed[-1].values():
        assert counts["P"] >= 0.7 * RUNS / 4
    assert passed[0][study.SUITE]["P"] <= passed[-1][study.SUITE]["P"]


def test_every_gate_that_tests_is_calibrated():
    """A gate whose result has the role of a test is in `TESTS`."""
    case = NO_EDGE[0].make(run_key(0, "x", 0), False)
    run = study.run_case(case)
    settings = study.Settings(0, 19)
    # Guards and diagnoses toss nothing.
    quick = {"net_positive", "delay", "ablation", "look_ahead", "lag_profile"}
    for gate in {g.name for g in ALL_GATES} - quick:
        said = study.judge(run, settings, (gate,))
        assert bool(said) == (gate in study.TESTS), gate


def test_counts_do_not_depend_on_processes_or_interruptions(small, tmp_path):
    found = small
    experiments = [
        experiment
        for experiment in found.experiments
        if experiment.scenario in ("narrow", "edge-3")
    ]
    batch = batches_of([Experiment("size", "narrow", "", 10)])[0]
    settings = found.settings
    assert run_batch(batch, settings, None) == run_batch(batch, settings, None)
    options = {"runs": 12, "draws": 39, "seed": 5, "scenarios": ("narrow", "edge-3")}
    groups = ("size", "power")
    alone = calibrate(**options, groups=groups, threads=1, checkpoint=tmp_path)
    kept = (tmp_path / CHECKPOINT).read_text().splitlines()
    assert len(kept) == 1 + len(experiments)
    (tmp_path / CHECKPOINT).write_text("\n".join(kept[:2]) + "\n")
    again = calibrate(**options, groups=groups, threads=1, checkpoint=tmp_path)
    assert again.result_hash == alone.result_hash
    if not INTERPRETED:
        assert calibrate(**options, groups=groups, threads=2).result_hash == alone.result_hash


#: Of every experiment the first batch is done at once, the others after ten minutes.
SLOW = """
import time
import quantlaxmi.calibrate.work as work

work._KEEP_EVERY = 0.0

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


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("threads", [1, 2])
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
    options = {"runs": 1, "draws": 19, "scenarios": ("quiet",), "groups": ("size",), "threads": 1}
    calibrate(**options, checkpoint=tmp_path)
    kept = (tmp_path / CHECKPOINT).read_text().splitlines()
    (tmp_path / CHECKPOINT).write_text("\n".join(change(kept)))
    with pytest.raises(ConfigError, match=said):
        calibrate(**options, checkpoint=tmp_path)


def test_lines_name_what_is_asked_for():
    assert {experiment.scenario for experiment in experiments_of(8, ("loud", "edge-4"), None)} == {
        "loud",
        "edge-4",
    }
    with pytest.raises(InputError, match="'lout', expected of coins"):
        experiments_of(8, ("lout",), None)
    assert [t.first for t in batches_of([Experiment("size", "loud", "", 250)])] == [0, 100, 200]


def test_generators_are_what_they_say():
    x = bell(1, 2, 200_000)
    assert abs(x.mean()) < 4 * BELL_SD / np.sqrt(len(x))
    assert abs(x.std() / BELL_SD - 1) < 0.01
    for rho in (0.0, 0.3, 0.6):
        y = autoregressive(1, 2, 200_000, rho).astype(float)
        assert abs(np.corrcoef(y[1:], y[:-1])[0, 1] - rho) < 0.01
        assert abs(y.std() * np.sqrt(1 - rho**2) / BELL_SD - 1) < 0.02
    z = clustered(1, 2, 200_000).astype(float)
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.02
    assert np.corrcoef(abs(z[1:]), abs(z[:-1]))[0, 1] > 0.2
    assert len(grid_strategies(NO_EDGE[0].make(1, True).strategy)) == SEARCHED
    for scenario in NO_EDGE:
        assert len(grid_strategies(scenario.make(1, True).strategy)) == SEARCHED, scenario.name


def test_a_planted_edge_has_its_t():
    """The mean over many runs of the trips' mean over its standard error."""
    scenario = next(c for c in POWER if c.name == "edge-4")
    found = []
    for run in range(200):
        case = scenario.make(run_key(1, "t", run), False)
        mid = case.segment.columns("quotes")["bid"]
        held = schedule_of("trips", case.strategy.config.key, 0, len(mid))
        edges = np.flatnonzero(np.diff(held, prepend=0, append=0))
        last = len(mid) - 1
        gains = [
            held[a] * (mid[min(b, last)] - mid[a]) / MOVE
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        found.append(np.mean(gains) / np.std(gains, ddof=1) * np.sqrt(len(gains)))
    assert abs(np.mean(found) - 4) < 0.3


def test_naive_tests_run_and_the_page_shows_everything(tmp_path):
    names = ("coins", "persistent-0.6", "loud", "narrow", "momentum", "basis", "edge-3", *EXITS)
    settings = study.Settings(2, 19)
    runs = 1
    experiments = [
        experiment
        for experiment in experiments_of(4 * runs, names, None)
        if experiment.group != "search"
    ]
    outcomes = {}
    for experiment in experiments:
        batch = batches_of(
            [Experiment(experiment.group, experiment.scenario, experiment.variant, 1)]
        )[0]
        counts = run_batch(batch, settings, None)
        outcomes[experiment.key] = {t: {"P": 0, "F": 0, "I": 0} | c for t, c in counts.items()}
    texts = {scenario.name: scenario.text for scenario in (*NO_EDGE, *POWER)}
    found = Calibration(settings, 4, tuple(experiments), outcomes, texts, None)
    text = page(found, "command", "It took a second.")
    for naive in NAIVE.values():
        assert naive.text in text
    for experiment in experiments:
        assert f"| {experiment.scenario} |" in text or experiment.group == "naive"
    assert found.result_hash in text
    assert json.loads(json.dumps(found.to_json()))["holds"] in (True, False)


def test_the_best_of_fifty_is_one_that_is_judged():
    scenario = next(c for c in NO_EDGE if c.name == "basis-exits")
    differ = 0
    for run in range(8):
        case = scenario.make(run_key(5, "best", run), True)
        made = [(one, study.run_case(case, one)) for one in grid_strategies(case.strategy)]
        judged = [
            (o, r) for o, r in made if len(path_of(r, decision_points(r)).trips) >= 30
        ] or made
        best = max(judged, key=lambda pair: pair[1].net_pnl)[0]
        assert study.choose(case, net=True).config == best.config
        gross = study.choose(case).config
        assert gross in [one.config for one, _ in judged]
        differ += gross != best.config
    assert differ


def test_rates_are_of_the_judged_and_of_all():
    assert _rate({"P": 2, "F": 38, "I": 0}) == "5.00 %"
    assert _rate({"P": 2, "F": 18, "I": 20}) == "10.00 % (5.00 % of all, 50.0 % not judged)"
    assert _rate({"P": 0, "F": 0, "I": 4}) == "none judged"
    assert _rate(None) == ""


def test_a_search_by_net_is_a_line_of_its_own():
    experiments = [
        experiment
        for experiment in experiments_of(40, ("momentum",), None)
        if experiment.group == "search"
    ]
    assert [(experiment.label, experiment.runs) for experiment in experiments] == [
        ("momentum", 40),
        ("momentum, by net PnL", 40),
    ]
    outcomes = {
        experiment.key: {study.MARKET: {"P": passed, "F": 40 - passed, "I": 0}}
        for experiment, passed in zip(experiments, (0, 20), strict=True)
    }
    found = Calibration(study.Settings(1, 19), 40, tuple(experiments), outcomes, {}, None)
    (check,) = found.size_checks()
    assert set(check.p_values) == {"momentum", "momentum, by net PnL"}
    assert not check.holds


def test_permuted_increments_are_the_same_increments():
    for name in ("momentum", "basis-exits"):
        segment = next(c for c in NO_EDGE if c.name == name).make(3, False).segment
        made = _permuted(segment, 1, 2)
        turns = len(segment.instruments)
        for column in ("bid", "ask"):
            a, b = segment.columns("quotes")[column], made.columns("quotes")[column]
            for i in range(turns):
                moved = np.diff(b[i::turns])
                np.testing.assert_array_equal(np.sort(np.diff(a[i::turns])), np.sort(moved))
            assert (a != b).any()


def test_calibrate_command(tmp_path, capsys):
    words = ["--runs", "4", "--draws", "19", "--scenarios", "quiet", "--threads", "1"]
    out = tmp_path / "page.md"
    code = main_crypto(["calibrate", *words, "--out", str(out)])
    assert code in (0, 1)
    assert "calibrate --runs 4 --draws 19 --seed 1 --scenarios quiet" in out.read_text()
    assert "No real capture was given" in capsys.readouterr().out
    assert main_crypto(["calibrate", *words, "--json"]) == code
    counts = json.loads(capsys.readouterr().out)
    assert counts["result_hash"] in out.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--draws", "100"], "one less than a multiple of 20"),
        (["--runs", "0"], "expected a whole number from 1"),
        (["--scenarios", "nothing"], "expected of coins"),
        (["--out", "page.txt"], "expected a name ending in .md"),
        (["--segment-dir", "/nowhere"], "/nowhere"),
    ],
)
def test_calibrate_command_refuses(words, said, capsys):
    assert main_crypto(["calibrate", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
