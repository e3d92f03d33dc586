"""The demo of India: a planted edge passes, its twin does not; the page says what it prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi as ql
from quantlaxmi.cli import demo_india, demo_walk, main_india
from quantlaxmi.cli.command_list import commands
from quantlaxmi.cli.main import COMMANDS, INDIA_OWN, commands_of
from tests.depth import DEEP

PAGE = (Path(__file__).parents[2] / "docs" / "INDIA.md").read_text(encoding="utf-8")


#: Its parts are tested alone: chains by tests/gates/test_chain_sessions.py, both verdicts by
#: tests/gates/test_bundle_rates.py, the walk by tests/test_readme.py on the segments of crypto.
@pytest.mark.skipif(not DEEP, reason="half a minute: make test-deep, and .ci/run")
def test_demo_prints_what_the_page_says_and_keeps_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"exits with 0:\n\n```\n(planted: .*?)```", PAGE, re.DOTALL)
    assert found
    out = tmp_path / "out"
    assert main_india(["demo", "--out", str(out), "--threads", "2"]) == 0
    printed = capsys.readouterr().out
    assert printed == f"{found[1]}Everything is in {out}.\n"
    assert max(map(len, printed.splitlines()[:-1])) <= 120
    kept = {f"{k}-{w}.json" for k in ("planted", "fair") for w in ("backtest", "replay", "g2")}
    assert {one.name for one in out.iterdir()} == kept | {"planted", "fair", "bindings.jsonl"}
    gates: dict[str, dict[str, str]] = {}
    for kind, verdict in (("planted", "PASS"), ("fair", "FAIL")):
        assert ql.open_segment(out / kind).n_messages == 1_200
        said = json.loads((out / f"{kind}-g2.json").read_text())
        assert said["verdict"] == verdict
        gates[kind] = {one["gate"]: one["verdict"] for one in said["suites"]["g2"]["results"]}
    decides = ("net_positive", "look_ahead", "delay", "equity", "market_null")
    assert [gates["planted"][name] for name in decides] == ["PASS"] * 5
    assert gates["fair"]["market_null"] == "FAIL"


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [(("PASS", "FAIL"), 0), (("PASS", "INCONCLUSIVE"), 0), (("PASS", "PASS"), 1),
     (("INCONCLUSIVE", "FAIL"), 1), (("PARITY_BROKEN", "FAIL"), 1)],
)  # fmt: skip
def test_demo_exits_by_both_verdicts(
    verdicts: tuple[str, str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = iter(verdicts)
    monkeypatch.setattr(demo_walk, "_walk", lambda *_, **__: (next(walked), ["  line"]))
    assert main_india(["demo"]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("As it should be" if code == 0 else "NOT as it should be")


def test_demo_refuses_a_folder_that_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_india(["demo", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "exists" in err


def test_sessions_are_those_of_the_usage() -> None:
    assert (demo_india.DAYS, demo_india.SNAPSHOTS) == (60, 20)
    assert "60 session days of 20 snapshots" in demo_india.USAGE
    assert [one.name for one in demo_india.samples()] == ["planted", "fair"]


def test_demo_is_one_command_in_both_lists_and_its_help_loads_nothing_heavy() -> None:
    india = commands_of("quantlaxmi-india")
    assert list(india)[: len(COMMANDS)] == list(COMMANDS)
    assert india["demo"] == INDIA_OWN["demo"] != COMMANDS["demo"]
    listed = {one.name: one for one in commands("quantlaxmi-india")}
    assert [one.name for one in listed["demo"].options] == ["--out", "--threads", "--verbose"]
    code = (
        "import sys; from quantlaxmi.cli import main_india; main_india(['demo', '--help']); "
        "print([m for m in ('numpy', 'numba', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "option sessions" in done.stdout
