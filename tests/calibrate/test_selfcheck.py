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
from tests.depth import DEEP

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
README = Path(__file__).parents[2] / "README.md"


#: One of each kind; .ci/run has all of them. Worlds that are left out stand in test_calibrate.py.
FEW = ("peek-row", "peek-and-stop", "hindsight", "vanished", "coins", "gutted", "planted-t5-100")
FEW += ("carry-t7",)


def test_the_zoo_prints_what_the_readme_shows(monkeypatch, capsys):
    """Every specimen runs, gives its answer, and all in under a minute of processor time."""
    zoo = SPECIMENS if DEEP else tuple(one for one in SPECIMENS if one.name in FEW)
    monkeypatch.setattr(selfcheck, "SPECIMENS", zoo)
    text = README.read_text(encoding="utf-8")
    shown = re.search(r"`quantlaxmi-crypto selfcheck` runs.*?```\n(.*?)```", text, re.DOTALL)
    begun = time.process_time()
    assert main_crypto(["selfcheck"]) == 0
    seconds = time.process_time() - begun
    printed = capsys.readouterr().out
    assert shown is not None
    left_out = {one.name for one in SPECIMENS} - {one.name for one in zoo}
    lines = shown[1].splitlines(keepends=True)
    assert printed == "".join(one for one in lines if one.split()[0] not in left_out)
    assert len(lines) == len(SPECIMENS) + 2
    assert printed.splitlines()[-1] == "All as they should be."
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
