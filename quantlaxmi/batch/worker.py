"""What a worker process does: one item from its segment to a durable report.

It raises nothing: whatever ends an item is an outcome. Nothing here writes the journal.
"""

from __future__ import annotations

import errno
import functools
import os
import pickle
import platform
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from quantlaxmi.batch.figures import figures_of
from quantlaxmi.batch.records import DONE, Drawn, Figures, Status, Timings
from quantlaxmi.batch.report_files import ItemReport, store_item
from quantlaxmi.batch.segment_cache import Held, SegmentCache, cache_folder
from quantlaxmi.batch.store import Store, store_at
from quantlaxmi.batch.tasks import Task
from quantlaxmi.errors import (
    CatalogError,
    ConfigError,
    QuantlaxmiError,
    SegmentError,
    StrategyError,
)
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.suites import gates_of
from quantlaxmi.report.gate_report import GateReport
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.system.memory import limit_growth, peak_bytes
from quantlaxmi.trials.records import Trial

__all__ = ["Outcome", "do_packed", "do_task", "kernels_message"]

#: Folder of the counts of draws that an interrupted item goes on from.
CHECKPOINTS: Final = "checkpoints"
_MAX_TEXT: Final = 2000
#: How a message begins that names kernels; no pickle does.
_KERNELS: Final = b"kernels "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    status : str
        As `Finished` has it.
    error_kind, error : str
    figures : Figures or None
    report : str
        SHA-256 of the report's file.
    drawn : Drawn or None
        Of a task of draws.
    timings : Timings
    trials : tuple of Trial
        Lines for the trial ledger, where there is one.
    fatal : QuantlaxmiError or None
        What ends the sweep: the catalog cannot be written, or an item gave other bytes.
    """

    status: Status
    error_kind: str = ""
    error: str = ""
    figures: Figures | None = None
    report: str = ""
    drawn: Drawn | None = None
    timings: Timings = field(default_factory=Timings)
    trials: tuple[Trial, ...] = ()
    fatal: QuantlaxmiError | None = None


def do_packed(packed: bytes) -> Outcome:
    """Do a task that was pickled: one that cannot be unpickled here is an outcome too.

    Of no bytes at all it loads what every task needs; of `kernels_message` also compiled kernels.
    """
    if not packed:
        return Outcome(DONE)
    if packed.startswith(_KERNELS):
        prepare_kernels(packed[len(_KERNELS) :].decode().split())
        return Outcome(DONE)
    try:
        task = pickle.loads(packed)
    except Exception as error:
        return _failed("failed", error)
    return do_task(task)


def kernels_message(policy: GatePolicy, suites: Sequence[str]) -> bytes:
    """What makes a process compile the kernels of some suites into the cache that all share.

    Two processes that find it empty would each compile every kernel, for seconds.

    Returns
    -------
    bytes
        Empty where no gate that is asked has a kernel.
    """
    names = {
        gate.kernels
        for suite in suites
        for gate in gates_of(suite)
        if gate.kernels and gate.name in policy.suites[suite]
    }
    return _KERNELS + " ".join(sorted(names)).encode() if names else b""


def prepare_kernels(names: Iterable[str]) -> None:
    """Compile kernels, or load them from the cache; an error is met again where one is needed."""
    for name in names:
        with suppress(Exception):
            import_module(f"quantlaxmi._jit.{name}").prepare()


def do_task(task: Task) -> Outcome:
    """Do an item, or make draws of it, and say what became of it.

    Parameters
    ----------
    task : Task
    """
    wall, cpu = time.perf_counter(), time.process_time()
    made = _outcome(task)
    timings = Timings(
        wall_s=round(time.perf_counter() - wall, 6),
        cpu_s=round(time.process_time() - cpu, 6),
        peak_bytes=peak_bytes(),
        host=platform.node()[:256],
    )
    return replace(made, timings=timings)


def _outcome(task: Task) -> Outcome:
    try:
        segment = _segment(task)
    except SegmentError as error:
        return _failed("refused", error)
    try:
        _check_code(task, segment)
    except QuantlaxmiError as error:
        return _failed("refused", error)
    except Exception as error:
        return _raised(task, error)
    try:
        _limit_memory(task.memory)
        if task.draws:
            from quantlaxmi.batch.family_draws import family_draws

            return Outcome(DONE, drawn=family_draws(task, segment))
        report, lines = _report(task, segment)
        found = ItemReport(inputs=task.inputs, figures=figures_of(report), report=report)
        digest = store_item(task.folder, found)
        _checkpoint(task).unlink(missing_ok=True)
    except CatalogError as error:
        return replace(_failed("failed", error), fatal=error)
    except Exception as error:
        return _raised(task, error)
    return Outcome(DONE, figures=found.figures, report=digest, trials=lines)


def _raised(task: Task, error: Exception) -> Outcome:
    if _wants_memory(error):
        return _failed("memory", error)
    if not isinstance(error, SegmentError):
        return _failed("failed", error)
    if error.source != str(_checkpoint(task)):
        return _failed("refused", error)
    fatal = CatalogError(error.source, error.problem)  # no room for the counts of its draws
    return replace(_failed("failed", fatal), fatal=fatal)


def _failed(status: Status, error: Exception) -> Outcome:
    text = " ".join(str(error).split())[:_MAX_TEXT]
    return Outcome(status, error_kind=type(error).__name__[:256], error=text)


def _wants_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that there was no memory left."""
    while error is not None:
        if isinstance(error, MemoryError) or os.strerror(errno.ENOMEM) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


#: The segment that was opened last, and its place in a cache: items of one come in a row.
_OPEN: dict[tuple[str, str], tuple[Segment, Held | None]] = {}


def _segment(task: Task) -> Segment:
    """The segment of a task, verified.

    Raises
    ------
    SegmentError
        It cannot be opened or fetched, was changed, or is another one than was planned.
    """
    name = (f"{task.store}/{task.manifest}" if task.store else str(task.segment), task.digest)
    if name not in _OPEN:
        while _OPEN:
            _, (_, held) = _OPEN.popitem()
            if held is not None:
                held.release()
        _OPEN[name] = _opened(task)
    return _OPEN[name][0]


def _opened(task: Task) -> tuple[Segment, Held | None]:
    held = None
    if task.store:
        cache = SegmentCache(cache_folder(), task.cache_size)
        held = cache.held(_store(task.store), task.manifest)
    found = open_segment(task.segment) if held is None else held.segment
    if found.digest != task.digest:
        if held is not None:
            held.release()
        raise SegmentError(
            task.segment, f"has the digest {found.digest}, expected {task.digest}: replaced"
        )
    return found, held


@functools.lru_cache(maxsize=4)
def _store(place: str) -> Store:
    """A store, as this machine sees it.

    Raises
    ------
    SegmentError
        It does not see it.
    """
    try:
        return store_at(place)
    except ConfigError as error:
        raise SegmentError(place, f"{error.problem}, on {platform.node()}") from None


#: Digest of the code of a class, as this process loaded it.
_CODES: dict[type, str] = {}


def _check_code(task: Task, segment: Segment) -> None:
    """Refuse code that is not what was planned: another machine's, or a file that was changed.

    Raises
    ------
    StrategyError
    """
    kind = task.strategy
    if kind not in _CODES:
        from quantlaxmi.run.replay import bind
        from quantlaxmi.run.trial_lines import code_of

        config = task.config if task.grid is None else task.grid.configs[0]
        bound = bind(kind.made_with(config or kind.Config()), segment.instruments)
        _CODES[kind] = code_of(bound)
    if _CODES[kind] != task.inputs["code"]:
        raise StrategyError(
            f"the code of {kind.strategy_id!r} has the digest {_CODES[kind]} on "
            f"{platform.node()}, expected {task.inputs['code']}: it was changed"
        )


def _checkpoint(task: Task) -> Path:
    return task.folder / CHECKPOINTS / f"{task.key}.json"


def _report(task: Task, segment: Segment) -> tuple[GateReport, tuple[Trial, ...]]:
    """The report of an item; a checkpoint that cannot be used is begun anew."""
    try:
        return run_item(task, segment, _checkpoint(task))
    except ConfigError as error:
        if error.source != str(_checkpoint(task)):
            raise
        with suppress(FileNotFoundError):
            _checkpoint(task).unlink()
        return run_item(task, segment, _checkpoint(task))


def run_item(
    task: Task, segment: Segment, checkpoint: Path | None
) -> tuple[GateReport, tuple[Trial, ...]]:
    """Run the gates of an item, and give the lines of what was tried where somebody keeps them.

    The report knows of no ledger: which lines one has would depend on what else ran at the time.
    """
    from quantlaxmi.report.run_gates import report_of, searches_declared
    from quantlaxmi.report.tried import Tried
    from quantlaxmi.run.trial_lines import trial_of
    from quantlaxmi.trials.ledger import TrialLedger, using, without_ledger

    strategy: Any = task.strategy
    if task.config is not None:
        strategy = task.strategy.made_with(task.config)
    lines: tuple[Trial, ...] = ()
    with ExitStack() as stack:
        if task.trials:  # an empty one, so that the settings of a grid make their lines
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="quantlaxmi-item-"))
            stack.enter_context(using(TrialLedger(folder)))
        else:
            stack.enter_context(without_ledger())
        tried = Tried.on(segment, strategy, task.run, task.conversion, grid=task.grid, threads=1)
        if task.trials:
            if task.grid is None and searches_declared(task.gates, task.policy):
                tried = tried.with_declared(threads=1)
            lines = (*tried.others, trial_of(tried.run, "gates"))
        report = report_of(
            tried.run,
            policy=task.policy,
            threads=1,
            gates=task.gates,
            checkpoint=checkpoint,
            maker=tried.maker,
            grid=tried.grid,
        )
    return report, lines


_LIMITED: list[int] = []


def _limit_memory(memory: int | None) -> None:
    """Let this process take no more address space than it has now and an item may take."""
    if memory is None or _LIMITED:
        return
    if (limit := limit_growth(memory)) is not None:
        _LIMITED.append(limit)
