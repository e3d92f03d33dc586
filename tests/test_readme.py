"""The README's examples print what it says they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.depth import DEEP

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_python_example_prints_what_it_says() -> None:
    found = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", README, re.DOTALL)
    assert found
    code, prints = found[1], found[2]
    if not DEEP:  # the gates on that very segment are run by the demo's test
        code = code[: code.index("report = ")]
        *lines, verdict = prints.splitlines(keepends=True)
        prints = "".join(lines)
        assert f"  verdict   {verdict}" in README
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == prints, done.stderr


def test_readme_demo_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    from quantlaxmi.cli import main_crypto

    found = re.search(r"This is what `make demo` prints.*?```\n(.*?)```", README, re.DOTALL)
    assert found
    assert main_crypto(["demo"]) == 0
    printed = capsys.readouterr().out
    assert printed == found[1]
    assert max(map(len, printed.splitlines())) <= 120


def test_readme_begins_with_a_picture_whose_figures_are_those_of_the_demo() -> None:
    """One paragraph, the picture, the install, the strategy, the trust; the site begins so too."""
    parts = README.split("\n\n")[1:5]
    assert parts[1].startswith("![") and parts[2].startswith("    pip install")
    assert re.findall(r"^## (.*)", README, re.MULTILINE)[:2] == [
        "The shortest way",
        "Why to trust it",
    ]
    found = re.search(r"!\[.*?net (\S+) USDT of (\S+) fills.*?\]\((docs/.*?)\)", parts[1])
    assert found is not None
    printed = README[README.index("This is what `make demo` prints") :]
    assert f"net {found[1]} USDT" in printed and f"{found[2]} fills" in printed
    begun = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").split("\n\n")
    assert begun[2] == parts[1].replace("docs/", "") and begun[3].startswith("    pip install")


def test_readme_links_and_targets_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for test in re.findall(r"TESTS=(\S+?)`", README):
        assert (ROOT / test).exists(), test
