"""Items given out to processes one at a time, each process watched for time, memory and death.

An item can hang in C with Python's lock held, eat memory, or end its process with any exit code,
zero among them. Only another process can tell, so the caller's does: it closes no pipe it still
needs, kills what is over its deadline, and starts a process anew where one ended.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Final, Generic, Literal, TypeVar

from quantlaxmi.errors import WorkerError
from quantlaxmi.parallel.processes import (
    UNGUARDED,
    Worker,
    death_of,
    end_workers,
    start_worker,
)
from quantlaxmi.system.memory import resident_bytes

__all__ = ["Ended", "Limits", "Slot", "WorkQueue"]

Item = TypeVar("Item")
#: Longest wait for an answer: interrupts, memory and the caller's own clock are looked at then.
_BEAT_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """What an item, and a process, may take.

    Attributes
    ----------
    seconds : float or None
        Of an item, by the caller's clock.
    memory : int or None
        Bytes that a process may grow by while it does an item.
    items : int
        A process is replaced after so many.
    growth : int
        And after its memory has grown by so many bytes since its first item.
    """

    seconds: float | None = None
    memory: int | None = None
    items: int = 200
    growth: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """Why an item has no answer.

    Attributes
    ----------
    status : {"timeout", "memory", "crashed"}
    reason : str
    """

    status: Literal["timeout", "memory", "crashed"]
    reason: str


@dataclass(slots=True)
class Slot(Generic[Item]):
    """Place of one process: what it does now and what it did last.

    Attributes
    ----------
    worker : Worker or None
    item : Item or None
        Under way.
    last : Item or None
        The one before: items that share something with it are cheaper here.
    packed : bytes
        The item as it waits for a process that loads its modules; else empty.
    begun : float
        When the item was begun, by a clock that only ascends; infinite while it waits.
    done : int
        Items of this process.
    base : int
        Bytes of its memory before its first item.
    """

    worker: Worker | None = None
    item: Item | None = None
    last: Item | None = None
    packed: bytes = b""
    begun: float = math.inf
    done: int = 0
    base: int = 0


@dataclass
class WorkQueue(Generic[Item]):
    """Gives items to processes and hands their answers on.

    Attributes
    ----------
    work : callable
        Called in a process with what `packed` gives; it raises nothing.
    workers : int
    limits : Limits
    take : callable
        ``take(last)`` is the next item for a process whose last one was `last`; None where none
        waits.
    packed : callable
        Bytes that are sent for an item. A new process is first sent none at all, so that what it
        loads is not the time and memory of an item; what it answers to that is passed over.
    answered : callable
        ``answered(item, answer)``, with an `Ended` where there is no answer.
    beat : callable
        Called at least every quarter of a second. It returns how long the items under way may
        still take once nothing new is begun, in seconds; None to go on.
    first : bytes
        Sent to the first process in place of no bytes; the others are begun when it has answered.
        What it makes for all of them, such as a cache, is made once.
    kept : bool
        Processes that are idle at the end of `run` stay for the next one, until `close`.
    """

    work: Callable[[bytes], Any]
    workers: int
    limits: Limits
    take: Callable[[Item | None], Item | None]
    packed: Callable[[Item], bytes]
    answered: Callable[[Item, Any], None]
    beat: Callable[[], float | None] = lambda: None
    first: bytes = b""
    kept: bool = False
    slots: list[Slot[Item]] = field(default_factory=list)

    def run(self) -> None:
        """Do all items; returns when none waits or is under way, or time is up after `beat`.

        Raises
        ------
        WorkerError
            The caller's script starts processes while it is loaded.
        """
        if not self.slots:
            self.slots = [Slot() for _ in range(self.workers)]
        try:
            while True:
                left = self.beat()
                if left is None:
                    for slot in self.slots[: 1 if self.first else None]:
                        self._fill(slot)
                busy = [slot for slot in self.slots if slot.item is not None]
                if left is not None:  # what waits for its process is not begun any more
                    busy = [slot for slot in busy if not slot.packed]
                if not busy or (left is not None and left <= 0):
                    return
                for slot in self._heard(busy):
                    self._hear(slot)
                self._watch(slot for slot in busy if slot.item is not None)
        finally:
            self.close(idle=not self.kept)

    def close(self, *, idle: bool = True) -> None:
        """End the processes.

        Parameters
        ----------
        idle : bool
            Those too that have nothing to do.
        """
        ended = [slot for slot in self.slots if idle or slot.item is not None]
        try:
            end_workers([slot.worker for slot in ended if slot.worker is not None])
        finally:
            for slot in ended:
                slot.worker, slot.item, slot.packed = None, None, b""

    def _fill(self, slot: Slot[Item]) -> None:
        """Give an idle process its next item; one that ended while it was idle is replaced."""
        if slot.item is not None:
            return
        item = self.take(slot.last)
        if item is None:
            return
        slot.packed = self.packed(item)
        slot.item, slot.begun = item, math.inf
        if slot.worker is not None and not self._send(slot):
            self._end(slot)
        if slot.worker is None:
            slot.worker, slot.done = start_worker(self.work), 0
            with suppress(ConnectionError):  # its death is heard of as its answer
                slot.worker.pipe.send(self.first)

    @staticmethod
    def _send(slot: Slot[Item]) -> bool:
        """Send the item that waits; whether the process was there to take it."""
        assert slot.worker is not None
        try:
            slot.worker.pipe.send(slot.packed)
        except ConnectionError:
            return False
        slot.packed, slot.begun = b"", time.monotonic()
        return True

    def _heard(self, busy: Sequence[Slot[Item]]) -> list[Slot[Item]]:
        """Slots whose process answered or ended; waits a beat at most."""
        pipes = {slot.worker.pipe: slot for slot in busy if slot.worker is not None}
        seconds = _BEAT_S
        if self.limits.seconds is not None:
            first = min(slot.begun for slot in busy) + self.limits.seconds  # may be infinite
            seconds = min(max(first - time.monotonic(), 0.0), seconds)
        return [pipes[one] for one in wait(list(pipes), seconds)]  # type: ignore[index]

    def _hear(self, slot: Slot[Item]) -> None:
        worker, item = slot.worker, slot.item
        assert worker is not None and item is not None
        self.first = b""  # it has made what is made once, or it died of that
        try:
            error, answer = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            death = death_of(worker)
            if worker.process.exitcode == UNGUARDED:  # no item's fault, and each would have it
                raise death from None
            self._free(slot, Ended("crashed", str(death)), replace=True)
            return
        if slot.packed:  # it has loaded what it needs
            slot.base = resident_bytes(worker.process.pid or 0)
            if not self._send(slot):
                self._free(slot, Ended("crashed", str(death_of(worker))), replace=True)
            return
        if error is not None:
            answer = Ended("crashed", str(error) if isinstance(error, WorkerError) else repr(error))
        slot.done += 1
        grown = resident_bytes(worker.process.pid or 0) - slot.base > self.limits.growth
        self._free(slot, answer, replace=grown or slot.done >= self.limits.items)

    def _watch(self, busy: Iterable[Slot[Item]]) -> None:
        """End processes whose item takes too long or too much."""
        now, limits = time.monotonic(), self.limits
        for slot in busy:
            if slot.packed or slot.worker is None:
                continue
            if limits.seconds is not None and now - slot.begun >= limits.seconds:
                text = f"took over {limits.seconds:g} s"
                self._free(slot, Ended("timeout", text), replace=True)
            elif limits.memory is not None:
                size = resident_bytes(slot.worker.process.pid or 0)
                if size - slot.base > limits.memory:
                    text = f"took over {limits.memory >> 20} MB"
                    self._free(slot, Ended("memory", text), replace=True)

    def _free(self, slot: Slot[Item], answer: Any, *, replace: bool) -> None:
        item = slot.item
        assert item is not None
        slot.item, slot.last, slot.packed = None, item, b""
        if replace:
            self._end(slot)
        self.answered(item, answer)

    @staticmethod
    def _end(slot: Slot[Item]) -> None:
        if slot.worker is not None:
            with suppress(OSError):
                end_workers([slot.worker])
        slot.worker = None
