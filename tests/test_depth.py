"""Every property test has two depths: a tenth for each change, all of it for a night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import conftest, depth

TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    ("deep", "number", "looked_at"),
    [(False, 400, 40), (False, 60, 10), (False, 5, 5), (True, 400, 400), (True, 5, 5)],
)
def test_a_tenth_and_at_least_ten(
    monkeypatch: pytest.MonkeyPatch, deep: bool, number: int, looked_at: int
) -> None:
    monkeypatch.setattr(depth, "DEEP", deep)
    assert depth.examples(number) == looked_at
    assert depth.some([1, 2, 3], 2) == ([1, 2, 3] if deep else [1, 2])


def test_no_property_test_has_one_depth_alone() -> None:
    alone = re.compile(r"settings\(.*max_examples=\d")
    paths = sorted(TESTS.rglob("test_*.py"))
    assert paths
    assert [p.name for p in paths if alone.search(p.read_text(encoding="utf-8"))] == []


def test_the_longest_files_come_first(request: pytest.FixtureRequest) -> None:
    """They are there, and whatever is collected begins with those of them that are in it."""
    assert [name for name in conftest.LONGEST if not (TESTS.parent / name).exists()] == []
    files = list(dict.fromkeys(item.nodeid.partition("::")[0] for item in request.session.items))
    long = [name for name in conftest.LONGEST if name in files]
    assert files[: len(long)] == long
