"""The tutorial's files and commands, as they stand on the page, print what stands below them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "TUTORIAL.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
#: Command -> the exit code that the page tells; 0 for all others.
ENDS = {"run-gates --segment-dir walk": 1}
#: Whoever keeps a trial ledger would read of it in the verdict.
KEPT = {name: text for name, text in os.environ.items() if name != "QUANTLAXMI_TRIALS"}
PROGRAM = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto(sys.argv[1:]))"


def commands() -> list[tuple[str, str]]:
    """Each command of the page with what stands below it."""
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(command)
    start = ["-c", PROGRAM] if program == "quantlaxmi-crypto" else []
    assert start or program == "python", command
    return subprocess.run(
        [sys.executable, *start, *words],
        cwd=folder,
        env={**KEPT, "PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def test_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    assert set(FILES) == {"make_bars.py", "trend.py", "costs.toml", "research.py"}
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for command, output in commands():
        done = run(command, tmp_path)
        code = next((code for part, code in ENDS.items() if part in command), 0)
        assert (done.returncode, done.stderr) == (code, ""), command
        assert done.stdout == output, command
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_readme_goes_the_shortest_way_with_the_files_of_the_tutorial(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (extra dev)")
    readme = (PAGE.parent.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^    import pandas.*?\n\n(?=\S)", readme, re.DOTALL | re.MULTILINE)
    assert found
    (tmp_path / "short.py").write_text(textwrap.dedent(found[0]), encoding="utf-8")
    (tmp_path / "make_bars.py").write_text(FILES["make_bars.py"], encoding="utf-8")
    assert run("python make_bars.py 0.9 bars.csv", tmp_path).returncode == 0
    done = run("python short.py", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (verdict,) = re.findall(r"print\(report.verdict_text\) +# (.*)", found[0])
    assert done.stdout.splitlines()[-1] == verdict
    assert "12,827.78 USDT" in done.stdout


def test_tutorial_names_its_files_and_links_to_pages_that_are_there() -> None:
    words = {word for command, _ in commands() for word in shlex.split(command)}
    for name in FILES:
        assert {name, f"{name}:Trend"} & words, name
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT):
        assert (PAGE.parent / link).exists(), link
