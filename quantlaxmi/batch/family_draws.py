"""In a worker: further draws of an item, with the same counters, for the family's p-values."""

from __future__ import annotations

from typing import Any

import msgspec

from quantlaxmi.batch.records import FIRST, Drawn, KindCounts, Timings
from quantlaxmi.batch.tasks import Task
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.observation import context_of, with_grid
from quantlaxmi.gates.resampling.first_exceedances import FirstExceedances, first_exceedances
from quantlaxmi.gates.results import Inconclusive
from quantlaxmi.report.tried import Tried
from quantlaxmi.segment import Segment
from quantlaxmi.trials.ledger import without_ledger

__all__ = ["family_draws"]

_NONE = KindCounts(draws=0, exceedances=0)


def family_draws(task: Task, segment: Segment) -> Drawn:
    """Make draws until as many count as the task wants, or ten exceeded.

    Parameters
    ----------
    task : Task
        With `draws`, and what was drawn before.
    segment : Segment

    Returns
    -------
    Drawn
        Of all draws from the first one on.
    """
    drawn = Drawn(key=task.key, driftless=_NONE) if task.drawn is None else task.drawn
    drifting, driftless = (
        FirstExceedances(one.tried, one.draws, one.first)
        for one in (drawn.drifting or _NONE, drawn.driftless)
    )
    try:
        with without_ledger():
            made = first_exceedances(
                _context(task, segment),
                (drifting, driftless),
                task.draws,
                stop=FIRST,
                length=task.length,
            )
    except Inconclusive:
        return msgspec.structs.replace(drawn, ended=True, timings=Timings())
    return Drawn(
        key=task.key,
        drifting=None if made[0] is None else _counts(made[0]),
        driftless=_counts(made[1]),
        ended=any(one is not None and one.ended for one in made),
    )


def _counts(made: FirstExceedances) -> KindCounts:
    return KindCounts(
        draws=made.draws, exceedances=len(made.first), tried=made.tried, first=made.first
    )


def _context(task: Task, segment: Segment) -> GateContext:
    """What the gates of the item were given, seed and all."""
    strategy: Any = task.strategy
    if task.config is not None:
        strategy = task.strategy.made_with(task.config)
    tried = Tried.on(segment, strategy, task.run, task.conversion, grid=task.grid, threads=1)
    context = context_of(tried.run, task.policy, threads=1, maker=tried.maker)
    return context if tried.grid is None else with_grid(context, tried.grid)
