"""Imports and replays of more than they may hold: bounded by a limit on the process's memory.

The limit stands over what the process has when its modules are loaded. It is on private memory
(``RLIMIT_DATA``); what is mapped from files is the system's to keep or drop. The strategy never
trades: what a run decides is kept.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from quantlaxmi.importers.synthetic import generate_segment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA is Linux's")
MIB = 1 << 20
LIMITED = """
import resource, sys
from quantlaxmi.importers import import_capture
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry
import pyarrow
never = StrategyRegistry().create("basis_capture", sets=("threshold_bps=100000",))
what, more, *words = sys.argv[1:]
with open("/proc/self/status") as status:
    held = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
limit = held + int(more)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
if what == "import":
    result = import_capture("binance-stream", spot=words[0], perp=None, out=words[1])
    print(result.lines, result.quarantined, result.text_bytes)
else:
    run = {"replay": replay, "backtest": backtest}[what](open_segment(words[0]), never)
    print(run.n_messages)
"""


def limited(what: str, mib: int, *words: object) -> subprocess.CompletedProcess[str]:
    """Run something with that much more memory than its modules take."""
    argv = [sys.executable, "-c", LIMITED, what, str(mib * MIB), *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """384 MiB of text in 1.5 MB; a field the format does not know makes the lines long."""
    path = tmp_path_factory.mktemp("memory") / "spot.gz"
    padding = "x" * 8000
    with gzip.open(path, "wt", compresslevel=1) as file:
        for k in range(48 * 1024):
            file.write(
                f'{1_700_000_000_000_000_000 + 10_000 * k} {{"stream":"btcusdt@bookTicker","data":'
                f'{{"u":{k},"s":"BTCUSDT","b":"100.00","B":"1","a":"100.01","A":"2","x":"{padding}"}}}}\n'
            )
    return path


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two million quotes: 268 MB of log and columns."""
    path = tmp_path_factory.mktemp("memory") / "seg"
    generate_segment("planted", path, rows=2_000_000, seed=1, quotes_only=True)
    return path


def test_a_capture_of_384_mib_is_imported_in_96(tmp_path: Path, capture: Path) -> None:
    done = limited("import", 96, capture, tmp_path / "seg")
    assert done.returncode == 0, done.stderr
    lines, quarantined, text_bytes = map(int, done.stdout.split())
    assert (lines, quarantined) == (48 * 1024, 0)
    assert text_bytes > 380 * MIB


@pytest.mark.parametrize("route", ["replay", "backtest"])
def test_two_million_rows_are_run_in_64_mib(segment: Path, route: str) -> None:
    assert sum(p.stat().st_size for p in segment.rglob("*") if p.is_file()) > 250 * MIB
    done = limited(route, 64, segment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2000000"]


def test_the_limit_is_one(segment: Path) -> None:
    assert limited("replay", 1, segment).returncode != 0
