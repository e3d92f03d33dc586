"""Which task comes next, where other sweeps work on the same catalog.

What another sweep has under way is put aside, and looked at again when nothing else is left.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.leases import Leases
from quantlaxmi.batch.records import Drawn, Finished
from quantlaxmi.batch.report_files import report_name
from quantlaxmi.batch.tasks import Task, TaskQueue

__all__ = ["SharedQueue"]


class SharedQueue:
    """A `TaskQueue` that leaves to other sweeps what they do.

    Parameters
    ----------
    tasks : iterable of Task
    catalog : Catalog
        Read up to now.
    leases : Leases
    settled : callable
        Called with a task that another sweep has done.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        catalog: Catalog,
        leases: Leases,
        settled: Callable[[Task], None],
    ) -> None:
        self._queue = TaskQueue(tasks)
        self._catalog, self._leases, self._settled = catalog, leases, settled
        self._aside: list[Task] = []
        self._before = {key: (row.finished, row.drawn) for key, row in catalog.rows.items()}

    def __len__(self) -> int:
        return len(self._queue) + len(self._aside)

    def put(self, task: Task) -> None:
        """Add a task that was begun before."""
        self._queue.put(task)

    def take(self, last: Task | None) -> Task | None:
        """The next task that nobody else has under way; None where there is none now."""
        while (task := self._queue.take(last)) is not None:
            if not self._leases.take(task.key):
                self._aside.append(task)
            elif self._is_done(task):
                self._leases.drop([task.key])
                self._settled(task)
            else:
                return task
        return None

    def look_again(self) -> None:
        """Put back what was put aside: it is done, or still under way, or nobody's any more."""
        self._catalog.refresh()
        waiting, self._aside = self._aside, []
        for task in waiting:
            if self._has_changed(task):
                self._settled(task)
            else:
                self._queue.put(task)

    def _is_done(self, task: Task) -> bool:
        """Whether another sweep has finished a task since this one began."""
        if not task.draws and not os.path.lexists(task.folder / report_name(task.key)):
            return False
        self._catalog.refresh()
        return self._has_changed(task)

    def _has_changed(self, task: Task) -> bool:
        row = self._catalog.rows.get(task.key)
        before: tuple[Finished | None, Drawn | None] = self._before.get(task.key, (None, None))
        if row is None:
            return False
        return row.drawn is not before[1] if task.draws else row.finished is not before[0]
