"""A seal is opened for one question, which whoever was stopped may ask again, and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from quantlaxmi import open_segment, run_gates
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import HoldoutError, TrialError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report.gate_report import GateReport
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.trials import Judgement, Opening, TrialLedger, holdouts, judge_seal, seal_from
from quantlaxmi.trials.records import encoded
from tests.trials.lines import digest, naive_lines

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
SEALED_FROM = 1_705_305_600_000_000_000
#: Lines that an opening writes, each at once: itself, the trial, the judgement.
WRITES = ("opening", "trial", "judgement")

#: Asks in a forked process, in which the write of a line is stopped by SIGKILL: before it, when a
#: part of it is written, or after it.
KILLED = """
import os, signal, sys
from quantlaxmi import run_gates
from quantlaxmi.strategies.basis_capture import BasisCapture
from quantlaxmi.trials import writer
segment, root = sys.argv[1:]
real = os.write
def killed(ledger, kind, when):
    def write(fd, data):
        if b'"kind":"' + kind.encode() not in data:
            return real(fd, data)
        part = {"before": 0, "torn": len(data) // 2, "after": len(data)}[when]
        real(fd, data[:part])
        os.kill(os.getpid(), signal.SIGKILL)
    writer.os = type("os", (), {**vars(os), "write": staticmethod(write)})
    run_gates(segment, BasisCapture(), open_seal=True, trials=ledger, threads=1)
for name in sorted(os.listdir(root)):
    child = os.fork()
    if not child:
        killed(os.path.join(root, name), *name.split("-"))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, name
"""


def sealed(place: Path) -> TrialLedger:
    """A ledger in which the end of the planted segment is sealed."""
    place.mkdir(parents=True)
    seal_from(open_segment(PLANTED), SEALED_FROM, TrialLedger(place))
    return TrialLedger(place).refresh()


def asked(ledger: TrialLedger, **options: object) -> GateReport:
    strategy = options.pop("strategy", None) or BasisCapture()
    return run_gates(PLANTED, strategy, open_seal=True, trials=ledger.folder, threads=1, **options)  # type: ignore[arg-type]


def kinds(ledger: TrialLedger) -> list[str]:
    """Kinds of all whole lines."""
    ledger.refresh()
    return [
        line["record"]["kind"]
        for path in sorted(ledger.folder.glob("*.jsonl"))
        for line in naive_lines(path)
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> GateReport:
    """The report of an opening that nobody stopped."""
    ledger = sealed(tmp_path_factory.mktemp("whole") / "ledger")
    report = asked(ledger)
    assert kinds(ledger) == ["writer", "seal", *WRITES]
    return report


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ledgers of openings that were killed at each of their writes."""
    root = tmp_path_factory.mktemp("stopped")
    for kind in WRITES:
        for when in ("before", "torn", "after"):
            sealed(root / f"{kind}-{when}")
    subprocess.run([sys.executable, "-c", KILLED, str(PLANTED), str(root)], check=True)
    return root


@pytest.mark.parametrize("when", ["before", "torn", "after"])
@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.filterwarnings("ignore::quantlaxmi.errors.LeftoverRemoved")
def test_whoever_is_killed_at_a_write_goes_on(
    whole: GateReport, stopped: Path, kind: str, when: str
) -> None:
    ledger = TrialLedger(stopped / f"{kind}-{when}").refresh()
    written = WRITES[: WRITES.index(kind) + (when == "after")]
    assert kinds(ledger) == ["writer", "seal", *written]
    assert sum(file.torn > 0 for file in ledger.files) == (when == "torn")
    ledger.check_whole()
    (held,) = holdouts(ledger)
    assert held.pending == (0 < len(written) < 3)
    other = BasisCapture(BasisCaptureConfig(threshold_bps=4))
    if written:
        with pytest.raises(HoldoutError, match="a seal is opened once"):
            asked(ledger, strategy=other)
    if len(written) == 3:
        with pytest.raises(HoldoutError, match=f"{whole.verdict} by report") as refused:
            asked(ledger)
        assert whole.report_hash[:16] in str(refused.value)
    else:
        assert asked(ledger).report_hash == whole.report_hash
    assert sorted(kinds(ledger)[2:]) == sorted(WRITES)
    (answer,) = ledger.refresh().judgements().values()
    assert (answer.report, answer.run) == (whole.report_hash, whole.outcome_hash)
    assert answer.reason == whole.results[0].results[0].reasons[0]


def test_another_question_about_the_same_setting_is_refused(tmp_path: Path, monkeypatch) -> None:
    ledger = sealed(tmp_path / "ledger")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["quantlaxmi.report.run_gates"], "report_of", stop)
    with pytest.raises(KeyboardInterrupt):
        asked(ledger)
    monkeypatch.undo()
    others: list[dict[str, object]] = [
        {"latency_ns": 2_000_000},
        {"run_seed": 3},
        {"seed": 3},
        {"policy": GatePolicy(alpha="0.01")},
        {"costs": CostModel.load(_cheaper(tmp_path))},
    ]
    for other in others:
        with pytest.raises(HoldoutError, match="expected the same costs, limits, latency, seed"):
            asked(ledger, **other)
    with pytest.raises(HoldoutError, match="expected the same strategy, code and settings"):
        asked(ledger, strategy=BasisCapture(BasisCaptureConfig(threshold_bps=4)))
    marked = run_gates(
        PLANTED,
        BasisCapture(),
        policy=GatePolicy(suites={"g2": ["net_positive"]}),
        trials=ledger.folder,
    )
    assert "NOT FRESH" in marked.verdict_text
    assert asked(ledger).holdout is not None
    assert len(ledger.refresh().openings()) == len(ledger.judgements()) == 1


def _cheaper(folder: Path) -> Path:
    path = folder / "costs.toml"
    path.write_text('[spot]\nmaker_bps = "1"\ntaker_bps = "1"\n')
    return path


def test_rates_that_are_none_leave_the_seal_shut(tmp_path: Path) -> None:
    ledger = sealed(tmp_path / "ledger")
    with pytest.raises(Exception, match="absent"):
        asked(ledger, convert=[str(tmp_path / "absent.csv")])
    assert ledger.refresh().openings() == {}


def test_an_opening_of_before_there_were_questions_is_never_gone_on_with(tmp_path: Path) -> None:
    ledger = sealed(tmp_path / "ledger")
    (seal,) = ledger.seals()
    old = {"strategy": "basis_capture", "code": "0" * 64, "config": {}, "config_hash": "1" * 64}
    opening = Opening(seal=seal.seal_id, **old)  # type: ignore[arg-type]
    assert b"question" not in encoded(opening)
    ledger.append([opening])
    assert not holdouts(ledger)[0].pending
    with pytest.raises(HoldoutError, match=r"basis_capture 1{16} already; a seal is opened once"):
        asked(ledger)


def judgement(opening: Opening, **changes: str) -> Judgement:
    fields = {"verdict": "FAIL", "reason": "Why.", "run": digest("run"), "report": digest("report")}
    return Judgement(opening=opening.opening_id, **{**fields, **changes})  # type: ignore[arg-type]


def test_two_answers_to_a_question_are_refused_and_merged_into_one(tmp_path: Path) -> None:
    ledger = sealed(tmp_path / "ledger")
    (held,) = holdouts(ledger)
    fields = {"strategy": "a", "code": digest("c"), "config": {}, "config_hash": digest("k")}
    opening = Opening(seal=held.seal.seal_id, question=digest("q"), **fields)  # type: ignore[arg-type]
    ledger.append([opening])
    judge_seal(ledger, held, judgement(opening))
    judge_seal(ledger, held, judgement(opening, report=digest("with more trials")))
    with pytest.raises(HoldoutError, match=r"has FAIL by report .* was PASS"):
        judge_seal(ledger, held, judgement(opening, verdict="PASS"))
    assert len(ledger.refresh().judgements()) == 1
    # On another machine somebody else opened it, and was stopped: what was judged is what counts.
    first = Opening(seal=held.seal.seal_id, question=digest("p"), **{**fields, "strategy": "b"})  # type: ignore[arg-type]
    other = min(("0" * 64, first.config_hash))
    ledger.append([Opening(**{**_fields(first), "config_hash": other})])
    (held,) = holdouts(ledger)
    assert held.opening == opening and held.judgement is not None


def _fields(opening: Opening) -> dict:
    return {name: getattr(opening, name) for name in opening.__struct_fields__}


def test_verify_tells_a_seal_from_an_opened_and_a_judged_one(tmp_path: Path, capsys) -> None:
    ledger = sealed(tmp_path / "ledger")
    words = ["trials", "verify", "--trials", str(ledger.folder)]

    def said() -> tuple[str, dict]:
        assert main_crypto(words) == 0
        text = capsys.readouterr().out
        assert main_crypto([*words, "--json"]) == 0
        (seal,) = json.loads(capsys.readouterr().out)["seals"]
        return text, seal

    text, seal = said()
    assert ", sealed" in text and (seal["opened_for"], seal["judgement"]) == (None, None)
    (held,) = holdouts(ledger)
    opening = Opening(
        seal=held.seal.seal_id,
        strategy="a",
        code=digest("c"),
        config={},
        config_hash=digest("k"),
        question=digest("q"),
    )
    ledger.append([opening])
    text, seal = said()
    said_so = "without a verdict so far: the same command goes on"
    assert said_so in " ".join(text.split()) and seal["pending"] is True
    ledger.append([judgement(opening)])
    text, seal = said()
    text = " ".join(text.split())
    assert f"FAIL by report {digest('report')[:16]}: Why." in text and seal["pending"] is False
    assert seal["judgement"] == {"verdict": "FAIL", "reason": "Why.", "report": digest("report")}


def test_verify_names_what_answers_nothing(tmp_path: Path, capsys) -> None:
    ledger = sealed(tmp_path / "ledger")
    lost = Opening(
        seal=digest("lost"), strategy="a", code=digest("c"), config={}, config_hash=digest("k")
    )
    ledger.append([judgement(lost)])
    with pytest.raises(TrialError, match=r"line 3\): judges an opening that no file has"):
        ledger.check_whole()
    ledger.append([lost])
    with pytest.raises(TrialError, match=r"line 4\): opens a seal that no file has"):
        ledger.check_whole()
    assert main_crypto(["trials", "verify", "--trials", str(ledger.folder)]) == 2
    assert "opens a seal that no file has" in capsys.readouterr().err
