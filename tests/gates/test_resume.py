"""A gate report is the same at once, interrupted and gone on with, and on any number of threads."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report.run_gates import run_gates
from quantlaxmi.segment import open_segment
from tests.depth import some

CRYPTO = "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())"
DATA = Path(__file__).resolve().parents[2] / "data"
#: Enough draws for every gate to have batches before and after an interruption.
POLICY = GatePolicy(
    random_sides={"n_draws": 400},
    random_entry={"n_sims": 400, "n_neutral_pairs": 50},
    label_permutation={"n_perms": 400},
    market_null={"n_draws": 60, "n_draws_extended": 60},
    ablation={"n_bootstrap": 200},
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def report_hash(segment, **options):
    options.setdefault("policy", POLICY)
    return run_gates(segment, "basis_capture", **options).report_hash


@pytest.fixture(scope="module")
def whole(planted):
    return report_hash(planted, threads=1)


@pytest.mark.parametrize("threads", some([2, 4], 1))
def test_threads_change_nothing(planted, whole, threads):
    assert report_hash(planted, threads=threads) == whole


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("calls", some([3, 12, 6, 9], 2))
def test_an_interruption_changes_nothing(planted, whole, tmp_path, calls):
    left = [calls]

    def progress(gate, done, total):
        left[0] -= gate != "backtest"
        if left[0] == 0:
            raise Interrupted

    path = tmp_path / "gates.checkpoint"
    with contextlib.suppress(Interrupted):
        report_hash(planted, checkpoint=path, progress=progress)
    assert report_hash(planted, checkpoint=path) == whole
    kept = json.loads(path.read_text())
    assert kept["gates"]["random_entry.matched"]["done"] >= 400
    with pytest.raises(ConfigError, match="another run"):
        report_hash(planted, checkpoint=path, policy=POLICY.replace(random_entry={"n_sims": 401}))
    with pytest.raises(ConfigError, match="another run"):
        report_hash(planted, checkpoint=path, seed=1)


def test_a_killed_command_goes_on(tmp_path, planted, capsys):
    """SIGINT ends the command with one line and code 130; the same command then finishes."""
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "extend_factor = 1\n"
        '[suites]\ng2 = ["random_entry", "label_permutation"]\n'
        "[random_entry]\nn_sims = 30000\nn_neutral_pairs = 20\n"
        "[label_permutation]\nn_perms = 200\n"
    )
    command = [sys.executable, "-c", CRYPTO, "run-gates"]
    command += ["--segment-dir", str(planted.path), "--strategy", "basis_capture"]
    command += ["--gates", "g2", "--policy", str(policy), "--checkpoint", str(tmp_path / "c")]
    process = subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    )
    limit = time.monotonic() + 120
    while not (tmp_path / "c").exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    if process.returncode == 130:  # not so fast that it was done before the signal
        assert out == b"" and err.count(b"\n") == 1 and b"interrupted" in err.lower()
    done = subprocess.run([*command, "--json"], capture_output=True, timeout=300, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    # At once, for which no process of its own is needed.
    assert main_crypto([*command[3:-2], "--json"]) == done.returncode
    once = capsys.readouterr().out
    assert json.loads(done.stdout)["report_hash"] == json.loads(once)["report_hash"]
