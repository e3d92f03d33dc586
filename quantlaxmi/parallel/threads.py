"""Work on several threads, with results in the order of the input.

Threads help work that releases the interpreter's lock: compiled kernels, hashing, disks. Python
hands signals to the main thread alone, which waits here for the others and hears of Ctrl-C at once.
Work that takes long asks `raise_if_stopped` now and then, so that it ends soon after.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from quantlaxmi._ext.signals import ask_in_threads
from quantlaxmi.parallel.cores import cores

__all__ = [
    "Progress",
    "Stopped",
    "Threads",
    "iterate_in_order",
    "raise_if_stopped",
    "run_in_order",
]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Called with the number of items done and of items in all.
Progress = Callable[[int, int], None]


class Stopped(BaseException):
    """Nobody waits for this work any more; it passes through ``except Exception``."""


class _Batch:
    """State shared by the items of one `Threads.iterate`.

    Attributes
    ----------
    failed : int
        The first item, in their order, that raised an error; the number of items where none has.
    """

    def __init__(self, size: int) -> None:
        self.failed = size
        self._lock = threading.Lock()

    def fail(self, index: int) -> None:
        with self._lock:
            self.failed = min(self.failed, index)


class _Place(threading.local):
    """The current item of the calling thread."""

    pool: Threads | None = None
    batch: _Batch | None = None
    index: int = 0


_place = _Place()


def raise_if_stopped() -> None:
    """Raise `Stopped` where the calling thread's work is of no use any more.

    That is so after an interrupt, and after an error in an item that stands before this one.
    Outside a pool's thread nothing happens. Loops over kernels call it between two chunks; it costs
    less than a microsecond.
    """
    pool, batch = _place.pool, _place.batch
    if pool is not None and (pool.stopping or (batch is not None and batch.failed < _place.index)):
        raise Stopped


ask_in_threads(raise_if_stopped)  # long compiled loops hear it too


class Threads:
    """A pool of threads that ends with its ``with`` block.

    Left with an error or an interrupt, the block drops what was not begun, and waits until what was
    begun has ended or asked `raise_if_stopped`.

    Parameters
    ----------
    count : int
        Threads at most; they start when there is work for them.
    """

    def __init__(self, count: int) -> None:
        self.stopping = False
        self.count = max(1, count)
        self._pool = ThreadPoolExecutor(self.count, initializer=self._begin)

    def _begin(self) -> None:
        _place.pool = self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.stopping = True
        self._pool.shutdown(cancel_futures=kind is not None)

    def submit(self, work: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Begin one piece of work; its error is raised where its result is asked for."""
        return self._pool.submit(work, *arguments)

    def iterate(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        progress: Progress | None = None,
    ) -> Generator[Result, None, None]:
        """Results of the items in their order, up to the first that failed; see `run_in_order`."""
        given = list(items)
        batch = _Batch(len(given))

        def one(index: int) -> Result | None:
            if batch.failed < index:
                return None
            _place.batch, _place.index = batch, index
            try:
                return work(given[index])
            except BaseException as error:
                if not isinstance(error, Stopped):
                    batch.fail(index)
                raise
            finally:
                _place.batch = None

        futures = deque(self._pool.submit(one, k) for k in range(len(given)))
        try:
            yield from _in_order(futures, progress)
        except BaseException:  # an error, an interrupt, or the iterator is closed before its end
            batch.fail(-1)
            for future in futures:
                future.cancel()
            wait(futures)
            raise


def _in_order(futures: deque[Future[Any]], progress: Progress | None) -> Iterator[Any]:
    """Take the futures off, in order, and yield their results; progress as they come in."""
    total, reported = len(futures), 0
    ended: list[None] = []  # one for each future that ended; appending needs no lock
    news: SimpleQueue[None] = SimpleQueue()

    def hear(_future: Future[Any]) -> None:
        ended.append(None)
        news.put(None)

    for future in futures:
        future.add_done_callback(hear)
    while futures:
        while not futures[0].done():
            news.get()
            if progress is not None and reported < len(ended) < total:
                reported = len(ended)
                progress(reported, total)
        yield futures.popleft().result()
    if progress is not None and total:
        progress(total, total)


def iterate_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Generator[Result, None, None]:
    """As `run_in_order`, with results one at a time as soon as their turn has come.

    Close it (`contextlib.closing`) where it may be left before its end; then the items that are not
    finished are stopped.
    """
    given = list(items)
    count = min(cores(threads), len(given))
    if count > 1:
        with Threads(count) as pool:
            yield from pool.iterate(work, given, progress)
        return
    for done, item in enumerate(given, 1):
        result = work(item)
        if progress is not None:
            progress(done, len(given))
        yield result


def run_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Do the same with every item, on several threads; results are in the order of the items.

    Parameters
    ----------
    work : callable
        Called with one item.
    items : iterable
        Begun in this order, and none after one that failed.
    threads : int, optional
        As many as there are processors by default. With 1 the calling thread does the work.
    progress : callable, optional
        Called on the calling thread with items done and items in all.

    Returns
    -------
    list
        One result for each item.

    Raises
    ------
    BaseException
        The error of the first item, in their order, that failed: the same on any number of
        threads, because every item before it is finished. An interrupt is raised when the threads
        have heard of it; see `raise_if_stopped`.
    """
    with closing(iterate_in_order(work, items, threads=threads, progress=progress)) as results:
        return list(results)
