"""Pieces that threads take themselves give what a plain loop gives, up to the first that fails."""

from __future__ import annotations

import threading
import time

import pytest

from quantlaxmi.parallel.pull import pull


def plain(work, count):
    made = []
    for number in range(count):
        try:
            made.append(work(number))
        except Exception as error:
            return made, error
    return made, None


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_results_are_in_order(threads, count):
    assert pull(lambda k: k * k, count, threads=threads) == plain(lambda k: k * k, count)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_all_before_the_first_failure_are_finished(threads):
    def work(number):
        if number in (20, 21, 23):
            raise ValueError(str(number))
        if number == 19:
            time.sleep(0.02)  # 20 fails while 19 is under way
        return number

    made, error = pull(work, 50, threads=threads)
    expected, first = plain(work, 50)
    assert made == expected == list(range(20))
    assert (type(error), str(error)) == (type(first), str(first)) == (ValueError, "20")


def test_every_thread_takes_the_next_piece():
    both = threading.Barrier(2, timeout=30)
    seen = set()

    def work(number):
        if number < 2:
            both.wait()  # only two threads together get past it
        seen.add(threading.get_ident())
        return number

    assert pull(work, 20, threads=2) == (list(range(20)), None)
    assert len(seen) == 2


def test_what_is_no_exception_ends_all():
    def work(number):
        if number == 3:
            raise KeyboardInterrupt
        return number

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            pull(work, 10**9, threads=threads)
