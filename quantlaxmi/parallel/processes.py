"""Work in several processes, with results in the order of the input.

Processes help work that is Python, which threads would take in turns. They are spawned, so that
they share nothing with the caller, and each has one thread: Numba and BLAS start no more.

Whatever ends the caller's work ends the processes: an error, Ctrl-C (which the caller alone
answers), SIGTERM where the caller turns it into an exception, and the caller's own sudden death. A
process that dies is an error of one line.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, TypeVar

from quantlaxmi.errors import WorkerError
from quantlaxmi.parallel.cores import ONE_THREAD, cores
from quantlaxmi.parallel.threads import Progress
from quantlaxmi.system.processes import die_with_pipe, interrupts_later
from quantlaxmi.system.signals import KILLED

__all__ = ["UNGUARDED", "Worker", "death_of", "end_workers", "run_in_processes", "start_worker"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: What the libraries read, when they are loaded, for the number of their threads.
PINNED: Final = dict.fromkeys(
    (
        ONE_THREAD,
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
    ),
    "1",
)
#: Exit code of a process whose script would start processes while it is loaded.
UNGUARDED: Final = 79
#: Seconds that a process has to end by SIGTERM before it is killed.
_GRACE: Final = 2.0


def run_in_processes(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    processes: int | None = None,
    progress: Progress | None = None,
    finished: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Do the same with every item, in several processes; results in the order of the items.

    Parameters
    ----------
    work : callable
        Called with one item. It is sent to the processes, as items and results are: it can be
        pickled, so it is a function at the top of a module, or a `functools.partial` of one.
    items : iterable
        Begun in this order, and none after one that failed.
    processes : int, optional
        As many as there are processors by default. With 1 the caller's process does the work.
    progress : callable, optional
        Called with items done and items in all.
    finished : callable, optional
        Called with the index and the result of every item as soon as it is done, in no order: a
        checkpoint keeps it.

    Returns
    -------
    list
        One result for each item.

    Raises
    ------
    WorkerError
        A process died, as it does when the system has no memory left.
    BaseException
        The error of the first item, in their order, that failed: the same in any number of
        processes. The other items are ended.
    """
    given = list(items)
    count = min(cores(processes), len(given))
    results: dict[int, Result] = {}
    done = _alone(work, given) if count <= 1 else _side_by_side(work, given, count)
    with closing(done):
        for index, result in done:
            results[index] = result
            if finished is not None:
                finished(index, result)
            if progress is not None:
                progress(len(results), len(given))
    return [results[index] for index in range(len(given))]


def _alone(
    work: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[tuple[int, Result], None, None]:
    return ((index, work(item)) for index, item in enumerate(items))


@dataclass(slots=True)
class Worker:
    """A process, the caller's end of its pipe, and the item it is at work on."""

    process: SpawnProcess
    pipe: Connection
    index: int | None = None


def _side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], count: int
) -> Generator[tuple[int, Result], None, None]:
    """Index and result of items as they are done; the error of the first that failed."""
    workers: list[Worker] = []
    waiting = iter(range(len(items)))
    failed: tuple[int, BaseException] | None = None
    try:
        for _ in range(count):
            workers.append(start_worker(work))
        busy = [one for one in workers if _give(one, items, waiting)]
        while busy:
            for worker in _heard(busy):
                index = worker.index
                assert index is not None
                error, result = _answer(worker)
                if error is None:
                    yield index, result
                elif failed is None or index < failed[0]:
                    failed = index, error
                    waiting = iter(())
                if not _give(worker, items, waiting):
                    busy.remove(worker)
            if failed is not None:  # only items before the failed one matter any more
                first = failed[0]
                busy = [one for one in busy if one.index is not None and one.index < first]
        if failed is not None:
            raise failed[1]
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.process.join(_GRACE)
    finally:
        end_workers(workers)


def start_worker(work: Callable[[Any], Any]) -> Worker:
    """Start a process that answers what is sent to it, until its pipe is closed.

    A process loads the script that started it. One that calls for processes without a guard does it
    there too: such a process ends at once, and `death_of` says what is missing.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    # Until `_serve` runs a worker would die of Ctrl-C with a traceback.
    with _pinned(), interrupts_later():
        process.start()
    theirs.close()
    return Worker(process, ours)


def _give(worker: Worker, items: Sequence[Any], waiting: Iterator[int]) -> bool:
    """Send the next item that waits; False where none does."""
    worker.index = next(waiting, None)
    if worker.index is None:
        return False
    try:
        worker.pipe.send(items[worker.index])
    except ConnectionError:
        raise death_of(worker) from None
    return True


def _heard(busy: Sequence[Worker]) -> list[Worker]:
    """Workers that answered or died; waits until there is one."""
    heard = wait([one.pipe for one in busy])
    return [one for one in busy if one.pipe in heard]


def _answer(worker: Worker) -> tuple[BaseException | None, Any]:
    try:
        error, result = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        raise death_of(worker) from None
    return error, result


def death_of(worker: Worker) -> WorkerError:
    """The error that says how a process ended, once its pipe is."""
    worker.process.join(_GRACE)
    code = worker.process.exitcode
    if code == UNGUARDED:
        return WorkerError(
            "worker processes load the script that starts them, expected its call to stand under "
            "if __name__ == '__main__':"
        )
    if code is None:
        how = "closed its pipe"
    elif code >= 0:
        how = f"ended with exit code {code}"
    else:
        how = f"was ended by {signal.Signals(-code).name}"
    hint = "; the system may have had no memory left" if code == -KILLED else ""
    return WorkerError(f"a worker process {how}, expected its result{hint}")


def end_workers(workers: Sequence[Worker]) -> None:
    """End the processes now: an item can be minutes long, and one begun is of no use."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_GRACE)
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()
        worker.process.close()


@contextmanager
def _pinned() -> Iterator[None]:
    """The environment in which a worker starts."""
    before = {name: os.environ.get(name) for name in PINNED}
    os.environ.update(PINNED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)  # two threads may start workers at once
            else:
                os.environ[name] = value


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """In a worker: answer every item with its error or its result until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_pipe(_of_the_caller())  # here, since an item may let no thread begin
    threading.Thread(target=_follow_the_caller, daemon=True).start()
    for number in itertools.count():
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        if number == 1:
            # What the first item imported and kept stays; looking through it again and again took
            # a twentieth of small items' time.
            gc.collect()
            gc.freeze()
        answer: tuple[BaseException | None, Any]
        try:
            answer = None, work(item)
        except Exception as error:
            answer = _sendable(error), None
        try:
            pipe.send(answer)
        except ConnectionError:  # the caller is no more
            return
        except Exception as error:  # of pickling: nothing was sent
            said = f"the result of {work} cannot be sent to the caller: {error}"
            pipe.send((WorkerError(said), None))


def _of_the_caller() -> int:
    """A pipe that is closed when the process that started this one is no more."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    return parent.sentinel


def _follow_the_caller() -> None:
    """End this process when the one that started it is no more, where the system has not."""
    wait([_of_the_caller()])
    os._exit(1)


def _sendable(error: Exception) -> BaseException:
    """The error itself where it arrives as it was, else its name and text."""
    try:
        again = pickle.loads(pickle.dumps(error))
        if type(again) is type(error) and str(again) == str(error):
            return error
    except Exception:  # whatever a class of errors does when it is made again
        pass
    return WorkerError(f"{type(error).__name__}: {error}")
