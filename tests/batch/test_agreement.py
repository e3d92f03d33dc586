"""A stranger's catalog whose hashes all fit: what it tells three times of an item is compared."""

from __future__ import annotations

import msgspec
import pytest

from quantlaxmi.batch import Catalog, item_key
from quantlaxmi.batch.records import Finished
from quantlaxmi.batch.report_files import ItemReport, load_item, store_item
from quantlaxmi.errors import CatalogError
from tests.batch.catalogs import filled, item_report, made_plan


def forged(folder, item, **planned):
    """A catalog of one item, every hash of it made by whoever wrote it."""
    catalog = Catalog.create(folder)
    line = made_plan().items[0].planned
    writer = catalog.writer()
    digest = store_item(catalog.folder, item)
    writer.add([msgspec.structs.replace(line, key=item.key, **planned)])
    writer.add([Finished(key=item.key, status="done", figures=item.figures, report=digest)])
    writer.flush()
    writer.close()
    load_item(catalog.folder, item.key)
    return catalog.refresh()


def test_an_honest_catalog_agrees(tmp_path):
    catalog = filled(tmp_path / "c")
    assert catalog.verify() == catalog.rows_hash()
    assert len(forged(tmp_path / "one", item_report(0)).verify()) == 64


@pytest.mark.parametrize(
    "change", [{"verdict": "PASS"}, {"net": "1000000"}, {"p_equity": 1e-9}, {"excluded": ""}]
)
def test_figures_that_do_not_follow_from_their_report_are_refused(tmp_path, change):
    """The row and the file tell the same lie, of which the report knows nothing."""
    found = item_report(0)
    lie = msgspec.structs.replace(found, figures=msgspec.structs.replace(found.figures, **change))
    assert lie != found
    with pytest.raises(CatalogError, match="do not follow from their report"):
        forged(tmp_path / "c", lie).verify()


def test_figures_of_another_version_are_not_made_again(tmp_path):
    """Its rules may have been others."""
    found = item_report(0)
    figures = msgspec.structs.replace(found.figures, net="1000000")
    old = ItemReport(
        inputs={**found.inputs, "version": "0.0.9"}, figures=figures, report=found.report
    )
    engine = f"0.0.9/{found.inputs['semantics']}"
    assert forged(tmp_path / "c", old, engine_version=engine).verify()


def test_the_report_of_another_segment_is_refused(tmp_path):
    one, other = item_report(0), item_report(1)
    lie = ItemReport(inputs=one.inputs, figures=other.figures, report=other.report)
    with pytest.raises(CatalogError, match="segment id"):
        forged(tmp_path / "c", lie).verify()
    renamed = {"segment_id": other.report.segment_id}
    with pytest.raises(CatalogError, match="segment digest"):
        forged(tmp_path / "d", lie, **renamed).verify()


def test_a_setting_that_was_not_planned_is_refused(tmp_path):
    found = item_report(0)
    lie = ItemReport(
        inputs={**found.inputs, "configs": ["0" * 64]}, figures=found.figures, report=found.report
    )
    assert item_key(lie.inputs) == lie.key != found.key
    with pytest.raises(CatalogError, match="setting"):
        forged(tmp_path / "c", lie).verify()


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        ({"segment_digest": "1" * 64}, "segment digest"),
        ({"strategy_id": "another"}, "strategy"),
        ({"code_digest": "1" * 64}, "code digest"),
        ({"run_hash": "1" * 64}, "run hash"),
        ({"policy_hash": "1" * 64}, "policy hash"),
        ({"gates": "g2,g3"}, "gates"),
        ({"engine_version": "9.9/9"}, "engine version"),
        ({"segment_id": "another"}, "segment id"),
        ({"grid_hash": "1" * 64}, "grid hash"),
    ],
)
def test_a_line_that_plans_something_else_is_refused(tmp_path, planned, said):
    with pytest.raises(CatalogError, match=f"has {said}") as refused:
        forged(tmp_path / "c", item_report(0), **planned).verify()
    assert "\n" not in str(refused.value)
