"""Small catalogs for tests: reports of a few cheap gates, written as a sweep writes them."""

from __future__ import annotations

import functools
from pathlib import Path

from quantlaxmi.batch import Catalog, plan
from quantlaxmi.batch.figures import figures_of
from quantlaxmi.batch.records import Finished
from quantlaxmi.batch.report_files import ItemReport, store_item
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates

DATA = Path(__file__).resolve().parents[2] / "data"
#: Two guards and a test: a tenth of a second an item.
FEW = GatePolicy(suites={"g2": ["net_positive", "equity"]})


@functools.cache
def made_plan():
    """A plan of both bundled segments."""
    return plan([DATA / "*"], ["basis_capture"], policy=FEW)


@functools.cache
def item_report(place=0):
    """The report of an item of it."""
    made = made_plan()
    item = made.items[place]
    report = run_gates(item.segment, item.strategy, policy=made.policy, threads=1)
    return ItemReport(inputs=item.inputs, figures=figures_of(report), report=report)


def filled(folder, places=(0, 1)):
    """A catalog of the plan, with some of its items done."""
    catalog = Catalog.create(folder)
    writer = catalog.writer()
    made = made_plan()
    writer.add(item.planned for item in made.items)
    for place in places:
        found = item_report(place)
        digest = store_item(catalog.folder, found)
        writer.add([Finished(key=found.key, status="done", figures=found.figures, report=digest)])
    writer.flush()
    writer.close()
    return catalog.refresh()
