"""Draws for the family are watched as items are: what hangs, eats memory or dies ends no sweep."""

from __future__ import annotations

import msgspec
import pytest

from quantlaxmi.batch import Catalog, family, plan
from quantlaxmi.batch.options import SweepOptions
from quantlaxmi.batch.records import Finished, KindCounts
from quantlaxmi.batch.stages import MOST_DRAWS, open_tasks, times_an_item
from quantlaxmi.batch.sweep import Sweep
from tests.batch.bad_strategies import Bad, BadConfig
from tests.batch.catalogs import FEW
from tests.batch.test_sweep_report import figures


def open_item(folder, parts, way, draws=2_000):
    """A catalog in which an item of a bad strategy may be a discovery among sixty, and its plan."""
    made = plan([parts / "part-0000"], [Bad], configs=[BadConfig(way=way)], policy=FEW)
    (item,) = made.items
    catalog = Catalog.create(folder)
    counts = KindCounts(draws=draws, exceedances=0)
    found = msgspec.structs.replace(figures(), drifting=counts, driftless=counts)
    writer = catalog.writer()
    others = (msgspec.structs.replace(item.planned, key=f"{k:064x}") for k in range(59))
    writer.add([item.planned, *others])
    writer.add([Finished(key=item.key, status="done", figures=found, report="0" * 64)])
    writer.flush()
    writer.close()
    assert len(family(catalog.refresh()).unresolved) == 1
    return catalog, made


@pytest.mark.parametrize(
    ("way", "said", "begun"),
    [
        ("hang", "took over 1 s", 1),
        ("eat", "", 1),
        ("kill", "SIGKILL", 3),
        ("raise", "expected", 1),
    ],
)
def test_draws_that_end_badly_end_and_leave_their_item_open(parts, tmp_path, way, said, begun):
    catalog, made = open_item(tmp_path / "c", parts, way)
    events, calls = [], []
    sweep = Sweep(
        made,
        catalog,
        SweepOptions(
            workers=1,
            item_seconds=1 if way == "hang" else 60,
            item_memory=128 << 20 if way == "eat" else None,
            log=events.append,
        ),
    )
    real = sweep._drew
    sweep._drew = lambda task, answer: (calls.append(task.key), real(task, answer))
    sweep.run()
    (told,) = (one for one in events if one["event"] == "not drawn")
    assert said in told["error"] and len(calls) == begun
    assert len(family(Catalog.open(tmp_path / "c")).unresolved) == 1
    assert not list((tmp_path / "c" / "leases").iterdir())


def test_a_task_makes_so_many_draws_at_most_and_has_time_for_them(parts, tmp_path):
    catalog, made = open_item(tmp_path / "c", parts, "nothing", draws=50)
    _, (task,) = open_tasks(catalog, made, catalog.folder, most=None, passed_over=(), memory=1)
    assert (task.draws, task.memory) == (199, 1)
    assert times_an_item(catalog, task) == MOST_DRAWS / 50
    limits = SweepOptions(item_seconds=3).limits(times_an_item(catalog, task))
    assert limits.seconds == 3 * MOST_DRAWS / 50 and SweepOptions().limits(9).seconds is None
    row = catalog.rows[task.key]
    drawn = KindCounts(draws=1_999, exceedances=0, tried=1_999)
    from quantlaxmi.batch.records import Drawn

    row.drawn = Drawn(key=task.key, drifting=drawn, driftless=drawn)
    _, (task,) = open_tasks(catalog, made, catalog.folder, most=None, passed_over=())
    assert task.draws == 1_999 + MOST_DRAWS
