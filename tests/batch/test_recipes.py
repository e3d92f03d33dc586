"""The recipes of docs/SCALING.md run here, with stand-ins for the clusters."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.split import split_segment
from tests.batch.catalogs import DATA
from tests.batch.test_sweep import needs_proc

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SCALING.md").read_text()
#: What SLURM's srun does here: the tasks it is told to start, two of them at most.
SRUN = """#!/bin/sh
n=1
while :; do
  case "$1" in
    --ntasks=*) n=${1#--ntasks=} ;;
    --exact) ;;
    --*) echo "srun: unknown option $1" >&2; exit 1 ;;
    *) break ;;
  esac
  shift
done
[ "$n" -gt 2 ] && n=2
pids=
while [ "$n" -gt 1 ]; do "$@" & pids="$pids $!"; n=$((n - 1)); done
trap 'kill $pids 2>/dev/null' TERM
"$@" & pids="$pids $!"
wait $!
code=$?
kill $pids 2>/dev/null
exit $code
"""


def block(heading: str, kind: str) -> str:
    """The first block of a kind after a heading of the page."""
    section = PAGE[PAGE.index(f"\n### {heading}\n") :]
    found = re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def research(tmp_path):
    """A folder as the recipes have it: segments, a strategy, a grid; and the commands they call."""
    folder, bin_ = tmp_path / "research", tmp_path / "bin"
    folder.mkdir()
    bin_.mkdir()
    planted = open_segment(DATA / "planted")
    split_segment(planted, folder / "segments", rows=-(-planted.n_rows // 3))
    shutil.copy(ROOT / "tests" / "batch" / "bad_strategies.py", folder / "mine.py")
    (folder / "grid.toml").write_text('strategy = "bad"\n[values]\nway = ["nothing", "sleep"]\n')
    (folder / "few.toml").write_text('[suites]\ng2 = ["net_positive", "equity"]\n')
    wrappers = {
        "srun": SRUN,
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        "dask": f'#!/bin/sh\nexec "{sys.executable}" -m dask "$@"\n',
        "quantlaxmi-crypto": f'#!/bin/sh\nexec "{sys.executable}" -c '
        '"import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())" "$@"\n',
    }
    for name, text in wrappers.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    return folder, bin_


def environment(folder: Path, bin_: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), *sys.path])
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return kept | {"PATH": f"{bin_}:{os.environ['PATH']}", "PYTHONPATH": paths, "HOME": str(folder)}


@needs_proc
def test_the_job_of_slurm_does_the_sweep_and_ends(research, tmp_path):
    pytest.importorskip("distributed", reason="distributed is not installed (extra dev)")
    folder, bin_ = research
    script = block("SLURM", "sh").replace("/shared/research", str(folder))
    assert script.count(str(folder)) == 2
    assert "#SBATCH" in script and "--item-memory 1GB" in script
    script = script.replace("mine.py:Mine", "mine.py:Bad")
    script = script.replace("--grid grid.toml", "--grid grid.toml --policy few.toml")
    (tmp_path / "job.sh").write_text(script)
    subprocess.run(["sh", "-n", str(tmp_path / "job.sh")], check=True)
    env = environment(folder, bin_) | {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "66"}
    # A job's other steps end with its script: here their process group does.
    err = (tmp_path / "err").open("w")
    job = subprocess.Popen(
        ["sh", str(tmp_path / "job.sh")],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=err,
        start_new_session=True,
    )
    try:
        job.communicate(timeout=180)
    finally:
        end_group(job.pid)
        job.wait()
        err.close()
    assert job.returncode == 0, (tmp_path / "err").read_text()
    rows = Catalog.open(folder / "sweeps").rows.values()
    assert len(rows) >= 3 and {row.status for row in rows} == {"done"}
    assert {row.planned.strategy_id for row in rows} == {"bad"}


def end_group(pid: int) -> None:
    """End a process group, as SLURM does at the end of a job."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def test_tasks_of_an_array_write_into_one_catalog(research, tmp_path):
    """The job array that the page names in words: each task its own segments, then one over all."""
    folder, bin_ = research
    words = '--segments "segments/$SLURM_ARRAY_TASK_ID-*"'
    assert words in PAGE
    for k, one in enumerate(sorted((folder / "segments").iterdir())):
        one.rename(folder / "segments" / f"{k}-part")
    common = (
        "--strategies mine.py:Bad --grid grid.toml --catalog sweeps --workers 1 --policy few.toml"
    )
    env = environment(folder, bin_)
    for task in ("0", "1"):
        line = f"quantlaxmi-crypto sweep-gates {words} {common}"
        more = env | {"SLURM_ARRAY_TASK_ID": task}
        subprocess.run(["sh", "-c", line], check=True, cwd=folder, env=more, capture_output=True)
    line = f"quantlaxmi-crypto sweep-gates --segments 'segments/*' {common} --json"
    done = subprocess.run(["sh", "-c", line], check=True, cwd=folder, env=env, capture_output=True)
    assert b'"known": 2' in done.stdout
    assert len(Catalog.open(folder / "sweeps").journal_lines) == 3
    line = "quantlaxmi-crypto sweep-report --catalog sweeps"
    subprocess.run(["sh", "-c", line], check=True, cwd=folder, env=env, capture_output=True)


def test_the_workers_of_kubernetes_are_a_deployment_whose_command_dask_takes():
    yaml = pytest.importorskip("yaml", reason="yaml is not installed (it comes with the extra dev)")
    pytest.importorskip("distributed", reason="distributed is not installed (extra dev)")
    found = yaml.safe_load(block("Kubernetes", "yaml"))
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    spec = found["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels and spec["replicas"] == 64
    pod = spec["template"]["spec"]
    (worker,) = pod["containers"]
    assert {one["name"] for one in worker["volumeMounts"]} == {
        one["name"] for one in pod["volumes"]
    }
    command = worker["command"]
    assert command[:2] == ["dask", "worker"] and "tcp://sweep-scheduler:8786" in command
    # Dask reads every option before it says what else it would do.
    words = [sys.executable, "-m", "dask", *command[1:], "--help"]
    assert subprocess.run(words, capture_output=True).returncode == 0
    unknown = [sys.executable, "-m", "dask", *command[1:], "--no-such-option"]
    assert b"No such option" in subprocess.run(unknown, capture_output=True).stderr
    line = re.search(r"`(dask scheduler --port 8786)`", PAGE)
    assert line is not None
