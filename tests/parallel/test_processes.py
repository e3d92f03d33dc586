"""Processes give results in order and the first error; whatever ends the caller ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError, FixedPointOverflow, WorkerError
from quantlaxmi.parallel.processes import run_in_processes
from tests.parallel import process_work


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_stand_in_the_order_of_the_items(processes: int) -> None:
    kept: dict[int, int] = {}
    seen: list[tuple[int, int]] = []
    made = run_in_processes(
        process_work.square,
        iter(range(20)),
        processes=processes,
        progress=lambda done, total: seen.append((done, total)),
        finished=kept.__setitem__,
    )
    assert made == [n * n for n in range(20)]
    assert kept == {n: n * n for n in range(20)}
    assert seen == [(n, 20) for n in range(1, 21)]
    assert run_in_processes(process_work.square, [], processes=processes) == []


@pytest.mark.parametrize("processes", [1, 3])
def test_the_first_error_in_order_is_raised_and_those_before_it_are_done(processes: int) -> None:
    kept: dict[int, int] = {}
    with pytest.raises(ConfigError) as raised:
        run_in_processes(
            process_work.fail, range(9), processes=processes, finished=kept.__setitem__
        )
    assert str(raised.value) == "policy: was 3, expected less than 3"
    assert kept == {0: 0, 1: 1, 2: 2}


def test_an_error_arrives_as_it_was_or_as_one_line() -> None:
    with pytest.raises(FixedPointOverflow) as raised:
        run_in_processes(process_work.overflow, range(2), processes=2)
    assert (raised.value.operands, raised.value.row) == ((0, 7), 5)
    with pytest.raises(WorkerError, match=r"^Stubborn: 0 and 2$"):
        run_in_processes(process_work.stubborn, range(2), processes=2)
    with pytest.raises(
        WorkerError, match=r"^the result of .*unsendable.* cannot be sent to the caller: .*pickle"
    ):
        run_in_processes(process_work.unsendable, range(2), processes=2)


@pytest.mark.parametrize(
    ("signal_number", "said"),
    [
        (
            signal.SIGKILL,
            "a worker process was ended by SIGKILL, expected its result; "
            "the system may have had no memory left",
        ),
        (signal.SIGSEGV, "a worker process was ended by SIGSEGV, expected its result"),
        (0, "a worker process ended with exit code 7, expected its result"),
    ],
)
def test_a_process_that_dies_is_one_line(signal_number: int, said: str) -> None:
    with pytest.raises(WorkerError) as raised:
        run_in_processes(process_work.die, [signal_number] * 2, processes=2)
    assert str(raised.value) == said


def test_a_process_has_one_thread() -> None:
    before = {name: os.environ.get(name) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    found = run_in_processes(process_work.threads_here, range(2), processes=2)
    assert found == [(1, 1, "1")] * 2
    assert before == {name: os.environ.get(name) for name in before}


CALLER = """
import sys
from quantlaxmi.cli.ending import terminable
from quantlaxmi.parallel.processes import run_in_processes
from tests.parallel import process_work

if __name__ == "__main__":
    try:
        with terminable():
            run_in_processes(process_work.pid_and_wait, sys.argv[1:], processes=2)
    except KeyboardInterrupt as error:
        print(type(error).__name__)
"""


def begin(folder: Path, *names: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a caller with two processes; returns it and their ids once they are at work."""
    script = folder / "caller.py"
    script.write_text(CALLER)
    files = [folder / name for name in names]
    caller = subprocess.Popen(
        [sys.executable, str(script), *map(str, files)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: all(file.exists() for file in files) or caller.poll() is not None)
    assert caller.poll() is None, caller.communicate()
    return caller, [int(file.read_text()) for file in files]


def test_a_script_without_a_guard_is_one_error(tmp_path):
    text = CALLER.replace('if __name__ == "__main__":', "if True:")
    (tmp_path / "caller.py").write_text(text)
    done = subprocess.run(
        [sys.executable, tmp_path / "caller.py", "a", "b"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and done.stderr.count("Traceback") == 1, done.stderr
    assert "stand under if __name__ == '__main__':" in done.stderr


FIRST_PROCESSES = """
import signal
from quantlaxmi.parallel.processes import run_in_processes
from tests.parallel import process_work
if __name__ == "__main__":
    waited = run_in_processes(process_work.interrupts_waited, range(2), processes=2)
    print(waited, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def until(true: object) -> None:
    """Wait until something is so, a minute at most."""
    assert callable(true)
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about within a minute")


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody waits for may be left as a zombie)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize("whole_group", [False, True], ids=["caller", "group"])
def test_an_interrupt_ends_them_without_a_word(tmp_path: Path, whole_group: bool) -> None:
    caller, pids = begin(tmp_path, "a", "b")
    if whole_group:  # as a terminal sends it
        os.killpg(caller.pid, signal.SIGINT)
    else:
        caller.send_signal(signal.SIGINT)
    assert caller.communicate(timeout=60) == ("KeyboardInterrupt\n", "")
    assert all(map(gone, pids))


def test_no_interrupt_reaches_a_process_that_is_starting() -> None:
    """The first process too, with which Python starts its tracker of shared resources."""
    roots = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])
    said = subprocess.run(
        [sys.executable, "-c", FIRST_PROCESSES], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": roots},
    )  # fmt: skip
    assert (said.stdout, said.stderr) == ("[True, True] False\n", "")


@needs_proc
def test_sigterm_ends_them_the_deaf_ones_too(tmp_path: Path) -> None:
    caller, pids = begin(tmp_path, "a", "b-deaf")
    caller.terminate()
    assert caller.communicate(timeout=60) == ("Terminated\n", "")
    assert all(map(gone, pids))


def _asks_the_system() -> bool:
    """Whether this system kills a process whose C code holds Python's lock."""
    try:
        import fcntl
    except ImportError:
        return False
    return hasattr(fcntl, "F_SETSIG")


needs_sigio = pytest.mark.skipif(not _asks_the_system(), reason="needs F_SETSIG")


@needs_proc
@pytest.mark.parametrize("other", ["b", pytest.param("b-hung", marks=needs_sigio)])
def test_they_follow_a_caller_that_is_killed(tmp_path: Path, other: str) -> None:
    caller, pids = begin(tmp_path, "a", other)
    caller.kill()
    caller.communicate(timeout=60)
    until(lambda: all(map(gone, pids)))
