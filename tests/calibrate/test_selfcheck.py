"""The zoo of the self-check: every specimen gives its known answer, and a wrong one is told."""

from __future__ import annotations

import json

import pytest

from quantlaxmi.calibrate import selfcheck
from quantlaxmi.calibrate.selfcheck import SPECIMENS, Finding, Specimen
from quantlaxmi.cli import main_crypto


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda one: one.name)
def test_every_specimen_gives_its_answer(specimen):
    found = Finding(specimen, specimen.run())
    assert found.as_expected, found.happened


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
