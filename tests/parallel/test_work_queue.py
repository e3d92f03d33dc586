"""The queue's first process makes what all need before the others begin; processes can be kept."""

from __future__ import annotations

import pytest

from quantlaxmi.parallel.work_queue import Ended, Limits, WorkQueue
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
