"""Many short pieces of work on several threads, each of which takes the next one itself.

A piece of a millisecond costs less so than as a future: nobody is woken between two of them, and
the interpreter's lock is held for the work alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from quantlaxmi.parallel.cores import cores
from quantlaxmi.parallel.threads import iterate_in_order, raise_if_stopped

__all__ = ["pull"]

Result = TypeVar("Result")


def pull(
    work: Callable[[int], Result], count: int, *, threads: int | None = None
) -> tuple[list[Result], Exception | None]:
    """Do pieces 0 to `count` - 1, up to the first that fails.

    Parameters
    ----------
    work : callable
        Called with the number of a piece. Pieces are begun in their order.
    count : int
    threads : int, optional
        As many as there are processors by default. With 1 the calling thread does the work.

    Returns
    -------
    results : list
        Of the pieces before the first that failed: the same on any number of threads, because
        every piece before it is finished.
    error : Exception or None
        That of the first piece that failed.

    Raises
    ------
    BaseException
        An interrupt, when the threads have heard of it.

    Examples
    --------
    >>> pull(lambda k: 6 // (3 - k), 5, threads=2)
    ([2, 3, 6], ZeroDivisionError('integer division or modulo by zero'))
    """
    made: dict[int, Result] = {}
    failed: dict[int, Exception] = {}
    numbers = itertools.count()  # taking the next one is atomic
    end = [count]

    def take(_worker: int) -> None:
        for number in numbers:
            if number >= end[0]:  # all pieces before it were begun
                return
            raise_if_stopped()
            try:
                made[number] = work(number)
            except Exception as error:
                failed[number] = error
                end[0] = min(end[0], number)
                return

    workers = range(min(cores(threads), count))
    with closing(iterate_in_order(take, workers, threads=threads)) as ended:
        for _ in ended:
            pass
    first = min(failed, default=count)
    return [made[number] for number in range(first)], failed.get(first)
