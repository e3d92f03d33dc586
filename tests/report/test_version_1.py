"""Two reports of version 1: refused by name, and compared with today's of the same runs.

Their gates asked other questions, so they are not read. What was not changed on purpose is what it
was: each field is found through the tables of renames of `tests.report.version_1`, and is equal, or
stands in the list of what later changes made of it, with the reason.
"""

from __future__ import annotations

import functools
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi.errors import ReportError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.report import load_report, run_gates
from tests.report.version_1 import CHANGED, fields_of_version_1, fields_of_version_2

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "golden" / "reports_v1"
NAMES = ("planted", "edgeless")
#: What version 1 charged: fees of buys in quote, and nothing for a loan.
COSTS = """
[spot]
maker_bps = "10"
taker_bps = "10"
min_notional = "0"
borrow_bps = "0"
buy_fee = "quote"

[perp]
maker_bps = "2"
taker_bps = "5"
min_notional = "100"
"""


@functools.cache
def both(name: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of version 1, and today's of the same run."""
    (folder / "costs.toml").write_text(COSTS)
    costs = CostModel.load(folder / "costs.toml")
    made = run_gates(ROOT / "data" / name, "basis_capture", costs=costs)
    old = json.loads((KEPT / f"{name}.json").read_text())
    return fields_of_version_1(old), fields_of_version_2(json.loads(made.to_bytes()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("version_1")


def differing(name: str, folder: Path) -> set[str]:
    old, new = both(name, folder)
    return {place for place, value in old.items() if place not in new or new[place] != value}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_that_was_not_changed_on_purpose_is_what_it_was(name, folder):
    unexpected = {
        place
        for place in differing(name, folder)
        if not any(fnmatchcase(place, pattern) for pattern in CHANGED)
    }
    assert unexpected == set()


@pytest.mark.parametrize("name", NAMES)
def test_most_fields_are_what_they_were(name, folder):
    old, _ = both(name, folder)
    assert 2 * len(differing(name, folder)) < len(old)
    assert {"net_positive/details/net", "g2_passed", "verdict of g2", "verdict"} <= set(old)


def test_the_list_of_changes_names_no_field_that_did_not_change(folder):
    changed = set().union(*(differing(name, folder) for name in NAMES))
    unused = {
        pattern for pattern in CHANGED if not any(fnmatchcase(one, pattern) for one in changed)
    }
    assert unused == set()


@pytest.mark.parametrize("name", NAMES)
def test_version_1_is_refused_by_name(name):
    path = KEPT / f"{name}.json"
    with pytest.raises(ReportError) as caught:
        load_report(path)
    assert str(caught.value) == (
        f"{path} (version): is a report of version 1; expected 2: run the gates again"
    )
