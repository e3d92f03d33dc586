"""The examples of docs/HOWTO.md run in their order and print what stands below them."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "HOWTO.md"


def test_examples_of_the_how_to_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted > 20
    assert found.failed == 0


def test_the_how_to_page_has_its_tasks_and_links_to_pages_that_are_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Use own data",
        "Write a strategy",
        "State costs",
        "Search a grid",
        "When a gate fails",
    ]
    for link in re.findall(r"\]\((\w+\.md)", text):
        assert (PAGE.parent / link).exists(), link
