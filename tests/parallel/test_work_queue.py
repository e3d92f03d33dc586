"""The queue's first process makes what all need before the others begin; processes can be kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

from quantlaxmi.parallel.work_queue import Ended, Limits, WorkQueue
from quantlaxmi.system.memory import is_watched
from tests.parallel.queue_work import noted


def queue_of(items, answers, **kw):
    waiting = list(items)
    return WorkQueue(
        work=noted,
        limits=Limits(),
        take=lambda _last: waiting.pop(0) if waiting else None,
        packed=lambda item: item,
        answered=lambda item, answer: answers.append((item, answer)),
        **kw,
    )


@pytest.fixture
def notes(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTLAXMI_TEST_NOTES", str(tmp_path / "notes"))
    return lambda: [
        line.partition(" ")[2] for line in (tmp_path / "notes").read_text().splitlines()
    ]


def test_the_first_process_is_alone_until_it_has_answered(notes):
    answers = []
    queue_of([b"a", b"b", b"c"], answers, workers=2, first=b"slow first").run()
    assert sorted(item for item, _ in answers) == [b"a", b"b", b"c"]
    said = notes()
    assert said[0] == "slow first" and said.count("slow first") == 1
    assert set(said[1:]) - {"a", "b", "c"} == {""}  # the other process was sent nothing first


def test_a_first_process_that_dies_lets_the_others_begin(notes):
    answers = []
    queue_of([b"a", b"b", b"c"], answers, workers=2, first=b"die").run()
    ended = [item for item, answer in answers if isinstance(answer, Ended)]
    assert ended == [b"a"] and sorted(set(notes()) - {""}) == ["b", "c"]


def test_processes_stay_for_the_next_run_where_they_are_kept(notes):
    answers = []
    queue = queue_of([b"a"], answers, workers=1, kept=True)
    queue.run()
    again = iter([b"b", b"die", b"c"])
    queue.take = lambda _last: next(again, None)
    queue.run()
    pids = [answer for _, answer in answers]
    assert pids[0] == pids[1] != pids[3] and isinstance(pids[2], Ended)
    process = queue.slots[0].worker.process
    queue.close()
    assert queue.slots[0].worker is None
    with pytest.raises(ValueError, match="closed"):
        process.is_alive()
    queue.close()


def test_a_process_is_replaced_after_so_many_items(notes):
    answers = []
    queue = queue_of([b"%d" % k for k in range(5)], answers, workers=1)
    queue.limits = Limits(items=2)
    queue.run()
    pids = [pid for _, pid in answers]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] != pids[0]
    assert (Limits().items, Limits().growth) == (200, 256 << 20)


@pytest.mark.skipif(not is_watched(), reason="the system does not tell what memory a process has")
def test_a_process_that_grew_is_replaced_when_its_item_is_done(notes):
    answers = []
    queue = queue_of([b"a", b"grow 40", b"b", b"c"], answers, workers=1)
    queue.limits = Limits(growth=32 << 20)
    queue.run()
    pids = [pid for _, pid in answers]
    assert pids[0] == pids[1] != pids[2] == pids[3]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_an_item_gets_no_more_address_space_than_its_limit():
    """Before the watch looks, a quarter of a second later, one item could take all there is."""
    code = """
from quantlaxmi.system.memory import limit_growth
limit_growth(64 << 20)
few = bytearray(16 << 20)
try:
    bytearray(128 << 20)
except MemoryError:
    print("no more")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("no more\n", 0), done.stderr
