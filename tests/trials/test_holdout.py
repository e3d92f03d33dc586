"""Sealed holdouts: refused by every route of the library, opened once, marked ever after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment, replay, run_gates, verify_report
from quantlaxmi.errors import ConfigError, HoldoutError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import load_report
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.grid_runs import grid_runs
from quantlaxmi.segment import MemorySegment, Window, split_segment
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.trials import TrialLedger, refuse_sealed, seal_from, using
from quantlaxmi.trials.ledger import ENVIRONMENT
from quantlaxmi.trials.records import Opening

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
#: Of 07:00 to 08:30; behind it are over 200 distinct times.
SEALED_FROM = 1_705_305_600_000_000_000
NET = GatePolicy(suites={"g2": ["net_positive"]})


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialLedger:
    """The ledger of the environment, in which the end of the planted segment is sealed."""
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "ledger"))
    found = TrialLedger(tmp_path / "ledger")
    seal_from(open_segment(PLANTED), SEALED_FROM, found)
    return found


def runs(segment) -> dict[str, object]:
    """Every way to run a strategy over data."""
    made = BasisCapture()
    grid = [made.config, BasisCaptureConfig(threshold_bps=4)]
    ends = np.array([segment.last_ts_ns])
    return {
        "backtest": lambda: backtest(segment, made),
        "replay": lambda: replay(segment, made),
        "run_gates": lambda: run_gates(segment, made, policy=NET),
        "grid": lambda: run_gates(segment, BasisCapture, policy=NET, grid=grid),
        "grid_runs": lambda: grid_runs(segment, made, grid, ends, config=RunConfig()),
    }


@pytest.mark.parametrize("route", list(runs(open_segment(PLANTED))))
def test_every_route_refuses_sealed_rows_and_runs_before_them(ledger, route: str) -> None:
    segment = open_segment(PLANTED)
    with pytest.raises(HoldoutError, match=r"its rows from 2024-01-15T08:00:00Z on are sealed"):
        runs(segment)[route]()
    assert ledger.refresh().count() == 0  # nothing was run
    before = Window.between(segment, segment.first_ts_ns, SEALED_FROM)
    runs(before)[route]()
    one_more = Window(segment, before.first_seq, before.last_seq + 1)
    with pytest.raises(HoldoutError):
        runs(one_more)[route]()


def test_parts_and_other_imports_of_the_same_market_are_sealed_too(ledger, tmp_path: Path) -> None:
    segment = open_segment(PLANTED)
    parts = split_segment(segment, tmp_path / "parts", rows=8_000)
    refused = []
    for part in parts:
        try:
            refuse_sealed(part)
            refused.append(False)
        except HoldoutError:
            refused.append(True)
    assert refused == [part.last_ts_ns >= SEALED_FROM for part in parts]
    assert set(refused) == {True, False}
    tables = {name: segment.columns(name) for name in ("quotes", "trades", "funding")}
    with pytest.raises(HoldoutError):
        refuse_sealed(MemorySegment(segment.instruments, tables))


def test_a_seal_needs_rows_on_both_sides_and_stays_as_it_is(ledger) -> None:
    segment = open_segment(PLANTED)
    assert seal_from(segment, SEALED_FROM, ledger) == ledger.seals()[0]
    assert len(ledger.seals()) == 1
    for wrong in (segment.first_ts_ns, segment.last_ts_ns + 1):
        with pytest.raises(HoldoutError, match="expected a time after the first"):
            seal_from(segment, wrong, ledger)
    for other in (SEALED_FROM - 1, SEALED_FROM + 1):
        with pytest.raises(HoldoutError, match="is sealed from 2024-01-15T08:00:00Z on already"):
            seal_from(segment, other, ledger)


def test_a_seal_is_opened_once_for_one_setting(ledger, tmp_path: Path) -> None:
    setting = BasisCapture(BasisCaptureConfig(threshold_bps=4))
    report = run_gates(PLANTED, setting, open_seal=True)
    suite = report.suites["g2"]
    assert [one["gate"] for one in suite["results"]] == ["equity"]
    assert (report.verdict, report.g2_passed) == (suite["results"][0]["verdict"], False)
    segment = open_segment(PLANTED)
    rows = Window.between(segment, SEALED_FROM, segment.last_ts_ns + 1)
    assert report.header["segment_digest"] == rows.digest
    assert "sealed rows, opened once for this setting" in report.verdict_text
    (opening,) = ledger.refresh().openings().values()
    assert isinstance(opening, Opening)
    assert opening.config_hash == setting.config_hash.hex()
    for again in (setting, BasisCapture()):
        with pytest.raises(HoldoutError, match=r"were opened for basis_capture \w{16} already"):
            run_gates(PLANTED, again, open_seal=True)
    report.save(tmp_path / "report.json")
    check = verify_report(tmp_path / "report.json", PLANTED)
    assert check.matches and load_report(tmp_path / "report.json").holdout == report.holdout


def test_later_runs_are_marked(ledger, tmp_path: Path, monkeypatch) -> None:
    run_gates(PLANTED, BasisCapture(), open_seal=True)
    later = run_gates(PLANTED, BasisCapture(), policy=NET)
    assert later.holdout is not None and later.holdout["judged"] is False
    assert "NOT FRESH: rows of a holdout that was opened before" in later.verdict_text
    later.save(tmp_path / "report.json")
    segment = open_segment(PLANTED)
    before = Window.between(segment, segment.first_ts_ns, SEALED_FROM)
    assert run_gates(before, BasisCapture(), policy=NET).holdout is None
    monkeypatch.delenv(ENVIRONMENT)  # what the ledger says now does not matter
    assert verify_report(tmp_path / "report.json", PLANTED).matches


def test_what_cannot_be_opened(ledger, tmp_path: Path, monkeypatch) -> None:
    grid = [BasisCaptureConfig()]
    with pytest.raises(ConfigError, match="judges one named setting, expected no grid"):
        run_gates(PLANTED, BasisCapture(), grid=grid, open_seal=True)
    with pytest.raises(ConfigError, match="needs a strategy's name, class or object"):
        run_gates(PLANTED, lambda segment: BasisCapture(), open_seal=True)
    edgeless = PLANTED.with_name("edgeless")
    (tmp_path / "other").mkdir()
    with pytest.raises(HoldoutError, match="has no rows that are sealed in"):
        run_gates(edgeless, BasisCapture(), open_seal=True, trials=tmp_path / "other")
    assert ledger.refresh().openings() == {}
    monkeypatch.delenv(ENVIRONMENT)
    with pytest.raises(HoldoutError, match="--open-seal: needs the ledger that holds the seal"):
        run_gates(PLANTED, BasisCapture(), open_seal=True)


def test_a_ledger_inside_a_call_holds_in_its_threads(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    (tmp_path / "ledger").mkdir()
    found = TrialLedger(tmp_path / "ledger")
    seal_from(open_segment(PLANTED), SEALED_FROM, found)
    backtest(PLANTED, "basis_capture")
    with using(found), pytest.raises(HoldoutError):
        backtest(PLANTED, "basis_capture")
    with pytest.raises(HoldoutError):
        backtest(PLANTED, "basis_capture", trials=tmp_path / "ledger")


OPEN = """
import sys
from quantlaxmi import open_segment
from quantlaxmi.errors import HoldoutError
from quantlaxmi.trials import TrialLedger, open_seal
segment, ledger = open_segment(sys.argv[1]), TrialLedger(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
try:
    open_seal(segment, ledger, strategy="a", code="0" * 64, config={}, config_hash=sys.argv[3] * 64)
    print("opened")
except HoldoutError:
    print("refused")
"""


def test_of_processes_at_one_time_one_opens(ledger) -> None:
    words = [sys.executable, "-c", OPEN, str(PLANTED), str(ledger.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    asked = [subprocess.Popen([*words, str(k)], **pipes) for k in range(3)]
    for one in asked:
        assert one.stdout.readline() == "ready\n"
    for one in asked:
        one.stdin.write("\n")
        one.stdin.flush()
    found = sorted(one.communicate()[0] for one in asked)
    assert found == ["opened\n", "refused\n", "refused\n"]
    assert len(ledger.refresh().openings()) == 1
