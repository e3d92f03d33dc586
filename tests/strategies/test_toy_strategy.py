"""A new strategy is one file and one entry: registry, contract, terminal, gates and report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.report import verify_report
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import registry
from quantlaxmi.strategies.contract import CHECKS, check_strategy
from tests.golden import regenerate
from tests.strategies.toy_strategy import Toy

ROOT = Path(__file__).resolve().parents[2]
SEGMENT = ["--segment-dir", str(ROOT / "data" / "edgeless")]


@pytest.fixture(autouse=True)
def entry(monkeypatch):
    """The strategy as one entry more of the bundled ones."""
    monkeypatch.setitem(registry.BUNDLED, "toy", "tests.strategies.toy_strategy:Toy")


def test_it_keeps_the_contract():
    segment = open_segment(ROOT / "data" / "edgeless")
    strategy = registry.StrategyRegistry(installed=False).create("toy")
    assert type(strategy) is Toy
    assert len(list(check_strategy(strategy, segment, quantlaxmi.backtest))) == len(CHECKS)


def test_the_terminal_lists_shows_and_runs_it(capsys, tmp_path):
    assert main_crypto(["strategies"]) == 0
    assert re.search(r"toy +Buy and sell the last instrument in turn", capsys.readouterr().out)
    assert main_crypto(["strategies", "show", "toy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"every": "50", "size": "0.01"}
    run = ["backtest", *SEGMENT, "--strategy", "toy", "--set", "every=100", "--json"]
    assert main_crypto(run) == 0
    assert json.loads(capsys.readouterr().out)["decisions"] > 50
    assert main_crypto([*run[:-2], "every=0"]) == 2
    said = capsys.readouterr().err
    assert "every" in said
    assert said.count("\n") == 1
    trace = tmp_path / "a.json"
    for route, name in (("backtest", "a.json"), ("replay", "b.json")):
        command = [route, *SEGMENT, "--strategy", "toy", "--output-trace", str(tmp_path / name)]
        assert main_crypto(command) == 0
    assert trace.read_bytes() == (tmp_path / "b.json").read_bytes()


def test_its_gates_are_run_and_verified_by_its_name(tmp_path, capsys):
    policy, report = tmp_path / "policy.toml", tmp_path / "g2.json"
    policy.write_text('[suites]\ng2 = ["net_positive", "look_ahead"]\n')
    command = ["run-gates", *SEGMENT, "--strategy", "toy", "--gates", "g2", "--policy", policy]
    assert main_crypto([*map(str, command), "--output-report", str(report)]) == 1
    assert "look_ahead    guard  PASS" in capsys.readouterr().out
    assert verify_report(report, open_segment(ROOT / "data" / "edgeless")).matches


def test_its_golden_hashes_are_asked_for():
    """Settings of other strategies are none of its own."""
    found = [case for case in regenerate.cases() if case[0] == "toy"]
    assert found == [("toy", "default", segment) for segment in regenerate.SEGMENTS]
    assert regenerate.hashes(regenerate.run(*found[0]))["decisions"] > 0


def test_a_kernel_is_named_in_setup():
    """Each file that setup.py compiles in pure-Python mode is there."""
    named = re.search(r"PURE_MODE = \[(.*?)\]", (ROOT / "setup.py").read_text(), re.DOTALL)
    assert named
    files = re.findall(r'"(quantlaxmi/strategies/\w+\.py)"', named[1])
    assert files
    assert all((Path(quantlaxmi.__file__).parents[1] / name).exists() for name in files)
