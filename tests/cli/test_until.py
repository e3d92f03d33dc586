"""``--until``: work on the messages before a time, with a seal from that time on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quantlaxmi import backtest, open_segment, run_gates, verify_report
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import HoldoutError, InputError, ReportError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import judged_rows, load_report
from quantlaxmi.segment import Window, messages_before
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.trials import TrialLedger, seal_from
from quantlaxmi.trials.ledger import ENVIRONMENT

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
TIME, TIME_NS = "2024-01-15T08:00:00Z", 1_705_305_600_000_000_000
NET = GatePolicy(suites={"g2": ["net_positive"]})


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger in which the end of the planted segment is sealed."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    (tmp_path / "ledger").mkdir()
    seal_from(open_segment(PLANTED), TIME_NS, TrialLedger(tmp_path / "ledger"))
    (tmp_path / "net.toml").write_text('[suites]\ng2 = ["net_positive"]\n')
    return tmp_path / "ledger"


def answer(capsys, *words: object) -> tuple[int, str, str]:
    code = main_crypto([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def run_words(route: str, place: Path) -> list[object]:
    words = [route, "--segment-dir", PLANTED, "--strategy", "basis_capture", "--trials", place]
    if route == "run-gates":
        words += ["--gates", "g2", "--policy", place.parent / "net.toml"]
    return [*words, "--json"]


def test_messages_before_a_time_are_a_window_or_all() -> None:
    segment = open_segment(PLANTED)
    early = messages_before(segment, TIME_NS)
    assert isinstance(early, Window) and early.first_seq == segment.first_seq
    assert early.last_ts_ns < TIME_NS
    assert Window(segment, early.last_seq + 1).first_ts_ns >= TIME_NS
    assert messages_before(segment, segment.last_ts_ns + 1) is segment
    at_last = messages_before(segment, segment.last_ts_ns)
    assert at_last.last_ts_ns < segment.last_ts_ns
    assert messages_before(early, TIME_NS - 10**12).digest == (
        messages_before(segment, TIME_NS - 10**12).digest
    )
    for wrong in (segment.first_ts_ns, None, 1.5, True, "8", 2**63):
        with pytest.raises(InputError):
            messages_before(segment, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("route", ["backtest", "replay", "run-gates"])
def test_a_run_that_ends_before_a_seal_is_not_refused(route: str, place: Path, capsys) -> None:
    words = run_words(route, place)
    code, _, err = answer(capsys, *words)
    assert code == 2 and "are sealed in" in err
    code, out, err = answer(capsys, *words, "--until", TIME)
    assert code == (3 if route == "run-gates" else 0), err  # one guard alone is no verdict
    own = backtest(messages_before(open_segment(PLANTED), TIME_NS), "basis_capture")
    assert json.loads(out)["outcome_hash"] == own.trace.outcome_hash.hex()
    again = json.loads(answer(capsys, *words, "--until", TIME_NS)[1])
    same = ("trace_hash", "outcome_hash", "report_hash")
    assert [again.get(name) for name in same] == [json.loads(out).get(name) for name in same]
    code, _, err = answer(capsys, *words, "--until", TIME_NS + 10**9)
    assert code == 2 and "are sealed in" in err
    purposes = {one.purpose for one in TrialLedger(place).refresh().trials()}
    assert purposes == {"gates" if route == "run-gates" else route}


def test_times_that_leave_nothing_or_are_none(place: Path, capsys) -> None:
    words = run_words("backtest", place)
    first = open_segment(PLANTED).first_ts_ns
    for text, said in (
        ("yesterday", "--until: was 'yesterday', expected UTC such as"),
        (str(first), f"--until: was {first}, expected a time after"),
        ("1970-01-01T00:00:00Z", "--until: was 1970-01-01T00:00:00Z, expected a time after"),
    ):
        code, out, err = answer(capsys, *words, "--until", text)
        assert (code, out, err.count("\n")) == (2, "", 1) and said in err
    words = run_words("run-gates", place)
    code, _, err = answer(capsys, *words, "--until", TIME, "--open-seal")
    assert code == 2 and "--open-seal: judges all sealed rows, expected no --until" in err
    assert TrialLedger(place).refresh().openings() == {}


def test_a_report_before_a_seal_is_verified_and_bound_with_the_segment(
    place: Path, tmp_path: Path, capsys
) -> None:
    report, chain = tmp_path / "report.json", tmp_path / "chain"
    chain.mkdir()
    words = [*run_words("run-gates", place), "--until", TIME]
    assert answer(capsys, *words, "--output-report", report, "--bind", chain)[0] == 3
    found = load_report(report)
    early = messages_before(open_segment(PLANTED), TIME_NS)
    assert isinstance(early, Window) and found.window == {
        "warmup_seq": early.warmup_seq,
        "first_seq": early.first_seq,
        "last_seq": early.last_seq,
    }
    assert judged_rows(found, open_segment(PLANTED)).digest == early.digest
    whole = ["--segment-dir", PLANTED, "--report", report]
    code, out, _ = answer(capsys, "verify-report", *whole)
    assert code == 0 and out.startswith("REPORT_MATCH")
    code, out, _ = answer(capsys, "bindings", "verify", "--bind", chain, *whole)
    assert code == 0 and out.startswith("BINDINGS_MATCH")
    assert verify_report(report, early).matches
    plain = run_gates(PLANTED, BasisCapture(), policy=NET)
    assert plain.window is None and "window" not in plain.to_json()


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"first_seq": 0}, r"\(window\): was .*, expected warmup_seq, first_seq, last_seq"),
        ({"warmup_seq": 0, "first_seq": 0, "last_seq": True}, r"\(window\): was"),
        ({"warmup_seq": 0, "first_seq": 0, "last_seq": 2**70}, r"\(window\): was"),
        ({"warmup_seq": 0, "first_seq": 9, "last_seq": 8}, r"\(window\): has no message from"),
        ({"warmup_seq": 0, "first_seq": 0, "last_seq": 99}, r"\(header.segment_digest\): was"),
    ],
)
def test_a_forged_window_is_refused(tmp_path: Path, window, said: str) -> None:
    early = messages_before(open_segment(PLANTED), TIME_NS)
    report = run_gates(early, BasisCapture(), policy=NET)
    object.__setattr__(report, "window", window)
    report.sealed().save(tmp_path / "report.json")
    with pytest.raises(ReportError, match=said):
        verify_report(tmp_path / "report.json", PLANTED)


def test_a_holdout_that_was_judged_is_bound(place: Path, tmp_path: Path, capsys) -> None:
    chain, report = tmp_path / "chain", tmp_path / "report.json"
    chain.mkdir()
    words = [*run_words("run-gates", place), "--open-seal", "--bind", chain]
    code, _, err = answer(capsys, *words, "--output-report", report)
    assert code in (0, 1, 3), err
    whole = ["--segment-dir", PLANTED, "--report", report]
    assert answer(capsys, "bindings", "verify", "--bind", chain, *whole)[0] == 0
    assert load_report(report).window is None
    with pytest.raises(HoldoutError, match="opened once"):
        run_gates(PLANTED, BasisCapture(), open_seal=True, trials=place)
