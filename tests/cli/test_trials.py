"""``trials``, and the options of the ledger and of grids on other commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.trials import TrialLedger
from quantlaxmi.trials.ledger import ENVIRONMENT
from tests.trials.lines import data, trial

PLANTED = str(Path(__file__).resolve().parents[2] / "data" / "planted")
RUN = ["--segment-dir", PLANTED, "--strategy", "basis_capture"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    (tmp_path / "ledger").mkdir()
    return tmp_path / "ledger"


def answer(capsys, *words: object) -> tuple[int, str, str]:
    code = main_crypto([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_backtest_is_listed_counted_and_verified(place: Path, capsys, monkeypatch) -> None:
    assert answer(capsys, "backtest", *RUN, "--trials", place)[0] == 0
    assert answer(capsys, "backtest", *RUN, "--set", "threshold_bps=7", "--trials", place)[0] == 0
    monkeypatch.setenv(ENVIRONMENT, str(place))
    code, out, _ = answer(capsys, "trials", "count", "--segment-dir", PLANTED, "--json")
    assert (code, json.loads(out)) == (
        0,
        {"trials": 2, "settings": 2, "segments": 1, "strategies": {"basis_capture": 2}},
    )
    code, out, _ = answer(capsys, "trials", "list", "--json")
    assert [one["config"]["threshold_bps"] for one in json.loads(out)] == ["5", "7"]
    code, out, _ = answer(capsys, "trials", "list")
    assert code == 0 and out.count(" backtest ") == 2
    code, out, _ = answer(capsys, "trials", "verify")
    assert code == 0 and out.startswith("TRIALS_SOUND\n")
    (path,) = place.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"threshold_bps":"7"', b'"threshold_bps":"8"'))
    for action in ("list", "count", "verify"):
        code, _, err = answer(capsys, "trials", action)
        assert code == 2 and f"{path} (line 3): the chain is broken" in err
    assert answer(capsys, "backtest", *RUN)[0] == 2


def test_merge_takes_the_union(place: Path, tmp_path: Path, capsys) -> None:
    for name, settings in (("a", (1, 2)), ("b", (2, 3))):
        (tmp_path / name).mkdir()
        TrialLedger(tmp_path / name).append([trial(1, k) for k in settings])
    words = ["trials", "merge", tmp_path / "a", tmp_path / "b", "--trials", place]
    code, out, _ = answer(capsys, *words, "--json")
    assert (code, json.loads(out)) == (0, {"files": 2, "lines": 6, "trials": 3})
    assert TrialLedger(place).refresh().count(data(1)) == 3


def test_a_holdout_is_sealed_and_opened(place: Path, tmp_path: Path, capsys) -> None:
    seal = ["trials", "seal", "--trials", place, "--segment-dir", PLANTED]
    code, out, _ = answer(capsys, *seal, "--from", "2024-01-15T08:00:00Z", "--json")
    assert code == 0 and json.loads(out)["from"] == "2024-01-15T08:00:00Z"
    again = answer(capsys, *seal, "--from", "1705305600000000000", "--json")
    assert again[1] == out
    code, _, err = answer(capsys, "backtest", *RUN, "--trials", place)
    assert code == 2 and "rows from 2024-01-15T08:00:00Z on are sealed" in err
    gates = ["run-gates", *RUN, "--gates", "g2", "--trials", place, "--open-seal"]
    code, out, _ = answer(capsys, *gates, "--output-report", tmp_path / "report.json")
    assert code == 0 and "sealed rows, opened once for this setting" in out
    code, _, err = answer(capsys, *gates)
    assert code == 2 and "a seal is opened once" in err and "by report" in err
    code, out, _ = answer(capsys, "trials", "verify", "--trials", place)
    assert code == 0 and "opened for" in out
    check = ["verify-report", "--report", tmp_path / "report.json", "--segment-dir", PLANTED]
    assert answer(capsys, *check)[0] == 0


def test_a_grid_is_told_with_what_fails_its_own_check(place: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "mine.py").write_text(
        "from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig\n"
        "class Config(BasisCaptureConfig, frozen=True, kw_only=True):\n"
        "    def check(self):\n"
        "        if self.threshold_bps <= self.exit_threshold_bps:\n"
        "            raise self.refuse('threshold_bps', 'expected above exit_threshold_bps')\n"
        "class Mine(BasisCapture):\n"
        "    strategy_id = 'mine'\n"
        "    Config = Config\n"
    )
    grid = tmp_path / "grid.toml"
    grid.write_text(
        'strategy = "mine"\n[values]\nthreshold_bps = [3, 4]\nexit_threshold_bps = [1, 3]\n'
    )
    (tmp_path / "policy.toml").write_text('suites.g2 = ["net_positive"]\n')
    run = ["--segment-dir", PLANTED, "--strategy", tmp_path / "mine.py"]
    words = ["run-gates", *run, "--gates", "g2", "--policy", tmp_path / "policy.toml"]
    _, out, _ = answer(capsys, *words, "--grid", grid)
    assert "3 settings, hash " in out
    out = " ".join(out.split())
    assert "1 fail their own check: threshold_bps=3 exit_threshold_bps=3" in out
    assert "not adjusted for its selection" in out
    _, out, _ = answer(capsys, *words, "--grid", grid, "--set", "threshold_bps=9", "--json")
    report = json.loads(out)
    assert report["config"]["threshold_bps"] == "9"
    assert len(report["grid"]["settings"]) == 4
    grid.write_text('strategy = "mine"\n[values]\nthreshold = [3]\n')
    code, _, err = answer(capsys, *words, "--grid", grid)
    assert code == 2 and "(values.threshold): unknown setting; did you mean threshold_bps?" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["count"], "--trials: is missing, and QUANTLAXMI_TRIALS is not set"),
        (["count", "--trials", "absent"], "absent: is no folder"),
        (["count", "x", "--trials", "."], "trials count: takes no folder, was 'x'"),
        (["merge", "--trials", "."], "trials merge: needs the folders of other ledgers"),
        (["merge", "absent", "--trials", "."], "absent: is no folder"),
        (["list", "--from", "3", "--trials", "."], "--from: belongs to trials seal"),
        (["verify", "--segment-dir", "x", "--trials", "."], "--segment-dir: belongs to"),
        (["seal", "--trials", "."], "--segment-dir: is missing"),
        (["seal", "--trials", ".", "--segment-dir", PLANTED], "--from: is missing"),
        (
            ["seal", "--trials", ".", "--segment-dir", PLANTED, "--from", "tomorrow"],
            "--from: was 'tomorrow', expected UTC such as",
        ),
        (
            ["seal", "--trials", ".", "--segment-dir", PLANTED, "--from", "2024-13-01"],
            "--from: was '2024-13-01', expected UTC",
        ),
        (
            ["seal", "--trials", ".", "--segment-dir", PLANTED, "--from", "9999-01-01"],
            "expected a time of 1970 to 2262",
        ),
        (
            ["seal", "--trials", ".", "--segment-dir", PLANTED, "--from", "2024-01-16"],
            "expected a time after the first",
        ),
        (["sell", "--trials", "."], "the action was 'sell'"),
    ],
)
def test_what_is_wrong_is_one_line(
    place: Path, capsys, monkeypatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(place)
    code, _, err = answer(capsys, "trials", *words)
    assert code == 2 and said in err and err.count("\n") == 1
