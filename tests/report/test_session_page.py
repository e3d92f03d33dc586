"""The page of an option session: payoff, volatilities at entry, rules; as Chromium shows it."""

from __future__ import annotations

import re

import pytest

from quantlaxmi import backtest, open_segment, run_gates
from quantlaxmi.gates import GatePolicy
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from tests.report.test_page_in_browser import PICTURES, TEXTS, VIEWS, cut, overlapping, small

OWN = ["payoff", "smile", "term-structure", "rules"]
FIGURES = [f"picture-{name}" for name in OWN]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    generate_chain_segment("planted", folder / "s", days=1, snapshots=40)
    suites = {"g2": ["net_positive"], "g3": ["cost_sensitivity"]}
    segment = open_segment(folder / "s")
    report = run_gates(
        segment, "calendar_carry", gates="g2", policy=GatePolicy(suites=suites), threads=1
    )
    path = folder / "r.html"
    path.write_text(report.to_html(backtest(segment, "calendar_carry")), "utf-8")
    return path


def test_the_page_has_pictures_of_options_with_words_and_two_forms(page):
    text = page.read_text("utf-8")
    for name in OWN:
        for form in ("w", "n"):
            assert f'<title id="{form}-{name}-title">' in text
            assert f'<desc id="{form}-{name}-desc">' in text
    assert "currentColor" in text and "<script" not in text
    # What holds still is one step, however many points of time were looked at.
    [held] = re.findall(r'<figure id="picture-positions">(.*?)</figure>', text, re.DOTALL)
    assert len(held) < 120_000


def test_the_page_names_the_command_of_sessions(page):
    text = page.read_text("utf-8")
    assert "quantlaxmi-india verify-report --report REPORT.json --session-dir DIR" in text
    assert "<dt>components.call.stt</dt>" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_reader_sees_all_of_it(browser, page, width, scheme):
    assert (width, scheme) in VIEWS
    browser.problems.clear()
    browser.show(page, width, scheme)
    assert browser.problems == []
    assert browser.value("document.documentElement.scrollWidth") == width
    texts = browser.value(TEXTS)
    assert small(texts) == [] and cut(texts) == [] and overlapping(texts) == []
    seen = dict(browser.value(PICTURES))
    assert all(len(seen[name]) == 1 for name in seen)
    assert [name for name in seen if name in FIGURES] == FIGURES
