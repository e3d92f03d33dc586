"""What Windows lacks is asked for in one room, and the whole road goes without it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from tests.golden.regenerate import DATA

HERE = Path(__file__).parent
PACKAGE = Path(quantlaxmi.__file__).parent
#: Modules of the standard library that one system or another lacks.
MODULES = {
    "fcntl",
    "msvcrt",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "winreg",
    "_winapi",
    "syslog",
    "spwd",
    "crypt",
}
#: Attributes of `os` and `signal` that Windows lacks, or that do another thing there.
NAMES = {
    "fork",
    "forkpty",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getpgid",
    "getpgrp",
    "getppid",
    "kill",
    "killpg",
    "lockf",
    "pread",
    "pwrite",
    "preadv",
    "pwritev",
    "fchmod",
    "fchown",
    "fdatasync",
    "statvfs",
    "sysconf",
    "setsid",
    "uname",
    "wait",
    "waitpid",
    "mkfifo",
    "mknod",
    "sendfile",
    "SIGKILL",
    "SIGPIPE",
    "SIGHUP",
    "SIGALRM",
    "SIGUSR1",
    "SIGUSR2",
    "SIGCHLD",
    "alarm",
    "setitimer",
    "pthread_sigmask",
    "pthread_kill",
    "sigwait",
}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the stand-in for Windows is made of Linux"
)


def _asked(path: Path) -> list[str]:
    """Where a file asks for what one system lacks."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            names = {node.module or ""} & MODULES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            own = node.value.id in ("os", "signal")
            only_here = node.attr in NAMES or node.attr.startswith("O_")
            names = {node.attr} if own and only_here else set()
        else:
            continue
        found += [f"{path.relative_to(PACKAGE)}:{node.lineno}: {name}" for name in names]
    return found


def test_only_the_room_of_the_system_asks_for_what_one_lacks():
    files = [p for p in PACKAGE.rglob("*.py") if "system" not in p.relative_to(PACKAGE).parts]
    assert len(files) > 400
    assert [place for path in files for place in _asked(path)] == []


def test_the_search_finds_what_the_room_itself_asks_for():
    found = [place for path in (PACKAGE / "system").glob("*.py") for place in _asked(path)]
    assert {"fcntl", "msvcrt", "resource", "pread", "kill", "O_RDONLY"} <= {
        place.rsplit(" ", 1)[1] for place in found
    }


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """What became of the steps of `tests.elsewhere` in a process without all that."""
    folder = tmp_path_factory.mktemp("elsewhere")
    # What is known of this machine's fonts is taken along: to look at them takes seconds.
    shutil.copytree(matplotlib.get_cachedir(), folder / "matplotlib")
    done = subprocess.run(
        [sys.executable, HERE / "elsewhere.py", HERE.parent, DATA, folder],
        capture_output=True,
        text=True,
        timeout=540,
        cwd=folder,
        env={**os.environ, "MPLCONFIGDIR": str(folder / "matplotlib")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads((folder / "found.json").read_text()), done.stderr


def test_the_modules_were_hidden(road):
    assert road[1]["hidden"] == [False, True]


def test_a_segment_of_a_frame_is_saved_and_verified(road):
    assert road[1]["frame"] is True
    assert road[1]["verify"] == 0


def test_the_golden_hashes_are_the_same(road):
    known = json.loads((HERE / "golden" / "traces.json").read_text())
    assert road[1]["golden"] == known["basis_capture/default/planted"]


@pytest.mark.parametrize("step", ["backtest", "replay", "bindings", "trials"])
def test_commands_end_well(road, step):
    assert road[1][step] == 0


def test_gates_are_run_and_their_report_is_written_over(road):
    assert (road[1]["gates"], road[1]["again"]) == (3, 3)  # the policy has a part of the gates


def test_the_report_is_recomputed_where_nothing_is_hidden(road):
    folder = road[0]
    given = ["--report", str(folder / "a.json"), "--segment-dir", str(DATA / "planted")]
    assert main_crypto(["verify-report", *given]) == 0
    assert "\r" not in (folder / "a.json").read_bytes().decode()


def test_processes_and_a_sweep_work(road):
    assert road[1]["processes"] == [1, 1, 2, 6, 24]
    assert (road[1]["sweep"], road[1]["compact"]) == (0, 0)


def test_locks_keep_a_second_writer_out_and_leave_nothing(road):
    assert road[1]["second"] == "is being written by another process"
    assert road[1]["left"] == []


def test_locks_are_shared_or_had_alone(road):
    assert road[1]["shares"] == [True, True, False, True, False, True, True]


def test_a_link_in_a_segment_is_refused(road):
    assert road[1]["link"] == "cannot be opened: a link is not followed"
