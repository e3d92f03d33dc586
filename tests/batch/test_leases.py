"""Leases: two sweeps leave each other's items alone, and nothing ever rests on that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from quantlaxmi.batch import Catalog, plan, sweep, sweeper
from quantlaxmi.batch.leases import EMPTY_S, FOLDER, HEARTBEAT_S, STALE_S, Leases
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.shared_queue import SharedQueue
from quantlaxmi.batch.sweep import Sweep
from quantlaxmi.batch.tasks import task_of
from quantlaxmi.batch.worker import do_task
from tests.batch.bad_strategies import Bad, Quiet
from tests.batch.catalogs import FEW

KEY = "ab" * 32


def names(folder):
    """Of the leases that there are."""
    return [one.name for one in (folder / FOLDER).iterdir()]


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path):
    return Catalog.create(tmp_path / "c").folder


def test_a_lease_is_held_by_one_and_given_back(folder):
    one, two = Leases(folder), Leases(folder)
    assert one.take(KEY) and one.take(KEY) and not two.take(KEY)
    two.drop([KEY])
    assert not two.take(KEY)
    one.drop([KEY])
    assert two.take(KEY) and not one.take(KEY)
    two.close()
    assert names(folder) == []


def test_a_lease_that_nobody_touches_is_taken_over_and_its_former_holder_leaves_it(folder):
    clock = Clock()
    one, two = Leases(folder, clock=clock), Leases(folder, clock=clock)
    assert one.take(KEY) and not two.take(KEY)
    clock.now = STALE_S - 1
    assert not two.take(KEY)
    one.beat()  # touched: the other's watch begins anew
    clock.now = STALE_S + 1
    assert not two.take(KEY)
    clock.now += STALE_S + 1
    assert two.take(KEY)
    one.drop([KEY])
    assert names(folder) == [KEY]


def test_a_heartbeat_touches_only_when_it_is_due(folder):
    clock = Clock()
    one = Leases(folder, clock=clock)
    one.take(KEY)
    os.utime(folder / FOLDER / KEY, ns=(0, 0))
    one.beat()
    assert (folder / FOLDER / KEY).stat().st_mtime_ns == 0
    clock.now = HEARTBEAT_S
    one.beat()
    assert (folder / FOLDER / KEY).stat().st_mtime_ns > 0


def test_the_lease_of_a_process_that_died_is_nobodys(folder):
    code = "import sys; from pathlib import Path; from quantlaxmi.batch.leases import Leases; "
    code += f"Leases(Path(sys.argv[1])).take({KEY!r})"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    assert names(folder) == [KEY]
    assert Leases(folder).take(KEY)


def test_a_lease_whose_maker_was_killed_before_it_wrote_is_nobodys_soon(folder):
    clock = Clock()
    two, empty = Leases(folder, clock=clock), folder / FOLDER / KEY
    empty.write_bytes(b"")
    assert not two.take(KEY)
    clock.now = EMPTY_S + 1
    assert two.take(KEY) and empty.read_bytes()


@pytest.mark.parametrize("text", [b"", b"x", b"x" * 4096, b"h\n99999999999\n", b"\xff\n1\n"])
def test_what_stands_in_a_lease_is_not_trusted(folder, text):
    (folder / FOLDER / KEY).write_bytes(text)
    assert not Leases(folder).take(KEY)


def test_no_lease_is_no_harm(folder, monkeypatch):
    def full(*_args, **_kw):
        raise OSError(28, "No space left on device")

    one = Leases(folder)
    monkeypatch.setattr(os, "open", full)
    assert one.take(KEY) and one.take(KEY)
    one.beat()
    one.close()
    monkeypatch.undo()
    (folder / FOLDER).rmdir()
    (folder / "elsewhere").mkdir()
    (folder / FOLDER).symlink_to(folder / "elsewhere")
    linked = Leases(folder)
    assert linked.take(KEY) and not any((folder / "elsewhere").iterdir())
    (folder / FOLDER).unlink()
    (folder / FOLDER).mkdir()
    (folder / FOLDER / KEY).symlink_to(folder / "catalog.json")
    assert not Leases(folder).take(KEY)


def test_what_another_sweep_does_is_put_aside_and_settled_when_it_is_done(parts, tmp_path):
    made = plan([parts / "part-000[0-2]"], [Bad], policy=FEW)
    catalog = Catalog.create(tmp_path / "c")
    tasks = [task_of(item, made, catalog.folder) for item in made.items]
    writer = catalog.writer()
    writer.add(item.planned for item in made.items)
    writer.flush()
    catalog.refresh()
    settled = []
    queue = SharedQueue(tasks, catalog, Leases(catalog.folder), settled.append)
    other = Leases(catalog.folder)
    assert other.take(tasks[1].key)
    taken = [queue.take(None) for _ in range(3)]
    assert taken[:2] == [tasks[0], tasks[2]] and taken[2] is None and len(queue) == 1
    queue.look_again()
    assert queue.take(None) is None and settled == []
    from quantlaxmi.batch.records import Finished

    done = do_task(tasks[1])
    writer.add(
        [Finished(key=tasks[1].key, status="done", figures=done.figures, report=done.report)]
    )
    writer.flush()
    writer.close()
    queue.look_again()
    assert settled == [tasks[1]] and len(queue) == 0


def test_two_sweeps_at_once_do_no_item_twice(parts, tmp_path):
    """The second begins while the first is at work, in one process: two catalogs of one folder."""
    Catalog.create(tmp_path / "c")
    made = plan([parts / "part-000*"], [Bad, Quiet], policy=FEW)
    begun, counts, failures = threading.Event(), [], []

    def run():
        events = []

        def log(event):
            events.append(event)
            if event["event"] == "item":
                begun.set()

        try:
            Sweep(made, Catalog.open(tmp_path / "c"), SweepOptions(workers=1, log=log)).run()
        except Exception as error:
            failures.append(error)
        begun.set()
        counts.append([one["event"] for one in events])

    first = threading.Thread(target=run)
    first.start()
    assert begun.wait(60)
    second = threading.Thread(target=run)
    second.start()
    first.join(120)
    second.join(120)
    assert failures == []
    assert sum(one.count("item") for one in counts) == len(made.items) == 20
    catalog = Catalog.open(tmp_path / "c")
    assert {row.status for row in catalog.rows.values()} == {"done"}
    assert names(tmp_path / "c") == []
    catalog.verify()


def test_the_view_is_written_while_a_long_sweep_is_under_way(parts, tmp_path, monkeypatch):
    calls = []
    real = sweeper.compact
    monkeypatch.setattr(sweeper, "COMPACT_EACH", 4)
    monkeypatch.setattr(
        sweeper, "compact", lambda c, **kw: calls.append(len(c.rows)) or real(c, **kw)
    )
    sweep([parts / "part-000*"], [Bad], catalog=tmp_path / "c", policy=FEW, workers=1)
    assert len(calls) >= 2 and calls[-1] == 10
    Catalog.open(tmp_path / "c").verify()
