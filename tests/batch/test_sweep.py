"""A sweep: whatever ends an item, a worker or the sweep itself, what is done is done once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlaxmi.batch import Catalog, plan, sweep
from quantlaxmi.batch import worker as worker_module
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.sweep import Sweep
from quantlaxmi.batch.tasks import TaskQueue, task_of
from quantlaxmi.errors import CatalogError, ConfigError, NondeterminismError, StrategyError
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import FEW

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def expected(parts, tmp_path_factory):
    """The hash of all rows, done by one worker without any trouble."""
    catalog = Catalog.create(tmp_path_factory.mktemp("expected") / "c")
    sweep([parts / "*"], [Bad, Quiet], catalog=catalog, policy=FEW, workers=1)
    return catalog.verify()


def statuses(catalog):
    return [row.status for row in catalog.refresh().rows.values()]


def test_rows_do_not_depend_on_the_number_of_workers(parts, expected, tmp_path):
    table = sweep([parts / "*"], [Bad, Quiet], catalog=tmp_path / "c", policy=FEW, workers=2)
    assert len(table) == 26 and set(table["status"]) == {"done"}
    assert table["key"] == sorted(table["key"])
    assert Catalog.open(tmp_path / "c").verify() == expected


def test_what_is_done_is_not_done_again(parts, tmp_path):
    made = plan([parts / "part-000*"], [Bad], policy=FEW)
    catalog = Catalog.create(tmp_path / "c")
    Sweep(made, catalog, SweepOptions(workers=1)).run()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "c").rglob("*") if p.is_file()}
    again = Sweep(made, Catalog.open(tmp_path / "c"), SweepOptions(workers=1))
    assert again.waiting == [] and again.predicted_cpu_s() == 0
    assert again.run().known == len(made.items)
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "c").rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("way", "status", "said", "attempts"),
    [
        ("raise", "failed", "it was to be expected", 1),
        ("exit_zero", "crashed", "exit code 0", 3),
        ("kill", "crashed", "SIGKILL", 3),
        ("hang", "timeout", "took over 3 s", 1),
        ("eat", "memory", "", 1),
    ],
)
def test_a_poison_item_fails_with_its_reason_and_no_other_does(
    parts, tmp_path, way, status, said, attempts
):
    catalog = Catalog.create(tmp_path / "c")
    configs = [BadConfig(way=way), BadConfig()]
    table = sweep(
        [parts / "part-0000"],
        [Bad],
        configs=configs,
        catalog=catalog,
        policy=FEW,
        workers=1,
        item_seconds=3 if way == "hang" else 60,
        item_memory=128 << 20 if way == "eat" else None,
    )
    found = dict(
        zip(table["status"], zip(table["error"], table["attempts"], strict=True), strict=True)
    )
    assert set(found) == {"done", status}
    text, tried = found[status]
    assert said in text and tried == attempts
    assert found["done"] == ("", 1)


def test_failed_items_are_tried_again_where_asked(parts, tmp_path):
    where = {"catalog": tmp_path / "c", "policy": FEW, "workers": 1}
    configs = [BadConfig(way="raise")]
    events = []
    for retry, begun in ((False, 1), (False, 0), (True, 1)):
        events.clear()
        sweep(
            [parts / "part-0000"],
            [Bad],
            configs=configs,
            retry_failed=retry,
            log=events.append,
            **where,
        )
        assert sum(one["event"] == "item" for one in events) == begun


def test_a_refused_segment_is_an_item_with_its_reason(parts, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(parts / "part-0001", copy)
    column = copy / "columns" / "quotes.arrow"
    data = bytearray(column.read_bytes())
    data[len(data) // 2] ^= 1
    column.chmod(0o600)
    column.write_bytes(data)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "segment.json").write_text("{}")
    table = sweep([copy, tmp_path / "empty"], [Bad], policy=FEW, workers=1)
    assert table["status"] == ["refused", "refused"]
    assert any("quotes.arrow" in text for text in table["error"])


def test_tasks_of_one_segment_go_to_one_process_in_a_row(parts, tmp_path):
    configs = [BadConfig(), BadConfig(way="sleep"), BadConfig(way="exit_zero")]
    made = plan([parts / "part-000[0-2]"], [Bad], configs=configs, policy=FEW)
    queue = TaskQueue(task_of(item, made, tmp_path) for item in made.items)
    one = two = None
    taken = {1: [], 2: []}
    for _ in range(3):
        one, two = queue.take(one), queue.take(two)
        taken[1].append(one.digest)
        taken[2].append(two.digest)
    assert [len(set(digests)) for digests in taken.values()] == [1, 1]
    assert taken[1][0] != taken[2][0]
    rest = [queue.take(one) for _ in range(3)]
    assert len({task.digest for task in rest}) == 1 and queue.take(None) is None


def test_an_item_that_gives_other_bytes_ends_the_sweep_and_both_are_kept(
    parts, tmp_path, monkeypatch
):
    made = plan([parts / "part-0000"], [Bad], policy=FEW)
    catalog = Catalog.create(tmp_path / "c")
    outcome = worker_module.do_task(task_of(made.items[0], made, catalog.folder))
    assert outcome.status == "done"
    real = worker_module.figures_of
    import msgspec

    monkeypatch.setattr(
        worker_module, "figures_of", lambda r: msgspec.structs.replace(real(r), unseen="other")
    )
    outcome = worker_module.do_task(task_of(made.items[0], made, catalog.folder))
    assert isinstance(outcome.fatal, NondeterminismError)
    folder = catalog.folder / "reports" / "json" / made.items[0].key[:2]
    assert len(list(folder.iterdir())) == 2


def test_no_memory_is_told_from_other_errors(parts, tmp_path, monkeypatch):
    made = plan([parts / "part-0000"], [Bad], policy=FEW)
    task = task_of(made.items[0], made, Catalog.create(tmp_path / "c").folder)

    def fails(*_):
        try:
            raise MemoryError
        except MemoryError as error:
            raise StrategyError("on_market failed") from error

    monkeypatch.setattr(worker_module, "run_item", fails)
    assert worker_module.do_task(task).status == "memory"
    monkeypatch.setattr(worker_module, "run_item", lambda *_: 1 / 0)
    found = worker_module.do_task(task)
    assert (found.status, found.error_kind) == ("failed", "ZeroDivisionError")


def test_a_full_disk_ends_the_sweep_with_one_line_and_tears_nothing(parts, tmp_path, monkeypatch):
    made = plan([parts / "part-000[0-3]"], [Bad], policy=FEW)
    catalog = Catalog.create(tmp_path / "c")
    real, calls = catalog.writer, []

    def writer():
        found = real()
        write = found._write

        def full(data):
            calls.append(len(data))
            if len(calls) > 1:
                raise CatalogError(found.path, "cannot be written: No space left on device")
            write(data)

        found._write = full
        return found

    monkeypatch.setattr(catalog, "writer", writer)
    with pytest.raises(CatalogError, match="No space left"):
        Sweep(made, catalog, SweepOptions(workers=1)).run()
    again = Catalog.open(tmp_path / "c")
    assert set(statuses(again)) == {"unfinished"} and len(again.rows) == 4
    Sweep(made, again, SweepOptions(workers=1)).run()
    assert set(statuses(again)) == {"done"}
    again.verify()


def test_limits_and_strategies_that_cannot_be_are_one_line(parts, tmp_path):
    for options, said in (
        ({"workers": 0}, "--workers"),
        ({"item_seconds": 0.5}, "--item-seconds"),
        ({"item_memory": 1 << 20}, "at least 64 MB"),
    ):
        with pytest.raises(ConfigError, match=said):
            sweep([parts / "*"], [Bad], **options)

    class Local(Bad):
        strategy_id = "local"

    with pytest.raises(StrategyError, match="define its class at the top of a file"):
        sweep([parts / "part-0000"], [Local], policy=FEW, workers=1)


#: A sweep of its own process: it says when its first item is done.
SCRIPT = """
import sys
from quantlaxmi.batch import sweep
from tests.batch.bad_strategies import Bad, BadConfig, Quiet
from tests.batch.catalogs import FEW

def told(event):
    print(event["event"], flush=True)

if __name__ == "__main__":
    ways = [Bad, Quiet] if len(sys.argv) < 4 else [Bad]
    configs = () if len(sys.argv) < 4 else [BadConfig(way=sys.argv[3])]
    segments, catalog = [sys.argv[1]], sys.argv[2]
    sweep(segments, ways, configs=configs, catalog=catalog, policy=FEW, workers=2, log=told)
"""


UNGUARDED = """
import sys
from quantlaxmi.batch import sweep
from tests.batch.bad_strategies import Bad
from tests.batch.catalogs import FEW
sweep([sys.argv[1]], [Bad], catalog=sys.argv[2], policy=FEW, workers=2)
"""


def test_a_script_without_a_guard_is_told_once_and_no_item_has_failed(parts, tmp_path):
    """Each process loads the script: every item was crashed, with three tracebacks each."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    words = [sys.executable, tmp_path / "script.py", parts / "part-000*", tmp_path / "c"]
    done = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and done.stderr.count("Traceback") == 1, done.stderr
    assert "expected its call to stand under if __name__ == '__main__':" in done.stderr
    assert set(statuses(Catalog.open(tmp_path / "c"))) == {"unfinished"}


def started(*words):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children_of(pid):
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(one.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(one.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
def test_killed_workers_and_sweeps_lose_nothing_and_leave_nobody(parts, expected, tmp_path):
    where = tmp_path / "c"
    for after in (2, 8):  # events after which the main process is killed
        running = started(parts / "*", where)
        for _ in range(after):
            running.stdout.readline()
        workers = children_of(running.pid)
        for pid in workers[:1]:
            os.kill(pid, signal.SIGKILL)
        running.stdout.readline()
        running.kill()
        running.communicate()
        end = time.monotonic() + 20
        while any(Path(f"/proc/{pid}/fd").exists() for pid in workers):
            assert time.monotonic() < end, "a worker outlived its sweep"
            time.sleep(0.05)
    running = started(parts / "*", where)
    _, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    catalog = Catalog.open(where)
    assert catalog.verify() == expected
    assert {row.finished.attempts for row in catalog.rows.values()} <= {1, 2}


@needs_proc
def test_an_interrupt_ends_a_sweep_softly_and_the_same_command_goes_on(parts, tmp_path):
    running = started(parts / "*", tmp_path / "c", "sleep")
    assert running.stdout.readline() == "begin\n"
    assert running.stdout.readline() == "item\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode != 0 and "KeyboardInterrupt" in err
    catalog = Catalog.open(tmp_path / "c")
    found = statuses(catalog)
    assert 1 <= found.count("done") < 13 and set(found) == {"done", "unfinished"}
    done = {key for key, row in catalog.rows.items() if row.is_done}
    files = {p.stem for p in (tmp_path / "c" / "reports" / "json").rglob("*.json")}
    assert files == done  # what was under way was finished and written
    events = []
    sweep(
        [parts / "*"],
        [Bad],
        configs=[BadConfig(way="sleep")],
        catalog=catalog,
        policy=FEW,
        log=events.append,
    )
    assert sum(one["event"] == "item" for one in events) == 13 - len(done)


def test_two_sweeps_at_once_give_the_rows_of_one(parts, expected, tmp_path):
    Catalog.create(tmp_path / "c")
    both = [started(parts / "*", tmp_path / "c") for _ in range(2)]
    for one in both:
        _, err = one.communicate(timeout=240)
        assert one.returncode == 0, err
    catalog = Catalog.open(tmp_path / "c")
    assert catalog.verify() == expected
    assert 1 <= len(catalog.journal_lines) <= 2
