"""Reports over a grid that was given, and the trials that they know of."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi import backtest, open_segment, replay, run_gates, verify_report
from quantlaxmi.errors import ConfigError, ReportError, StrategyError, TrialError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path.clock_buckets import increments_of
from quantlaxmi.gates.resampling.grid_choice import market_for, run_grid
from quantlaxmi.report import load_report
from quantlaxmi.run.config import RunConfig
from quantlaxmi.segment import Window
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.trials import TrialLedger
from quantlaxmi.trials.ledger import ENVIRONMENT

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
NULL = GatePolicy(
    suites={"g2": ["equity", "market_null"]}, market_null={"n_draws": 19, "n_draws_extended": 19}
)
NET = GatePolicy(suites={"g2": ["net_positive"]})
TEXT = 'strategy = "basis_capture"\n[values]\nthreshold_bps = [3, 4, 5, 6]\n'


@pytest.fixture(autouse=True)
def no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


@pytest.fixture
def grid_file(tmp_path: Path) -> Path:
    (tmp_path / "grid.toml").write_text(TEXT)
    return tmp_path / "grid.toml"


def naive_best(configs) -> bytes:
    """Hash of the setting of the largest Z, by fractions of whole squares."""
    found = []
    for config in configs:
        gross = increments_of(backtest(PLANTED, BasisCapture(config))).gross
        total, squares = sum(gross), sum(g * g for g in gross)
        z = Fraction(total * abs(total), squares) if squares else Fraction(0)
        found.append((-z, config.config_hash))
    return min(found)[1]


def test_the_setting_of_the_largest_z_is_judged(grid_file: Path, tmp_path: Path) -> None:
    grid = Grid.load(grid_file, BasisCapture)
    report = run_gates(PLANTED, "basis_capture", policy=NULL, grid=grid_file)
    assert report.header["config_hash"] == naive_best(grid.configs).hex()
    assert (report.grid, report.grid_hash) == (grid.describe(), grid.grid_hash)
    details = report.suites["g2"]["results"][1]["details"]
    assert details["settings_searched"] == 4
    assert "on the data 0 did better than the run's" in details["grid_search"]
    assert "best of 4 settings allowed for, other trials unknown" in report.verdict_text
    same = [run_gates(PLANTED, BasisCapture, policy=NULL, grid=g) for g in (grid, grid.configs)]
    assert {one.report_hash for one in same} == {report.report_hash}
    one_thread = run_gates(PLANTED, BasisCapture, policy=NULL, grid=grid, threads=1)
    assert one_thread.report_hash == report.report_hash
    report.save(tmp_path / "report.json")
    assert verify_report(tmp_path / "report.json", PLANTED).matches


def test_ties_go_to_the_smaller_hash() -> None:
    """Thresholds that nothing reaches never trade: Z is 0 for all."""
    configs = [BasisCaptureConfig(threshold_bps=k) for k in (900, 901, 902, 903)]
    for given in (configs, configs[::-1]):
        market = market_for(open_segment(PLANTED), RunConfig())
        found = run_grid(market, BasisCapture, given)
        assert {(one.total, one.squares) for one in found.settings} == {(0, 0)}
        assert found.best.config_hash == min(c.config_hash for c in configs)


def test_settings_that_were_given_are_judged_and_added(grid_file: Path) -> None:
    report = run_gates(PLANTED, BasisCapture(), policy=NULL, grid=grid_file)
    assert report.config["threshold_bps"] == "5"
    assert report.grid_hash == Grid.load(grid_file, BasisCapture).grid_hash
    outside = BasisCapture(BasisCaptureConfig(threshold_bps=9))
    report = run_gates(PLANTED, outside, policy=NULL, grid=grid_file)
    assert report.config["threshold_bps"] == "9"
    assert report.grid is not None and len(report.grid["settings"]) == 5
    assert report.suites["g2"]["results"][1]["details"]["settings_searched"] == 5


def test_a_setting_that_cannot_be_run_is_not_chosen_and_said(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(TEXT + 'perp = ["", "NONE"]\n')
    report = run_gates(PLANTED, BasisCapture, policy=NULL, grid=path)
    assert report.config["perp"] == ""
    assert "A setting of the grid cannot be run" in str(report.suites["g2"]["results"][1])
    path.write_text(TEXT + 'perp = ["NONE"]\n')
    with pytest.raises(StrategyError, match="needs a perp NONE"):
        run_gates(PLANTED, BasisCapture, policy=NULL, grid=path)


def test_a_declared_grid_is_read_once_for_the_same_settings() -> None:
    class Own(BasisCapture):
        grid = {"threshold_bps": ["4", "6"]}  # noqa: RUF012

    first = grid_configs(Own())
    assert [c.as_texts()["threshold_bps"] for c in first] == ["4", "6"]
    # What the grid sets does not matter; how many are looked at does where there are more.
    assert grid_configs(Own(BasisCaptureConfig(threshold_bps=9))) is first
    assert grid_configs(Own(), 2) is first and len(grid_configs(Own(), 1)) == 1
    other = grid_configs(Own(BasisCaptureConfig(exit_threshold_bps=1)))
    assert [c.as_texts()["exit_threshold_bps"] for c in other] == ["1", "1"]
    Own.grid["threshold_bps"].append("8")
    assert len(grid_configs(Own())) == 3
    assert grid_configs(BasisCapture()) != first


def test_a_grid_needs_a_strategy_that_can_be_made(grid_file: Path) -> None:
    with pytest.raises(ConfigError, match="needs a strategy's name, class or object"):
        run_gates(PLANTED, lambda segment: BasisCapture(), grid=grid_file)
    other = Grid("other", (BasisCaptureConfig(),))
    with pytest.raises(ConfigError, match="is of 'other', expected 'basis_capture'"):
        run_gates(PLANTED, BasisCapture, grid=other)


def test_reports_without_a_grid_or_a_ledger_have_no_such_fields() -> None:
    plain = run_gates(PLANTED, "basis_capture", policy=NET).to_json()
    assert not {"grid", "grid_hash", "trials", "holdout"} & plain.keys()
    text = run_gates(PLANTED, "basis_capture", policy=NET).verdict_text
    assert "selection not tested, trials unknown" in text


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "ledger").mkdir()
    return tmp_path / "ledger"


def test_backtests_gates_and_grids_write_the_ledger(place: Path, grid_file: Path) -> None:
    setting = BasisCapture(BasisCaptureConfig(threshold_bps=7))
    run = backtest(PLANTED, setting, trials=place)
    replay(PLANTED, setting, trials=place)
    ledger = TrialLedger(place).refresh()
    first, second = ledger.trials()
    gross, trips = increments_of(run).gross, len(context_of(run, NET).path.trips)
    assert (first.purpose, second.purpose) == ("backtest", "replay")
    assert first.key == second.key and ledger.count() == 1
    assert (first.total, first.squares) == (str(sum(gross)), str(sum(g * g for g in gross)))
    assert (first.run, first.round_trips) == (run.trace.outcome_hash.hex(), trips)
    assert first.config == setting.config.as_texts()
    assert first.data.instruments == tuple(sorted(i.symbol for i in run.instruments))
    run_gates(PLANTED, BasisCapture, policy=NET, grid=grid_file, trials=place)
    purposes = [one.purpose for one in ledger.refresh().trials()]
    assert sorted(purposes) == ["backtest", "gates", *["grid"] * 4, "replay"]
    assert ledger.count() == 5


def test_settings_that_a_class_declares_are_written_where_gates_search_them(place: Path) -> None:
    run_gates(PLANTED, BasisCapture(), policy=NET, trials=place)
    off = NULL.replace(market_null={"grid_search": "off"})
    run_gates(PLANTED, BasisCapture(), policy=off, trials=place)
    ledger = TrialLedger(place)
    assert [one.purpose for one in ledger.refresh().trials()] == ["gates"]
    run_gates(PLANTED, lambda segment: BasisCapture(), policy=NULL, trials=place)
    found = {one.config_hash: one for one in ledger.refresh().trials()}
    assert set(found) == {c.config_hash.hex() for c in grid_configs(BasisCapture())}
    for config in grid_configs(BasisCapture())[:2]:
        run = backtest(PLANTED, BasisCapture(config))
        line, gross = found[config.config_hash.hex()], increments_of(run).gross
        assert (line.purpose, line.run) == ("grid", run.trace.outcome_hash.hex())
        assert (line.total, line.squares) == (str(sum(gross)), str(sum(g * g for g in gross)))
        assert line.round_trips == len(context_of(run, NET).path.trips)


def test_a_report_keeps_the_keys_it_used(place: Path, tmp_path: Path, monkeypatch) -> None:
    segment = open_segment(PLANTED)
    half = Window(segment, segment.first_seq, 12_000)
    other = BasisCapture(BasisCaptureConfig(threshold_bps=7))
    backtest(half, other, trials=place)  # another window of the same data counts
    report = run_gates(PLANTED, BasisCapture(), policy=NULL, trials=place)
    again = run_gates(PLANTED, BasisCapture(), policy=NULL, trials=place)
    assert again.report_hash == report.report_hash
    trials = report.trials
    assert trials is not None
    # The window's, the run's, and the fourteen others of the grid that the class declares.
    assert (trials["count"], trials["not_searched"]) == (16, 0)
    assert trials["keys"] == [list(key) for key in TrialLedger(place).refresh().trial_keys()]
    declared = {c.config_hash.hex() for c in grid_configs(BasisCapture())}
    assert set(trials["settings"]) == {other.config_hash.hex(), *declared}
    said = "best of 16 settings allowed for, 16 trials in the ledger, 0 of their settings not"
    assert said in report.verdict_text
    report.save(tmp_path / "report.json")
    backtest(PLANTED, BasisCapture(BasisCaptureConfig(threshold_bps=9)), trials=place)
    monkeypatch.setenv(ENVIRONMENT, str(place))
    lines = sum(len(file.hashes) for file in TrialLedger(place).refresh().files)
    assert verify_report(tmp_path / "report.json", PLANTED).matches
    assert sum(len(file.hashes) for file in TrialLedger(place).refresh().files) == lines
    assert load_report(tmp_path / "report.json").trials == trials
    later = run_gates(PLANTED, BasisCapture(), policy=NULL, trials=place)
    assert later.report_hash != report.report_hash
    assert later.trials is not None and later.trials["count"] == 17
    assert later.seed == report.seed  # what is written down adds to a search and moves no draw


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update(keys_hash="0" * 64), r"\(trials.keys_hash\): was '0+', the keys give"),
        (lambda t: t["keys"].reverse(), r"\(trials.keys\): are not sorted"),
        (lambda t: t.update(count=7), r"\(trials.keys\): are not sorted, each once, and counted"),
        (lambda t: t.update(keys=[["a"]]), r"\(trials.keys\): was .*, expected keys"),
        (lambda t: t.update(settings=[]), r"\(trials.settings\): was"),
        (lambda t: t.update(code="x"), r"\(trials.code\): was 'x', expected a digest"),
        (lambda t: t.pop("count"), r"\(trials\): was .*, expected strategy, code, count"),
    ],
)
def test_trials_of_a_report_that_was_forged_are_refused(
    place: Path, tmp_path: Path, change, said: str
) -> None:
    backtest(PLANTED, BasisCapture(BasisCaptureConfig(threshold_bps=7)), trials=place)
    report = run_gates(PLANTED, BasisCapture(), policy=NET, trials=place)
    trials = json.loads(json.dumps(report.trials))
    change(trials)
    object.__setattr__(report, "trials", trials)
    report.sealed().save(tmp_path / "report.json")
    with pytest.raises(ReportError, match=said):
        verify_report(tmp_path / "report.json", PLANTED)


def test_a_ledger_that_cannot_be_used_ends_the_run_before_it_begins(place: Path) -> None:
    with pytest.raises(TrialError, match="absent: is no folder"):
        backtest(PLANTED, "basis_capture", trials=place / "absent")
    backtest(PLANTED, "basis_capture", trials=place)
    (path,) = place.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"backtest", b"backtost"))
    for call in (backtest, run_gates):
        with pytest.raises(TrialError, match=r"\.jsonl \(line 2\): the chain is broken"):
            call(PLANTED, StrategyRegistry().create("basis_capture"), trials=place)
