"""The zoo of the self-check: every specimen gives its known answer, and a wrong one is told."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path

from quantlaxmi.calibrate import selfcheck
from quantlaxmi.calibrate.selfcheck import SPECIMENS, Finding, Specimen
from quantlaxmi.cli import main_crypto

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
README = Path(__file__).parents[2] / "README.md"


def test_the_zoo_prints_what_the_readme_shows(capsys):
    """Every specimen runs, gives its answer, and all in under a minute of processor time."""
    text = README.read_text(encoding="utf-8")
    shown = re.search(r"`quantlaxmi-crypto selfcheck` runs.*?```\n(.*?)```", text, re.DOTALL)
    begun = time.process_time()
    assert main_crypto(["selfcheck"]) == 0
    seconds = time.process_time() - begun
    printed = capsys.readouterr().out
    assert shown is not None and printed == shown[1]
    assert printed.splitlines()[-1] == "All as they should be."
    assert len(printed.splitlines()) == len(SPECIMENS) + 2
    assert INTERPRETED or seconds < 60


def test_one_broken_expectation_is_found(monkeypatch, capsys):
    vanished = next(one for one in SPECIMENS if one.name == "vanished")
    assert Finding(vanished, vanished.run()).as_expected
    monkeypatch.setattr(selfcheck, "SPECIMENS", (replace(vanished, expected="1 fills"),))
    assert main_crypto(["selfcheck"]) == 1
    _, line, last = capsys.readouterr().out.splitlines()
    assert line.split()[-3:] == ["0", "fills", "DIFFERS"]
    assert last == "1 of 1 differ."


def test_one_that_differs_is_told(monkeypatch, capsys):
    zoo = (
        Specimen("good", "passes", "PASS (timing)", lambda: "PASS (timing)"),
        Specimen("bad", "should not pass", "no PASS", lambda: "PASS (premium)"),
        Specimen("fine", "should not pass", "no PASS", lambda: "INCONCLUSIVE"),
    )
    monkeypatch.setattr(selfcheck, "SPECIMENS", zoo)
    assert main_crypto(["selfcheck"]) == 1
    out = capsys.readouterr().out
    assert out.count("DIFFERS") == 1
    assert out.splitlines()[-1] == "1 of 3 differ."
    assert max(map(len, out.splitlines())) <= 120
    assert main_crypto(["selfcheck", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["as_expected"] for one in told["specimens"]] == [True, False, True]
    monkeypatch.setattr(selfcheck, "SPECIMENS", (zoo[0], zoo[2]))
    assert main_crypto(["selfcheck"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "All as they should be."
