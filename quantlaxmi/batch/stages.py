"""Which items of a sweep go on drawing for the family, and how far."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.family import FamilyResult, family, fixed_length
from quantlaxmi.batch.inference import next_stage
from quantlaxmi.batch.plan import ENGINE_VERSION, Plan
from quantlaxmi.batch.records import FIRST, Family
from quantlaxmi.batch.tasks import Task, task_of

__all__ = ["MOST_DRAWS", "length_to_fix", "open_tasks", "times_an_item"]

#: Draws of each kind that a task makes at most: so many an interrupt can lose. No answer depends on
#: it, since an item may stop anywhere.
MOST_DRAWS: Final = 2_000


def length_to_fix(catalog: Catalog, found: FamilyResult) -> Family | None:
    """The line that fixes a family's length before its first draws; None where one did."""
    if fixed_length(catalog, ENGINE_VERSION) is not None:
        return None
    q = found.q
    return Family(
        engine_version=ENGINE_VERSION,
        items=len(found.items),
        draws=found.length,
        q=f"{float(q):.9f}".rstrip("0"),
    )


def open_tasks(
    catalog: Catalog,
    plan: Plan,
    folder: Path,
    *,
    most: int | None,
    passed_over: Collection[str],
    memory: int | None = None,
) -> tuple[FamilyResult, list[Task]]:
    """Tasks of further draws: of the plan's items that are open, each towards its next stage.

    Parameters
    ----------
    catalog : Catalog
        Read up to now.
    plan : Plan
    folder : Path
        The catalog's.
    most : int or None
        Most draws of each kind.
    passed_over : collection of str
        Keys of items that are not asked again.
    memory : int or None
        Bytes that a task may take.
    """
    found = family(catalog, version=ENGINE_VERSION)
    still = {one.key: one for one in found.unresolved}
    limit = found.length if most is None else min(most, found.length)
    tasks = []
    for item in plan.items:
        one = still.get(item.key)
        if one is None or item.key in passed_over:
            continue
        drawn = one.row.drawn
        made = 0
        if drawn is not None:  # a kind whose tenth exceedance came is complete
            kinds = (drawn.drifting, drawn.driftless)
            still_drawn = (k.draws for k in kinds if k is not None and len(k.first) < FIRST)
            made = min(still_drawn, default=limit)
        if made >= limit:
            continue
        wanted = min(next_stage(made, found.length), made + MOST_DRAWS, limit)
        task = task_of(item, plan, folder, memory)
        tasks.append(replace(task, draws=wanted, length=found.length, drawn=drawn))
    return found, tasks


def times_an_item(catalog: Catalog, task: Task) -> float:
    """How many times the draws of an item's gate a task may make: its time is measured by that."""
    finished = catalog.rows[task.key].finished
    counts = None if finished is None or finished.figures is None else finished.figures.driftless
    return MOST_DRAWS / max(1 if counts is None else counts.draws, 1)
