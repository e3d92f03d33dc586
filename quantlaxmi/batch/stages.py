"""Which items of a sweep go on drawing for the family, and how far."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.family import FamilyResult, family, fixed_length
from quantlaxmi.batch.inference import next_stage
from quantlaxmi.batch.plan import ENGINE_VERSION, Plan
from quantlaxmi.batch.records import FIRST, Family
from quantlaxmi.batch.tasks import Task, task_of

__all__ = ["length_to_fix", "open_tasks"]


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
) -> tuple[FamilyResult, list[Task]]:
    """Tasks of further draws: of the plan's items that are open, each up to its next stage.

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
        wanted = min(next_stage(made, found.length), limit)
        tasks.append(
            replace(task_of(item, plan, folder), draws=wanted, length=found.length, drawn=drawn)
        )
    return found, tasks
