"""Short segments that the tests of sweeps share."""

from __future__ import annotations

import pytest

from quantlaxmi.segment import open_segment
from quantlaxmi.segment.split import split_segment
from tests.batch.catalogs import DATA


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """Thirteen short segments."""
    out = tmp_path_factory.mktemp("parts") / "parts"
    planted = open_segment(DATA / "planted")
    split_segment(planted, out, rows=-(-planted.n_rows // 12))
    return out
