"""The docs site: its menu has every page, its reference names what is public, its links hold."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import quantlaxmi

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MENU = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]


def test_docs_menu_has_every_page_once() -> None:
    named = re.findall(r": (\S+\.md)$", MENU, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md"))


def test_docs_reference_has_every_public_object_once() -> None:
    text = (DOCS / "REFERENCE.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: (\S+)\.(\w+)$", text, re.MULTILINE)
    lines = re.findall(r"^.* are unions of these\.$|^.* is compiled:", text, re.MULTILINE)
    others = re.findall(r"`(\w+)`", " ".join(lines))
    assert sorted([*(name for _, name in named), *others]) == sorted(
        name for name in quantlaxmi.__all__ if name != "__version__"
    )
    for module, name in named:
        found = getattr(importlib.import_module(module), name)
        assert found is getattr(quantlaxmi, name)
        assert found.__module__ == module, "docs are read where an object is defined"


def test_docs_links_named_for_a_file_are_named_for_its_page() -> None:
    """The site said "RUNS.md defines every figure", and has no such file."""
    hook = runpy.run_path(str(ROOT / ".ci" / "site_names.py"))
    nav = [{"Start": "index.md"}, {"What it means": [{"Runs": "RUNS.md"}, {"Gates": "GATES.md"}]}]
    text = "[RUNS.md](RUNS.md) and [docs/GATES.md](GATES.md#a), [X.md](X.md), [two](RUNS.md)"
    assert hook["on_page_markdown"](text, None, {"nav": nav}, None) == (
        "[*Runs*](RUNS.md) and [*Gates*](GATES.md#a), [X.md](X.md), [two](RUNS.md)"
    )
    assert "hooks: [.ci/site_names.py]" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_docs_links_and_anchors_hold(tmp_path: Path) -> None:
    for module in ("material", "mkdocstrings"):
        pytest.importorskip(module, reason=f"{module} is not installed (extra docs)")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "REFERENCE.html").stat().st_size > 100_000
