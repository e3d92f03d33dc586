"""One sweep, done in every way there is, has one hash: workers, Dask, kills, a full disk.

``make test-deep TESTS=tests/batch/test_proof.py`` does it with 200 segments, two strategies of four
settings each, and twenty kills. ``make test`` has two workers and the full disk with few segments;
test_sweep.py, test_leases.py and test_cluster.py have the rest of it in small.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog
from quantlaxmi.importers.synthetic import generate_segment
from tests.batch.test_sweep import children_of, needs_proc
from tests.depth import DEEP

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
SEGMENTS, KILLS = (200, 20) if DEEP else (4, 0)
#: Quotes of a segment: what is proved does not depend on their number.
ROWS = 1000 if DEEP else 3000
#: Every process compiles the kernel anew: without DEEP one test does.
TREND = "sma_trend_numba" if DEEP else "sma_trend"
#: Every so manieth segment has an edge, and its market null is drawn.
PLANTED_EACH = 10
POLICY = """
min_trades = 5
market_null = {n_draws = 49, n_draws_extended = 49}
[suites]
g2 = ["net_positive", "look_ahead", "equity", "market_null", "time_shift"]
"""
GRIDS = {
    "basis.toml": 'strategy = "basis_capture"\n[values]\n'
    "threshold_bps = [3, 5]\nexit_threshold_bps = [1, 2]\n",
    "trend.toml": 'strategy = "sma_trend"\n[values]\n'
    "fast = [4, 8]\nslow = [16, 24]\nevery_seconds = [60]\n",
}
pytestmark = needs_proc
deep_only = pytest.mark.skipif(not DEEP, reason="make test-deep; in small in other files")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the segments, the grids and the policy."""
    folder = tmp_path_factory.mktemp("proof")
    (folder / "segments").mkdir()
    for k in range(SEGMENTS):
        kind = "planted" if k % PLANTED_EACH == PLANTED_EACH - 1 else "edgeless"
        generate_segment(kind, folder / "segments" / f"s{k:03d}", rows=ROWS, seed=k)
    for name, text in {**GRIDS, "policy.toml": POLICY}.items():
        (folder / name).write_text(text)
    return folder


def command(place: Path, catalog: Path, *more: str) -> list[str]:
    words = ["sweep-gates", "--segments", f"{place}/segments/*", "--catalog", str(catalog)]
    words += ["--strategies", f"basis_capture,{ROOT}/examples/{TREND}.py:Trend"]
    words += ["--grid", f"{place}/basis.toml", "--grid", f"{place}/trend.toml"]
    words += ["--policy", f"{place}/policy.toml", *more]
    return [sys.executable, "-c", COMMAND, *words]


def begun(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def whole(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=7200)


def is_worker(pid: int) -> bool:
    """Whether a child does items: one more only tracks resources."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture(scope="module")
def expected(place):
    """The hash with one worker."""
    done = whole(command(place, place / "one", "--workers", "1"))
    assert done.returncode == 0, done.stderr
    catalog = Catalog.open(place / "one")
    assert len(catalog.rows) == 2 * SEGMENTS
    verdicts = {row.finished.figures.verdict for row in catalog.rows.values()}
    assert "FAIL" in verdicts
    return catalog.verify()


def test_two_workers_have_the_hash_of_one(place, expected):
    done = whole(command(place, place / "two", "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert Catalog.open(place / "two").verify() == expected


def test_a_compiled_strategy_of_a_file_is_swept(place):
    words = ["sweep-gates", "--segments", f"{place}/segments/s000", "--workers", "1"]
    words += ["--strategies", f"{ROOT}/examples/sma_trend_numba.py:Trend"]
    words += ["--policy", f"{place}/policy.toml", "--catalog", str(place / "compiled")]
    done = whole([sys.executable, "-c", COMMAND, *words])
    assert done.returncode == 0, done.stderr
    assert [row.status for row in Catalog.open(place / "compiled").rows.values()] == ["done"]


@deep_only
def test_two_sweeps_at_once_have_it(place, expected):
    Catalog.create(place / "both")
    both = [begun(command(place, place / "both", "--workers", "1")) for _ in range(2)]
    for one in both:
        _, err = one.communicate(timeout=7200)
        assert one.returncode == 0, err
    catalog = Catalog.open(place / "both")
    assert catalog.verify() == expected
    lines = sum(catalog.journal_lines.values())
    # Planned twice, finished once but for items that both began before either had a line.
    assert lines <= 2 + 6 * SEGMENTS + 8


def reports_of(catalog: Path) -> int:
    """How many items of a catalog have a report."""
    return sum(1 for _ in catalog.glob("reports/json/*/*.json"))


@deep_only
def test_random_kills_of_workers_and_sweeps_change_nothing(place, expected):
    rng, made = random.Random(16), {"main": 0, "worker": 0}
    catalog, fell = place / "killed", list[int]()
    words = command(place, catalog, "--workers", "2")
    running = begun(words)
    # By time alone all might hit a sweep that is starting: items are done between two kills.
    for mark in sorted(rng.sample(range(2 * SEGMENTS - 20), KILLS)):
        workers: list[int] = []
        while not workers or reports_of(catalog) < mark:
            if running.poll() is not None:
                pytest.fail(f"ended before kill {len(fell) + 1}: {running.communicate()[1]}")
            time.sleep(rng.uniform(0.01, 0.3))
            workers = [pid for pid in children_of(running.pid) if is_worker(pid)]
        fell.append(reports_of(catalog))
        if rng.random() < 0.5:
            running.kill()
            running.communicate()
            made["main"] += 1
            running = begun(words)
        else:
            os.kill(rng.choice(workers), signal.SIGKILL)
            made["worker"] += 1
    running.communicate(timeout=7200)
    # An item may have been hit three times, and is crashed then.
    done = whole([*words, "--retry-failed"])
    assert done.returncode == 0, done.stderr
    print(f"kills: {made}, when so many of {2 * SEGMENTS} items had reports: {fell}")
    assert min(made.values()) >= KILLS // 5
    assert len(set(fell)) > KILLS // 2 and fell[-1] > SEGMENTS
    assert Catalog.open(catalog).verify() == expected


@deep_only
def test_two_dask_workers_over_tcp_have_it(place, expected, tmp_path):
    pytest.importorskip("distributed", reason="distributed is not installed (extra dev)")
    from tests.batch.test_cluster import Servers

    servers = Servers(tmp_path)
    try:
        for _ in range(2):
            servers.worker()
        done = whole(command(place, place / "dask", "--scheduler", servers.address))
        assert done.returncode == 0, done.stderr
    finally:
        servers.close()
    assert Catalog.open(place / "dask").verify() == expected


def test_a_disk_that_is_full_stops_with_one_line_and_the_same_command_goes_on(place, expected):
    disk = place / "disk"
    disk.mkdir()
    size = "1m" if DEEP else "60k"
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        words = command(place, disk / "catalog", "--workers", "2")
        done = whole(words)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert "No space left" in done.stderr and done.stderr.count("\n") == 1, done
        subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
        before = Catalog.open(disk / "catalog")
        before.verify()  # whatever it says, nothing is torn
        done = whole(words)
        assert done.returncode == 0, done.stderr
        assert Catalog.open(disk / "catalog").verify() == expected
    finally:
        subprocess.run(["umount", str(disk)], check=False)
