"""The published page is what the counts beside it give, and these are of today's engine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from quantlaxmi.calibrate import work
from quantlaxmi.calibrate.checkpoint import CHECKPOINT
from quantlaxmi.calibrate.fingerprint import fingerprint
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.cli import main_crypto
from tests.depth import some

DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "calibration" / CHECKPOINT
WORLDS = {world.name: world for world in (*NO_EDGE, *EDGES)}
#: World -> the fingerprint of its kept runs.
PRINTS = {
    re.split("[/:@]", line["batch"])[1]: line["batch"].partition("@")[2]
    for line in map(json.loads, KEPT.read_text(encoding="utf-8").splitlines()[1:])
}


def test_the_page_is_made_of_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure of it, so that no rate can be edited; `make calibration-page` makes it."""
    monkeypatch.setattr(work, "fingerprint", lambda world: PRINTS.get(world.name, "none"))
    page = tmp_path / "CALIBRATION.md"
    shutil.copy(DOCS / page.name, page)
    words = ["calibrate", "--checkpoint", str(KEPT.parent), "--kept", "--out", str(page)]
    groups = re.search(r"--groups ([a-z,]+)", page.read_text(encoding="utf-8"))
    assert groups is not None
    assert main_crypto([*words, "--groups", groups[1]]) in (0, 1)
    assert page.read_text(encoding="utf-8") == (DOCS / page.name).read_text(encoding="utf-8")
    capsys.readouterr()


@pytest.mark.parametrize("name", some(sorted(PRINTS), 4))
def test_the_counts_are_of_runs_as_they_are_today(name: str) -> None:
    assert fingerprint(WORLDS[name]) == PRINTS[name], "run make calibration"
