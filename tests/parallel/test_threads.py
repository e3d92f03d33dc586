"""Threads give results in order, the first error, and way to an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from quantlaxmi.parallel import cores
from quantlaxmi.parallel.cores import ONE_THREAD
from quantlaxmi.parallel.threads import Stopped, Threads, raise_if_stopped, run_in_order

COUNTS = [1, 2, 5, 64]


@pytest.mark.parametrize("threads", COUNTS)
def test_results_stand_in_the_order_of_the_items(threads: int) -> None:
    assert run_in_order(lambda n: n * n, range(500), threads=threads) == [n * n for n in range(500)]
    assert run_in_order(lambda n: n, [], threads=threads) == []
    assert run_in_order(lambda n: n, iter("abc"), threads=threads) == ["a", "b", "c"]


def test_a_slow_item_keeps_its_place() -> None:
    last_done = threading.Event()

    def work(n: int) -> int:
        if n == 0:
            assert last_done.wait(30)
        if n == 9:
            last_done.set()
        return n

    assert run_in_order(work, range(10), threads=2) == list(range(10))


@pytest.mark.parametrize("threads", COUNTS)
def test_the_first_error_in_order_is_raised_and_those_before_it_are_done(threads: int) -> None:
    done = []

    def work(n: int) -> int:
        if n in {40, 41, 43, 60}:
            raise ValueError(n)
        done.append(n)
        return n

    for _ in range(20):
        done.clear()
        with pytest.raises(ValueError, match="40"):
            run_in_order(work, range(200), threads=threads)
        assert set(range(40)) <= set(done)


def test_an_error_that_comes_first_in_time_yields_to_one_before_it() -> None:
    later_failed = threading.Event()

    def work(n: int) -> None:
        if n == 0:
            assert later_failed.wait(30)
            raise KeyError("first in order")
        later_failed.set()
        raise ValueError("first in time")

    with pytest.raises(KeyError, match="first in order"):
        run_in_order(work, range(2), threads=2)


def test_an_error_stops_what_stands_after_it_and_nothing_before_it() -> None:
    both, stopped, before = threading.Barrier(3), [], []

    def work(n: int) -> None:
        both.wait(30)
        if n == 1:
            raise ValueError
        if n == 0:
            for _ in range(1000):
                raise_if_stopped()
            before.append(n)
            return
        try:
            while True:
                raise_if_stopped()
        except Stopped:
            stopped.append(n)
            raise

    with pytest.raises(ValueError):
        run_in_order(work, range(3), threads=3)
    assert (before, stopped) == ([0], [2])


@pytest.mark.parametrize("threads", COUNTS)
def test_progress_ascends_to_the_whole_on_the_calling_thread(threads: int) -> None:
    seen: list[tuple[int, int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total, threading.get_ident()))

    run_in_order(lambda n: n, range(50), threads=threads, progress=progress)
    assert [total for _, total, _ in seen] == [50] * len(seen)
    counts = [done for done, _, _ in seen]
    assert counts == sorted(set(counts))
    assert counts[-1] == 50
    assert {who for _, _, who in seen} == {threading.get_ident()}


def test_progress_may_stop_the_work() -> None:
    def progress(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run_in_order(lambda n: raise_if_stopped(), range(1000), threads=4, progress=progress)


def test_an_iterator_that_is_left_stops_the_rest() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        while n > 1:
            raise_if_stopped()
        return n

    with Threads(2) as pool:
        with closing(pool.iterate(work, range(1000))) as results:
            assert next(results) == 0
        assert pool.submit(len, "pool goes on").result() == 12
    assert len(begun) < 10


def test_outside_a_pool_nothing_is_stopped() -> None:
    raise_if_stopped()
    with Threads(1) as pool:
        pool.submit(raise_if_stopped).result()


def test_a_pool_left_with_an_error_drops_what_waits() -> None:
    first, done = threading.Event(), []

    def work(n: int) -> None:
        first.set()
        while True:
            raise_if_stopped()

    with pytest.raises(ValueError), Threads(1) as pool:
        futures = [pool.submit(work, n) for n in range(5)]
        assert first.wait(30)
        raise ValueError
    assert done == []
    assert isinstance(futures[0].exception(), Stopped)
    assert all(future.cancelled() for future in futures[1:])


def test_cores_are_as_asked_or_all_or_one_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ONE_THREAD, raising=False)
    assert (cores(7), cores(0), cores(-3)) == (7, 1, 1)
    assert cores() >= 1
    monkeypatch.setenv(ONE_THREAD, "1")
    assert (cores(), cores(3)) == (1, 3)


INTERRUPTED = """
import os
from quantlaxmi.parallel.threads import raise_if_stopped, run_in_order

def work(n):
    os.write(1, b"begun\\n")
    while True:
        raise_if_stopped()

try:
    run_in_order(work, range(8), threads=2)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_ends_the_work() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert [child.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=60)
    assert (rest, child.returncode) == ("interrupted\n", 0)
