"""In a Dask worker: a chunk of tasks, done by the same watched process as on one machine.

A task that holds Python's lock would block the Dask worker for good, and its heartbeat with it. So
each thread of it has a `WorkQueue` of one process, which stays for the next chunk.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from quantlaxmi.batch.plan import ENGINE_VERSION
from quantlaxmi.batch.worker import do_packed
from quantlaxmi.errors import WorkerError
from quantlaxmi.parallel.work_queue import Limits, WorkQueue

__all__ = ["do_chunk"]

#: Queues of this process that nobody uses now, each with a process.
_IDLE: Final[list[WorkQueue[int]]] = []
_LOCK: Final = threading.Lock()


def do_chunk(version: str, packed: Sequence[bytes], limits: Limits, first: bytes) -> list[Any]:
    """Do tasks one after another.

    Parameters
    ----------
    version : str
        Of the sweep's package and engine.
    packed : sequence of bytes
    limits : Limits
    first : bytes
        As in `WorkQueue`; what a new process makes before its first task.

    Returns
    -------
    list
        An `Outcome` or an `Ended` for each; None for those that were not done, because nobody
        waits for them any more.

    Raises
    ------
    WorkerError
        This worker has another version.
    """
    if version != ENGINE_VERSION:
        raise WorkerError(f"the Dask worker has quantlaxmi {ENGINE_VERSION}, expected {version}")
    _allow_processes()
    queue = _borrowed(first)
    answers: list[Any] = [None] * len(packed)
    waiting = iter(range(len(packed)))

    def answered(index: int, answer: Any) -> None:
        answers[index] = answer

    queue.limits, queue.packed, queue.answered = limits, packed.__getitem__, answered
    queue.take = lambda _last: next(waiting, None)
    queue.beat = _asked_to_stop()
    try:
        queue.run()
    except BaseException:
        queue.close()
        raise
    with _LOCK:
        _IDLE.append(queue)
    return answers


def _borrowed(first: bytes) -> WorkQueue[int]:
    with _LOCK:
        if _IDLE:
            return _IDLE.pop()
    return WorkQueue(
        work=do_packed,
        workers=1,
        limits=Limits(),
        take=lambda _last: None,
        packed=lambda _item: b"",
        answered=lambda _item, _answer: None,
        first=first,
        kept=True,
    )


def _allow_processes() -> None:
    """Let this process have children: a Dask worker with a nanny is a daemon of multiprocessing.

    The flag is there so that no child outlives it; ours end when their parent does.
    """
    current: Any = multiprocessing.current_process()
    current._config["daemon"] = False


def _asked_to_stop() -> Callable[[], float | None]:
    """Whether somebody still waits for the task that this thread does."""
    import distributed

    worker: Any = distributed.get_worker()
    key = worker.get_current_task()

    def beat() -> float | None:
        state = worker.state.tasks.get(key)
        return 0.0 if state is None or state.state != "executing" else None

    return beat
