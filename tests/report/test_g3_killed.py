"""A run of both suites over a grid that is killed in the middle of its draws goes on there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.report import verify_report
from tests.depth import some

CRYPTO = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
GRID = 'strategy = "basis_capture"\n[values]\nthreshold_bps = [3, 4, 5, 6]\n'
POLICY = """
[suites]
g2 = ["equity", "market_null", "net_positive"]
[market_null]
n_draws = 199
n_draws_extended = 199
"""


def draws_kept(checkpoint: Path) -> int:
    """Draws of the market null that a checkpoint holds, of its kind that has most."""
    try:
        gates = json.loads(checkpoint.read_text())["gates"]
    except (OSError, ValueError, KeyError):
        return 0
    return max((g["done"] for name, g in gates.items() if "market_null" in name), default=0)


@pytest.mark.parametrize("with_ledger", some([True, False], 1))
def test_a_run_killed_in_mid_draw_gives_the_report_it_would_have_given(
    tmp_path: Path, with_ledger: bool
) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "trials").mkdir()
    checkpoint = tmp_path / "counts"
    plain = [sys.executable, "-c", CRYPTO, "run-gates", "--segment-dir", str(PLANTED)]
    plain += ["--strategy", "basis_capture", "--gates", "g2,g3", "--json"]
    plain += ["--grid", str(tmp_path / "grid.toml"), "--policy", str(tmp_path / "policy.toml")]
    if with_ledger:
        plain += ["--trials", str(tmp_path / "trials")]
    kept = [*plain, "--checkpoint", str(checkpoint)]

    process = subprocess.Popen(kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    limit = time.monotonic() + 240
    while not draws_kept(checkpoint) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    before = draws_kept(checkpoint)
    assert 0 < before < 199

    resumed = tmp_path / "resumed.json"
    done = subprocess.run(
        [*kept, "--output-report", str(resumed)], capture_output=True, timeout=500, check=False
    )
    assert done.returncode in (0, 1, 3), done.stderr
    once = [*plain, "--threads", "1", "--output-report", str(tmp_path / "once.json")]
    assert main_crypto(once[3:]) in (0, 1, 3)  # without an interruption no process is needed
    one, other = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("resumed", "once"))
    assert one["report_hash"] == other["report_hash"]
    for report in (one, other):
        del report["timestamp"], report["file_hash"]
    assert one == other
    assert draws_kept(checkpoint) > before
    assert verify_report(resumed, PLANTED).matches
