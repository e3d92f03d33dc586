"""What a terminal of 80 columns shows: no line is broken by its edge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

DATA = Path(__file__).resolve().parents[2] / "data"
CALL = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
POLICY = """
[suites]
g2 = ["net_positive", "delay", "equity"]
g3 = ["walk_forward", "regimes", "cost_sensitivity"]
"""
GRID = """strategy = "basis_capture"
[values]
threshold_bps = [5, 6]
exit_threshold_bps = [1, 2]
"""
OVER_BARS = """import quantlaxmi as ql


class Dip(ql.BarStrategy):
    strategy_id = "dip"

    def next(self):
        if self.data.close[-1] < self.data.open[-1]:
            self.target("BTCUSDT-PERP", 1)
        else:
            self.target("BTCUSDT-PERP", 0)
"""


def shown(folder: Path, words: str, columns: int = 80) -> tuple[int, list[str]]:
    """The exit code of a command on a terminal, and the lines that are left on it."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (50, columns))
    names = {"TERM": "xterm", "NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")} | names
    child = subprocess.Popen(
        [sys.executable, "-c", CALL, *words.split()],
        stdin=its, stdout=its, stderr=its, cwd=folder, env=env,
    )  # fmt: skip
    os.close(its)
    found = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so where nobody has the terminal any more
            break
        if not part:
            break
        found += part
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", found.decode()).replace("\r\n", "\n")
    return child.wait(), [part for line in plain.splitlines() for part in line.split("\r")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("terminal")
    (made / "policy.toml").write_text(POLICY)
    (made / "grid.toml").write_text(GRID)
    (made / "dip.py").write_text(OVER_BARS)
    return made


def test_no_command_that_people_read_is_wider_than_the_terminal(folder: Path) -> None:
    """Lines of `strategies check`, of --verbose and of folds were broken inside words."""
    data = f"--segment-dir {DATA}/planted"
    gates = f"run-gates {data} --strategy basis_capture --gates g2,g3 --policy policy.toml"
    lines = []
    for words, code in (
        (f"backtest {data} --strategy basis_capture", 0),
        (f"{gates} --grid grid.toml --verbose --output-report a.json", 3),
        (f"{gates} --output-report b.json", 3),
        (f"report html --report a.json {data} --out a.html", 0),
        ("compare a.json b.json", 1),
        (f"verify-report --report b.json {data}", 0),
        ("strategies", 0),
        ("import --help", 0),
        ("strategies check dip.py", 0),
    ):
        told, found = shown(folder, words)
        assert told == code, (words, found)
        assert len(found) > 1 and max(map(len, found)) <= 80, words
        lines += found
    # Each fold has its setting beneath it, and each part of a wide table its keys.
    assert any(line.strip() == "threshold_bps=6 exit_threshold_bps=1" for line in lines)
    heads = [line.split() for line in lines if line.split()[:2] == ["of", "field"]]
    assert heads == [["of", "field", "first"], ["of", "field", "second"]]
    assert not [line for line in lines if re.fullmatch(r" +[0-9a-f]{1,40}", line)]
