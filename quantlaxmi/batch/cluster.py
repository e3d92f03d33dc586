"""Tasks given to the workers of a Dask scheduler, in place of processes of this machine.

Dask moves chunks of tasks and their answers. Everything else is as on one machine: each worker has
the same watched process, and the sweep's main process alone writes the journal and counts attempts.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from quantlaxmi.batch.cluster_worker import do_chunk
from quantlaxmi.batch.plan import ENGINE_VERSION
from quantlaxmi.errors import ConfigError, QuantlaxmiError, WorkerError
from quantlaxmi.parallel.work_queue import Ended, Limits

__all__ = ["DaskCluster"]

#: Seconds to wait for the scheduler, and for its first worker.
CONNECT_S: Final = 30.0
#: Seconds that a chunk shall take at least, so that moving it costs little; and its most tasks.
_CHUNK_S: Final = 1.0
_MOST_TASKS: Final = 64
_BEAT_S: Final = 0.25
#: Seconds between two looks at which workers there are.
_LOOK_S: Final = 1.0


@dataclass(slots=True)
class _Place:
    """One thread of a Dask worker, and what it does."""

    address: str
    last: Any = None
    items: list[Any] = field(default_factory=list)
    future: Any = None
    begun: float = 0.0


class DaskCluster:
    """The workers of a Dask scheduler, as a sweep uses them; a context manager.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    ConfigError
        The extra `cluster` is not installed, or no scheduler answered within 30 seconds.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise ConfigError(
                "--scheduler", "needs the extra cluster: pip install 'quantlaxmi[cluster]'"
            ) from None
        self._address = address
        try:
            made: Any = distributed.Client
            self._client = made(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            said = " ".join(str(error).split())[:200]
            raise ConfigError(
                "--scheduler", f"was {address}: no scheduler within {CONNECT_S:g} s ({said})"
            ) from None
        self._places: list[_Place] = []
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._mean_s = 0.0
        self._looked = self._seen = -math.inf
        self._alone: set[int] = set()
        self._held: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(
        self,
        *,
        take: Callable[[Any], Any],
        packed: Callable[[Any], bytes],
        answered: Callable[[Any, Any], None],
        beat: Callable[[], float | None],
        limits: Limits,
        first: bytes,
    ) -> None:
        """Do all tasks; as `WorkQueue.run`.

        Raises
        ------
        WorkerError
            The scheduler is gone, has no worker for 30 seconds, or a worker another version.
        """
        self._seen = time.monotonic()
        self._alone, self._held = set(), []
        self._mean_s = (
            0.0  # draws take longer than items: of some chunks of them one would have all
        )
        try:
            while True:
                left = beat()
                self._look(answered)
                if left is None:
                    for place in self._places:
                        if place.future is None:
                            self._give(place, take, packed, limits, first)
                busy = [place for place in self._places if place.future is not None]
                if left is not None and left <= 0:
                    return
                # Without a worker nothing was taken: that is no end.
                if not busy and (self._places or left is not None):
                    return
                self._hear(answered)
        finally:
            self._cancel(place for place in self._places if place.future is not None)
            for place in self._places:
                place.future, place.items = None, []

    def _look(self, answered: Callable[[Any, Any], None]) -> None:
        """Which workers there are; what one did that is gone is begun elsewhere."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        try:
            if self._client.status != "running":
                raise OSError("it closed the connection")
            threads: dict[str, int] = self._client.nthreads()
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise WorkerError(f"the scheduler {self._address} is gone: {said}") from None
        kept: list[_Place] = []
        for place in self._places:
            if threads.get(place.address, 0) > 0:
                threads[place.address] -= 1
                kept.append(place)
            elif place.future is not None:
                self._cancel([place])
                lost = f"the Dask worker {place.address} is gone, expected its result"
                self._answer(place, [Ended("crashed", lost)] * len(place.items), answered)
        kept += [_Place(address) for address, n in threads.items() for _ in range(n)]
        self._places = kept
        if kept:
            self._seen = now
        elif now - self._seen > CONNECT_S:
            raise WorkerError(
                f"the scheduler {self._address} has no worker, expected one within {CONNECT_S:g} s"
            )

    def _give(
        self,
        place: _Place,
        take: Callable[[Any], Any],
        packed: Callable[[Any], bytes],
        limits: Limits,
        first: bytes,
    ) -> None:
        """Give a worker its next chunk; a task that died with a worker before goes alone."""
        most = 1
        if self._mean_s:
            most = min(_MOST_TASKS, math.ceil(_CHUNK_S / self._mean_s))
        items: list[Any] = []
        while len(items) < most:
            item = self._held.pop() if self._held else take(place.last)
            if item is None:
                break
            if id(item) in self._alone:
                if items:
                    self._held.append(item)
                    break
                most = 1
            items.append(item)
            place.last = item
        if not items:
            return
        # A worker that dies shall not take others with it: no other one is asked by Dask.
        future = self._client.submit(
            do_chunk,
            ENGINE_VERSION,
            [packed(item) for item in items],
            limits,
            first,
            workers=[place.address],
            allow_other_workers=False,
            retries=0,
            pure=False,
        )
        place.items, place.future, place.begun = items, future, time.monotonic()
        future.add_done_callback(self._heard.put)

    def _hear(self, answered: Callable[[Any, Any], None]) -> None:
        """Take the answers of chunks that are done; waits a beat at most."""
        try:
            futures = [self._heard.get(timeout=_BEAT_S)]
        except queue.Empty:
            return
        while not self._heard.empty():
            futures.append(self._heard.get())
        for future in futures:
            place = next((one for one in self._places if one.future is future), None)
            if place is not None:  # of one that was cancelled nobody wants to know
                self._take(place, future, answered)

    def _take(self, place: _Place, future: Any, answered: Callable[[Any, Any], None]) -> None:
        if future.status == "finished":
            answers = future.result()
            spent = (time.monotonic() - place.begun) / len(place.items)
            self._mean_s = spent if not self._mean_s else 0.8 * self._mean_s + 0.2 * spent
        elif future.status == "error":
            error = future.exception()
            if isinstance(error, QuantlaxmiError):
                raise error
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            if isinstance(error, ImportError):
                raise WorkerError(f"the Dask worker {place.address} failed: {said}") from None
            answers = [Ended("crashed", f"the Dask worker {place.address} failed: {said}")]
            answers *= len(place.items)
        else:
            return  # cancelled: the scheduler is gone, and the next look says so
        self._answer(place, answers, answered)

    def _answer(
        self, place: _Place, answers: list[Any], answered: Callable[[Any, Any], None]
    ) -> None:
        """Hand on what became of the chunk of a worker, which is free then."""
        items, place.items, place.future = place.items, [], None
        for item, answer in zip(items, answers, strict=True):
            if answer is None:
                answer = Ended("crashed", f"the Dask worker {place.address} was stopped")
            if isinstance(answer, Ended) and answer.status == "crashed":
                self._alone.add(id(item))
            answered(item, answer)

    def _cancel(self, places: Iterable[_Place]) -> None:
        """Let Dask forget chunks; a worker that is at one ends its process."""
        futures = [place.future for place in places]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)
