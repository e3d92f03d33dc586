"""How a sweep is done, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from quantlaxmi.batch.store import Store
from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.given import whole
from quantlaxmi.parallel.work_queue import Limits
from quantlaxmi.system.memory import is_watched

__all__ = ["Cluster", "Log", "Progress", "SweepOptions", "SweepState"]

_LEAST_MEMORY: Final = 64 << 20
Progress = Callable[["SweepState"], None]
Log = Callable[[dict[str, Any]], None]


class Cluster(Protocol):
    """What does tasks in place of processes of this machine."""

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
        """Do all tasks; as `WorkQueue.run`."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """How a sweep is done; its results do not depend on it.

    Attributes
    ----------
    workers : int or None
        Processes; as many as processors by default.
    item_seconds : float or None
        Longest time of an item.
    item_memory : int or None
        Most bytes that an item may take.
    retry_failed : bool
        Try items again that failed before.
    max_draws : int or None
        Most draws of each kind for the family; as many as it takes by default.
    progress : callable or None
        Called with the state after every item.
    log : callable or None
        Called with a dict for every event.
    cluster : Cluster or None
        What does the items; processes of this machine by default.
    store : Store or None
        Workers fetch segments from there; they open the folders by default.
    cache_size : int or None
        Most bytes of a machine's cache of what they fetched.

    Raises
    ------
    ConfigError
        A limit is below a second or 64 MB, there is no worker, workers are named as well as a
        cluster, or a size of a cache without a store.
    """

    workers: int | None = None
    item_seconds: float | None = None
    item_memory: int | None = None
    retry_failed: bool = False
    max_draws: int | None = None
    progress: Progress | None = None
    log: Log | None = None
    cluster: Cluster | None = None
    store: Store | None = None
    cache_size: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and not 1 <= (whole(self.workers) or 0) <= 1024:
            raise ConfigError("--workers", f"was {shown(self.workers)}, expected 1 to 1024")
        if self.workers is not None and self.cluster is not None:
            raise ConfigError("--workers", "is given with --scheduler, expected one of them")
        if self.item_seconds is not None and not 1 <= self.item_seconds <= 10**7:
            raise ConfigError("--item-seconds", f"was {self.item_seconds}, expected at least 1")
        if self.item_memory is not None and self.item_memory < _LEAST_MEMORY:
            raise ConfigError("--item-memory", f"was {self.item_memory}, expected at least 64 MB")
        if self.cache_size is not None and self.store is None:
            raise ConfigError("--cache-size", "is given without --store, expected both")
        if self.cache_size is not None and self.cache_size < _LEAST_MEMORY:
            raise ConfigError("--cache-size", f"was {self.cache_size}, expected at least 64 MB")
        if self.item_memory is not None and not is_watched():
            problem = "cannot be kept to: this system does not tell what memory a process has"
            raise ConfigError("--item-memory", problem)

    def limits(self, times: float = 1.0) -> Limits:
        """What a process may take; of a task that is so many times an item.

        Parameters
        ----------
        times : float
            Of its seconds; at least 1.
        """
        growth = Limits().growth
        if self.item_memory is not None:
            growth = min(growth, self.item_memory // 2)
        seconds = None if self.item_seconds is None else self.item_seconds * max(times, 1.0)
        return Limits(seconds, self.item_memory, growth=growth)


@dataclass(slots=True)
class SweepState:
    """How far a sweep is.

    Attributes
    ----------
    items, known, done, failed : int
        Planned; finished by an earlier sweep; and what became of the others until now.
    seconds : float
        Since the first item was begun.
    interrupted : bool
    """

    items: int = 0
    known: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def left(self) -> int:
        """Items that are not finished yet."""
        return self.items - self.known - self.done - self.failed
