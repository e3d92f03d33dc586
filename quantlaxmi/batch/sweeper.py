"""Do what was planned, in several processes, and keep what is done in a catalog.

Only this process writes the journal, and only after a report is durable. So whatever ends it, a
report that no line names is found again by its bytes, and nothing that a line names is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.compaction import Busy, compact
from quantlaxmi.batch.interrupts import Interrupts
from quantlaxmi.batch.journal import JournalWriter
from quantlaxmi.batch.leases import Leases
from quantlaxmi.batch.options import SweepOptions, SweepState
from quantlaxmi.batch.plan import Plan, WorkItem
from quantlaxmi.batch.records import DONE, Finished
from quantlaxmi.batch.shared_queue import SharedQueue
from quantlaxmi.batch.stages import length_to_fix, open_tasks, times_an_item
from quantlaxmi.batch.store import Store, put_segment
from quantlaxmi.batch.tasks import Task, packed_task, task_of
from quantlaxmi.batch.worker import Outcome, do_packed, kernels_message
from quantlaxmi.errors import QuantlaxmiError, SegmentCorrupt
from quantlaxmi.parallel.cores import cores
from quantlaxmi.parallel.work_queue import Ended, Limits, WorkQueue
from quantlaxmi.segment import open_segment
from quantlaxmi.trials.ledger import TrialLedger, current_ledger

__all__ = ["Sweep"]

#: Times that an item is begun whose process died.
MOST_ATTEMPTS: Final = 3
#: Seconds that items under way have after an interrupt.
LAST_SECONDS: Final = 10.0
#: Lines of its journal after which a sweep writes the Parquet view anew.
COMPACT_EACH: Final = 10_000
#: Seconds between two looks at what other sweeps have under way, where nothing else is left.
_LOOK_S: Final = 0.5


@dataclass
class Sweep:
    """A plan that is carried out in a catalog.

    Attributes
    ----------
    plan : Plan
    catalog : Catalog
        Read up to now.
    options : SweepOptions
    state : SweepState
    """

    plan: Plan
    catalog: Catalog
    options: SweepOptions = field(default_factory=SweepOptions)
    state: SweepState = field(default_factory=SweepState)

    def __post_init__(self) -> None:
        self.waiting = [item for item in self.plan.items if self._waits(item)]
        self.state.items = len(self.plan.items)
        self.state.known = self.state.items - len(self.waiting)
        self._attempts: dict[str, int] = {}
        self._passed_over: set[str] = set()
        self._fatal: QuantlaxmiError | None = None
        self._ledger: TrialLedger | None = None
        self._leases = Leases(self.catalog.folder)
        self._given_back: list[str] = []
        self._queue = SharedQueue((), self.catalog, self._leases, self._settled)
        self._compacted = 0
        self._writer: JournalWriter | None = None
        self._begun = time.monotonic()

    def _waits(self, item: WorkItem) -> bool:
        row = self.catalog.rows.get(item.key)
        if row is None or row.finished is None:
            return True
        return self.options.retry_failed and not row.is_done

    def predicted_cpu_s(self) -> float | None:
        """Processor time of what is to do, from the rows and timings of items that are done.

        Returns
        -------
        float or None
            None where the catalog has no item of these strategies.
        """
        rows: dict[str, list[float]] = {}
        for row in self.catalog.rows.values():
            if row.is_done and row.finished is not None:
                per = rows.setdefault(row.planned.strategy_id, [0.0, 0.0])
                per[0] += row.finished.timings.cpu_s
                per[1] += max(row.planned.rows, 1)
        if not self.waiting or any(i.planned.strategy_id not in rows for i in self.waiting):
            return None if self.waiting else 0.0
        return sum(
            rows[i.planned.strategy_id][0] / rows[i.planned.strategy_id][1] * i.planned.rows
            for i in self.waiting
        )

    def run(self) -> SweepState:
        """Do what waits.

        Returns
        -------
        SweepState

        Raises
        ------
        CatalogError
            The catalog cannot be written: a full disk, among others.
        NondeterminismError
            An item gave other bytes than before; both are kept.
        KeyboardInterrupt
            After an interrupt, when what was done has been written.
        """
        self.catalog.cut_torn()
        self._writer = self.catalog.writer()
        with ExitStack() as stack:
            stack.callback(self._writer.close)
            stack.callback(self._leases.close)
            interrupts = stack.enter_context(Interrupts())
            known = self.catalog.rows
            self._writer.add(i.planned for i in self.plan.items if i.key not in known)
            self._refuse()
            self._writer.flush()
            try:
                if not interrupts.asked:
                    self._work(interrupts)
                self._resolve(interrupts)
            finally:
                self._writer.flush()
            self.state.interrupted = interrupts.asked > 0
        self.catalog.refresh()
        if self._fatal is not None:
            raise self._fatal
        interrupts.answer()
        with suppress(Busy):  # whoever does it has these lines, or the next one will
            if self._writer.lines:  # draws alone change a row too
                compact(self.catalog, gates=False)
        return self.state

    def _refuse(self) -> None:
        for item in self.waiting:
            if item.refused:
                self._finish(item.key, Outcome("refused", "SegmentError", item.refused), 0)

    def _work(self, interrupts: Interrupts) -> None:
        options = self.options
        self._ledger = current_ledger()
        refused = self._fill_store(interrupts)
        tasks = (
            replace(
                task_of(item, self.plan, self.catalog.folder.absolute(), options.item_memory),
                trials=self._ledger is not None,
                **self._fetched,
            )
            for item in self.waiting
            if not item.refused and item.key not in refused
        )
        self._queue = self._shared(tasks)
        if not len(self._queue):
            return
        self._begun = time.monotonic()
        self._tell("begin", items=self.state.items, known=self.state.known)
        kernels = kernels_message(self.plan.policy, self.plan.gates)
        self._give_out(options.limits(), self._answered, interrupts, kernels)
        self._tell("end", **_counts(self.state))

    @property
    def _fetched(self) -> dict[str, Any]:
        """Where workers get segments from, as tasks say it."""
        store, size = self.options.store, self.options.cache_size
        if store is None:
            return {}
        return {"store": store.place} | ({} if size is None else {"cache_size": size})

    def _fill_store(self, interrupts: Interrupts) -> set[str]:
        """Put segments into the store that it lacks; keys of items whose segment was changed.

        Raises
        ------
        InputError
            The store cannot be read or written.
        """
        store, problems = self.options.store, dict[str, str]()
        if store is None:
            return set()
        refused = set()
        for item in self.waiting:
            if item.refused or interrupts.asked:
                continue
            if item.manifest not in problems:
                problems[item.manifest] = self._stored(store, item)
            if problem := problems[item.manifest]:
                self._finish(item.key, Outcome("refused", "SegmentCorrupt", problem), 0)
                refused.add(item.key)
        return refused

    def _stored(self, store: Store, item: WorkItem) -> str:
        """Put the segment of an item into a store that lacks it; why it cannot be, if so."""
        if store.has(item.manifest):
            return ""
        try:
            put_segment(store, open_segment(item.segment, verify="manifest"))
        except SegmentCorrupt as error:
            return " ".join(str(error).split())
        self._tell("stored", segment=item.planned.segment_id)
        return ""

    def _shared(self, tasks: Iterable[Task]) -> SharedQueue:
        return SharedQueue(tasks, self.catalog, self._leases, self._settled)

    def _give_out(
        self,
        limits: Limits,
        answered: Callable[[Task, Outcome | Ended], None],
        interrupts: Interrupts,
        kernels: bytes = b"",
        drawing: WorkQueue[Task] | None = None,
    ) -> None:
        workers = min(cores(self.options.workers), len(self._queue))
        common: dict[str, Any] = {
            "take": self._queue.take,
            "packed": packed_task,
            "answered": answered,
            "beat": lambda: self._beat(interrupts),
            "limits": limits,
        }
        while True:
            if self.options.cluster is not None:
                self.options.cluster.run(first=kernels, **common)
            elif drawing is not None:
                drawing.take, drawing.answered = common["take"], answered
                drawing.beat, drawing.limits = common["beat"], limits
                drawing.run()
            else:
                first = kernels if workers > 1 else b""
                WorkQueue(work=do_packed, workers=workers, first=first, **common).run()
            if not len(self._queue) or self._beat(interrupts) is not None:
                return
            kernels = b""
            time.sleep(_LOOK_S)  # what is left is under way in another sweep
            self._queue.look_again()

    def _settled(self, task: Task) -> None:
        """Another sweep on this catalog has done a task."""
        self._tell("by another", key=task.key)
        if not task.draws:
            self.state.known += 1
            self._show()

    def _resolve(self, interrupts: Interrupts) -> None:
        """Make further draws, stage by stage, of the items on which the discoveries depend."""
        drawing: WorkQueue[Task] = WorkQueue(  # its processes stay from stage to stage
            work=do_packed,
            workers=cores(self.options.workers),
            limits=Limits(),
            take=self._queue.take,
            packed=packed_task,
            answered=self._drew,
            kept=True,
        )
        try:
            self._draw(interrupts, drawing)
        finally:
            drawing.close()

    def _draw(self, interrupts: Interrupts, drawing: WorkQueue[Task]) -> None:
        assert self._writer is not None
        while self._fatal is None and not interrupts.asked:
            self._writer.flush()
            self.catalog.refresh()
            found, tasks = open_tasks(
                self.catalog,
                self.plan,
                self.catalog.folder.absolute(),
                most=self.options.max_draws,
                memory=self.options.item_memory,
                passed_over=self._passed_over,
            )
            if not tasks:
                return
            fixed = length_to_fix(self.catalog, found)
            if fixed is not None:
                self._writer.add([fixed])
                self._writer.flush()
            self._tell("draws", items=len(tasks), most=max(task.draws for task in tasks))
            self._queue = self._shared(replace(task, **self._fetched) for task in tasks)
            times = max(times_an_item(self.catalog, task) for task in tasks)
            limits = self.options.limits(times)
            self._give_out(limits, self._drew, interrupts, drawing=drawing)

    def _drew(self, task: Task, answer: Outcome | Ended) -> None:
        assert self._writer is not None
        if isinstance(answer, Ended) or answer.drawn is None:
            reason = answer.reason if isinstance(answer, Ended) else answer.error
            attempts = self._attempts[task.key] = self._attempts.get(task.key, 0) + 1
            crashed = isinstance(answer, Ended) and answer.status == "crashed"
            if crashed and attempts < MOST_ATTEMPTS:
                self._queue.put(task)
            else:  # it stays open: nothing is known of draws that nobody made
                self._passed_over.add(task.key)
                self._given_back.append(task.key)
                self._tell("not drawn", key=task.key, error=reason)
            return
        self._writer.add([msgspec.structs.replace(answer.drawn, timings=answer.timings)])
        self._given_back.append(task.key)

    def _beat(self, interrupts: Interrupts) -> float | None:
        assert self._writer is not None
        self._writer.tick()
        if self._writer.is_durable:  # nobody else shall do what a line is going to say
            self._leases.drop(self._given_back)
            self._given_back.clear()
        self._leases.beat()
        if self._writer.lines - self._compacted >= COMPACT_EACH:
            self._compacted = self._writer.lines
            self.catalog.refresh()
            with suppress(Busy):
                compact(self.catalog, gates=False)
        if self._fatal is not None:
            return 0.0
        return interrupts.left(LAST_SECONDS)

    def _answered(self, task: Task, answer: Outcome | Ended) -> None:
        attempts = self._attempts[task.key] = self._attempts.get(task.key, 0) + 1
        if isinstance(answer, Ended):
            if answer.status == "crashed" and attempts < MOST_ATTEMPTS:
                self._tell("again", key=task.key, attempt=attempts, error=answer.reason)
                self._queue.put(task)
                return
            answer = Outcome(answer.status, "WorkerError", answer.reason)
        self._finish(task.key, answer, attempts)

    def _finish(self, key: str, made: Outcome, attempts: int) -> None:
        assert self._writer is not None
        if made.fatal is not None:
            self._fatal = self._fatal or made.fatal
            return
        if made.trials and self._ledger is not None:
            self._ledger.append(made.trials)  # before the line that says the item is done
        self._writer.add(
            [
                Finished(
                    key=key,
                    status=made.status,
                    attempts=attempts,
                    error_kind=made.error_kind,
                    error=made.error,
                    figures=made.figures,
                    report=made.report,
                    timings=made.timings,
                )
            ]
        )
        self._given_back.append(key)
        state = self.state
        if made.status == DONE:
            state.done += 1
        else:
            state.failed += 1
        state.seconds = time.monotonic() - self._begun
        verdict = "" if made.figures is None else made.figures.verdict
        self._tell(
            "item", key=key, status=made.status, verdict=verdict, error=made.error, **_counts(state)
        )
        self._show()

    def _show(self) -> None:
        if self.options.progress is not None:
            self.options.progress(self.state)

    def _tell(self, event: str, **facts: Any) -> None:
        if self.options.log is not None:
            self.options.log({"event": event, **facts})


def _counts(state: SweepState) -> dict[str, int]:
    return {"done": state.done, "failed": state.failed, "left": state.left}
