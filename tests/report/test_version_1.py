"""Reports of version 1 are refused by name: their gates asked other questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi.errors import ReportError
from quantlaxmi.report import load_report

KEPT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "reports_v1"


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_version_1_is_refused_by_name(name):
    path = KEPT / f"{name}.json"
    with pytest.raises(ReportError) as caught:
        load_report(path)
    assert str(caught.value) == (
        f"{path} (version): is a report of version 1; expected 2: run the gates again"
    )
