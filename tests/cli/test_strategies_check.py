"""``strategies check``: exit codes, lines and JSON, with and without a segment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto, main_india

ROOT = Path(__file__).parents[2]
GOOD = """
from quantlaxmi.events import LegIntent
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.strategies import CryptoStrategy

class Once(CryptoStrategy):
    strategy_id = "once"
    rationales = ("first",)
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx):
        self.done = False

    def on_market(self, event, ctx):
        if self.done or not ctx.book(SYMBOL).valid:
            return None
        self.done = True
        return ctx.decide([LegIntent(SYMBOL, Side.BUY, QTY)], rationale="first", direction=1)

SYMBOL, QTY = "BTCUSDT", 1000
"""
CLOCK = GOOD + "import time\nSTARTED = time.time()\n"
OTHER_RUN = GOOD + "import itertools\nCOUNT = itertools.count(1)\n"


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(text, words="", main=main_crypto):
        Path("mine.py").write_text(text)
        code = main(["strategies", "check", *(words or "mine.py").split()])
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("name", ["mine.py", "mine.py:Once"])
def test_nothing_found(cli, name):
    code, out, err = cli(GOOD, name)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("reads: Nothing")
    assert len(lines) == 11
    assert all(line.startswith("holds: ") for line in lines[1:])


def test_source_is_found_with_its_line(cli):
    code, out, err = cli(CLOCK)
    assert (code, err) == (1, "")
    line = CLOCK.count("\n")
    assert out.startswith(f"mine.py:{line}: time.time; a replay runs at another time")
    assert out.count("holds: ") == 10


def test_contract_is_broken(cli):
    code, out, err = cli(OTHER_RUN.replace("Side.BUY, QTY", "Side.BUY, QTY * next(COUNT)"))
    assert (code, err) == (1, "")
    assert out.splitlines()[-1].startswith("broken: once: check_runs_equal: ")


def test_json_is_one_document(cli):
    code, out, err = cli(CLOCK, "mine.py --json")
    told = json.loads(out)
    assert (code, err) == (1, "")
    assert (told["strategy"], told["broken"], told["decisions"]) == ("once", None, 1)
    assert [(one["file"], one["rule"]) for one in told["findings"]] == [("mine.py", "clock")]
    assert sorted(told["findings"][0]) == ["file", "found", "instead", "line", "rule", "why"]
    assert len(told["holds"]) == 10
    code, out, _ = cli(GOOD, "mine.py --json")
    assert (code, json.loads(out)["findings"], json.loads(out)["source_read"]) == (0, [], True)


def test_no_decision_is_said(cli):
    code, out, _ = cli(GOOD.replace("self.done = False", "self.done = True"))
    assert code == 0
    assert out.splitlines()[-1].startswith("note: it took no decision on this segment")


def test_a_strategy_over_bars_runs_on_bars_that_are_generated(cli):
    """It was refused: the segment that is generated had quotes alone."""
    text = (ROOT / "examples" / "sma_bars.py").read_text("utf-8")
    code, out, err = cli(text)
    assert (code, err, out.count("holds: ")) == (0, "", 10)
    code, out, _ = cli(text, "mine.py --json")
    assert (code, json.loads(out)["decisions"] > 20) == (0, True)


def test_named_segment_and_settings(cli):
    words = f"basis_capture --segment-dir {ROOT}/data/planted --set threshold_bps=6"
    code, out, err = cli(GOOD, words)
    assert (code, err, out.count("holds: ")) == (0, "", 10)


def test_program_for_india_has_it_too(cli):
    words = f"mine.py --session-dir {ROOT}/data/planted"
    code, out, err = cli(CLOCK, words, main_india)
    assert (code, err) == (1, "")
    assert out.startswith("mine.py:")


@pytest.mark.parametrize(
    ("text", "words", "problem"),
    [
        (GOOD, "none.py", "none.py: "),
        (GOOD, "mine.py:Other", "mine.py: has no class 'Other'"),
        (GOOD + "class Two(Once):\n    strategy_id = 'two'\n", "mine.py", "Once, Two"),
        ("def f(:\n", "mine.py", "mine.py: SyntaxError"),
        (GOOD, "no_such_name", "unknown strategy 'no_such_name'"),
        (GOOD, "mine.py --segment-dir nowhere", "nowhere"),
        (GOOD, "mine.py --set a=1", "unknown setting"),
        (
            GOOD.replace(
                "def on_start", "def trades(self, _):\n        return ['X']\n\n    def on_start"
            ),
            "mine.py",
            "needs the folder of a segment to run on; on the generated one: ",
        ),
        (
            GOOD.replace("def on_start", "def trades(self, _):\n        1 / 0\n\n    def on_start"),
            "mine.py",
            "on the generated one: ZeroDivisionError: division by zero",
        ),
    ],
    ids=[
        "no file",
        "no class",
        "two classes",
        "syntax",
        "name",
        "segment",
        "setting",
        "binding",
        "bug",
    ],
)
def test_bad_input_is_one_line(cli, text, words, problem):
    code, out, err = cli(text, words)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1


def test_costs_are_those_that_are_named(cli):
    rates = 'maker_bps = "0"\ntaker_bps = "0"\n'
    Path("costs.toml").write_text(f"[spot]\n{rates}")
    code, out, _ = cli(GOOD, "mine.py --costs costs.toml --json")
    assert (code, json.loads(out)["decisions"]) == (0, 1)
    Path("costs.toml").write_text(f"[spot.ELSEWHERE]\n{rates}")  # reaches the run, which has none
    code, _, err = cli(GOOD, "mine.py --costs costs.toml")
    assert (code, err.count("\n")) == (2, 1)
    assert "costs (spot.ELSEWHERE): is not traded here" in err
