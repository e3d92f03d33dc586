"""What a worker process is given, and which of it comes next."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantlaxmi.batch.plan import Plan, WorkItem
from quantlaxmi.batch.records import Drawn
from quantlaxmi.batch.segment_cache import DEFAULT_BYTES
from quantlaxmi.errors import StrategyError
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.run.config import RunConfig
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["Task", "TaskQueue", "packed_task", "task_of"]


@dataclass(frozen=True, slots=True)
class Task:
    """An item to do, or draws of it to make.

    Attributes
    ----------
    folder : Path
        The catalog's.
    key : str
    inputs : dict
    segment : Path
    digest : str
        Of the segment.
    strategy : type of Strategy
    grid, config
        As in `WorkItem`.
    run, policy, gates
        As in `Plan`.
    memory : int or None
        Bytes that the item may take.
    trials : bool
        Whether a ledger keeps what is tried.
    draws : int
        Draws of each kind that shall count for the family; 0 to do the item itself.
    length : int
        Most draws that the family can want.
    drawn : Drawn or None
        Draws that were made before.
    manifest : str
        SHA-256 of the segment's manifest.
    store : str
        Folder or URL that the segment is fetched from; empty to open its own folder.
    cache_size : int
        Most bytes of the machine's cache of fetched segments.
    conversion : Conversion or None
        As in `WorkItem`.
    """

    folder: Path
    key: str
    inputs: dict[str, Any]
    segment: Path
    digest: str
    strategy: type[Strategy]
    grid: Grid | None
    config: StrategyConfig | None
    run: RunConfig
    policy: GatePolicy
    gates: tuple[str, ...]
    memory: int | None = None
    trials: bool = False
    draws: int = 0
    length: int = 0
    drawn: Drawn | None = None
    manifest: str = ""
    store: str = ""
    cache_size: int = DEFAULT_BYTES
    conversion: Conversion | None = None


def task_of(item: WorkItem, plan: Plan, folder: Path, memory: int | None = None) -> Task:
    """The task of doing an item."""
    return Task(
        folder=folder,
        key=item.key,
        inputs=item.inputs,
        segment=item.segment.absolute(),
        digest=item.planned.segment_digest,
        strategy=item.strategy,
        grid=item.grid,
        config=item.config,
        run=plan.run,
        policy=plan.policy,
        gates=plan.gates,
        memory=memory,
        manifest=item.manifest,
        conversion=item.conversion,
    )


class TaskQueue:
    """Tasks that wait: those of one segment go to one process in a row.

    Parameters
    ----------
    tasks : iterable of Task
        The longest segment first.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._groups: dict[str, deque[Task]] = {}
        self._begun: set[str] = set()
        self._n = 0
        for task in tasks:
            self.put(task)

    def __len__(self) -> int:
        return self._n

    def put(self, task: Task) -> None:
        """Add a task, as the last of its segment."""
        self._groups.setdefault(task.digest, deque()).append(task)
        self._n += 1

    def take(self, last: Task | None) -> Task | None:
        """The next task for a process: of the segment it has open, else of one nobody has begun.

        Where all are begun, one of the segment with most tasks left.
        """
        if not self._n:
            return None
        if last is not None and last.digest in self._groups:
            digest = last.digest
        else:
            fresh = (one for one in self._groups if one not in self._begun)
            most = max(self._groups, key=lambda one: len(self._groups[one]))
            digest = next(fresh, most)
        self._begun.add(digest)
        group = self._groups[digest]
        task = group.popleft()
        self._n -= 1
        if not group:
            del self._groups[digest]
        return task


def packed_task(task: Task) -> bytes:
    """A task as a process gets it.

    Raises
    ------
    StrategyError
        The strategy is not one that another process can find.
    """
    try:
        return pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise StrategyError(
            f"strategy {task.strategy.strategy_id!r} cannot be sent to a worker process: "
            f"{' '.join(str(error).split())}; define its class at the top of a file"
        ) from None
