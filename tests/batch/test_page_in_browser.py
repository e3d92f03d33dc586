"""The page of a sweep as Chromium shows it: wide and narrow, light and dark."""

from __future__ import annotations

import msgspec
import pytest

from quantlaxmi.batch import family
from quantlaxmi.batch.page import save_sweep_page
from quantlaxmi.batch.records import KindCounts
from quantlaxmi.batch.summary import family_summary
from tests.batch.test_sweep_report import NO_EDGE, catalog_of, figures

#: Size on the screen of the smallest text, and what is wider than its place.
SMALLEST = """
Math.min(...[...document.querySelectorAll('svg text, td, th, p')].filter(e => e.textContent.trim())
  .map(e => (e.getScreenCTM ? e.getScreenCTM().a : 1) * parseFloat(getComputedStyle(e).fontSize)))
"""
CUT = "[...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth).length"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page with every section, long names, and more segments than stand in a row."""
    folder = tmp_path_factory.mktemp("page")
    found = figures(dsr=0.9712, pbo=0.06076, settings=100, unseen="a loss of 13 would erase this")
    counts = KindCounts(draws=1_999, exceedances=0)  # a p between two ends takes more room
    found = msgspec.structs.replace(found, p_equity=0.000992127, drifting=counts, driftless=counts)
    entries = [("a_strategy_of_a_long_name_as_some_are", day, found) for day in range(60)]
    entries += [("b", day, figures(**NO_EDGE)) for day in range(50)]
    entries += [("b", day, "crashed") for day in range(50, 60)]
    name = "synthetic-20240115-{day:x}1c0be6120d762b9"
    result = family(catalog_of(folder / "c", entries, segment=name))
    save_sweep_page(result, family_summary(result), folder / "sweep.html", folder / "c")
    return folder / "sweep.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_or_too_small_to_read(browser, written, width, scheme):
    """At 1280 pixels DSR and PBO stood beyond the edge, and strategies in letters of 9 pixels."""
    browser.show(written, width, scheme)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(SMALLEST) >= 11.5
    if width == 1280:
        assert browser.value(CUT) == 0
    assert browser.problems == []
