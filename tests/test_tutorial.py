"""The tutorial's files and commands, as they stand on the page, print what stands below them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto

PAGE = Path(__file__).parent.parent / "docs" / "TUTORIAL.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
#: Command -> the exit code that the page tells; 0 for all others.
ENDS = {"run-gates --segment-dir walk": 1}


def commands() -> list[tuple[str, str]]:
    """Each command of the page with what stands below it."""
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


Ended = tuple[int, str, str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[str], Ended]:
    """Exit code, output and notes of a command in the folder: commands of the library run in this
    process, which has loaded it, and scripts in their own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)  # the verdict would speak of it

    def ended(command: str) -> Ended:
        program, *words = shlex.split(command)
        if program == "quantlaxmi-crypto":
            code = main_crypto(words)
            return code, *capfd.readouterr()
        assert program == "python", command
        found = os.pathsep.join(p for p in sys.path if p)
        done = subprocess.run(
            [sys.executable, *words],
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": found},
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return ended


def test_tutorial_prints_what_it_says(tmp_path: Path, run: Callable[[str], Ended]) -> None:
    assert set(FILES) == {"make_bars.py", "trend.py", "costs.toml", "research.py"}
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command, output in commands():
        code = next((code for part, code in ENDS.items() if part in command), 0)
        assert run(command) == (code, output, ""), command
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_readme_goes_the_shortest_way_with_the_files_of_the_tutorial(
    tmp_path: Path, run: Callable[[str], Ended]
) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (extra dev)")
    readme = (PAGE.parent.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^    import pandas.*?\n\n(?=\S)", readme, re.DOTALL | re.MULTILINE)
    assert found
    (tmp_path / "short.py").write_text(textwrap.dedent(found[0]), encoding="utf-8")
    (tmp_path / "make_bars.py").write_text(FILES["make_bars.py"], encoding="utf-8")
    assert run("python make_bars.py 0.9 bars.csv")[0] == 0
    code, printed, notes = run("python short.py")
    assert (code, notes) == (0, "")
    (verdict,) = re.findall(r"print\(report.verdict_text\) +# (.*)", found[0])
    assert printed.splitlines()[-1] == verdict
    assert "12,827.78 USDT" in printed


def test_tutorial_names_its_files_and_links_to_pages_that_are_there() -> None:
    words = {word for command, _ in commands() for word in shlex.split(command)}
    for name in FILES:
        assert {name, f"{name}:Trend"} & words, name
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT):
        assert (PAGE.parent / link).exists(), link
