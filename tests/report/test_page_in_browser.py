"""The page as Chromium shows it: wide and narrow, light and dark."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment, run_gates
from quantlaxmi.gates import GatePolicy

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]

#: Every piece of text that is seen: what, size in pixels on the screen, box, box it must be in.
TEXTS = """
(() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, parent = node.parentElement, text = node.textContent.trim();
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!text || !box.width || ['title', 'desc'].includes(parent.nodeName)) continue;
    const svg = parent.closest('svg');
    let scale = 1, frame = document.documentElement.getBoundingClientRect();
    if (svg) {
      const m = parent.getScreenCTM();
      scale = Math.hypot(m.a, m.b);
      frame = svg.getBoundingClientRect();
    }
    let cut = null;
    for (let up = svg ? null : parent; up; up = up.parentElement)
      if (up.scrollWidth > up.clientWidth + 1 && getComputedStyle(up).display !== 'inline')
        cut = up.nodeName;
    found.push({text, svg: svg ? svg.parentElement.id : null, cut,
      size: scale * parseFloat(getComputedStyle(parent).fontSize),
      box: [box.left, box.top, box.right, box.bottom],
      frame: [frame.left, frame.top, frame.right, frame.bottom]});
  }
  return found;
})()
"""
PICTURES = """
[...document.querySelectorAll('figure')].map(f => {
  const seen = [...f.querySelectorAll('svg')].map(s => s.getBoundingClientRect())
    .filter(b => b.width);
  return [f.id, seen.map(b => [b.left + scrollX, b.top + scrollY, b.width, b.height])];
})
"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    suites = {
        "g2": ["net_positive", "delay", "equity", "random_sides"],
        "g3": ["walk_forward", "regimes", "cost_sensitivity"],
    }
    policy = GatePolicy(suites=suites, random_sides={"n_draws": 99})
    report = run_gates(
        open_segment(PLANTED), "basis_capture", gates="g2,g3", policy=policy, threads=1
    )
    path = tmp_path_factory.mktemp("page") / "r.html"
    path.write_text(report.to_html(backtest(PLANTED, "basis_capture")), "utf-8")
    return path


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def view(request, browser, page):
    """The browser with the page open; the width; what the scheme's ground is."""
    width, scheme = request.param
    browser.problems.clear()
    browser.show(page, width, scheme)
    return browser, width, scheme


def test_the_console_stays_empty(view):
    assert view[0].problems == []


def test_nothing_scrolls_sideways(view):
    browser, width, _ = view
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") == width


def small(texts):
    return [one for one in texts if one["size"] < 10.99]


def cut(texts):
    """Texts wider than what holds them, or over an edge of their picture or of the page."""
    return [
        one
        for one in texts
        if one["cut"] is not None
        or one["box"][0] < one["frame"][0] - 0.5
        or one["box"][1] < one["frame"][1] - 1.5
        or one["box"][2] > one["frame"][2] + 0.5
        or one["box"][3] > one["frame"][3] + 1.5
    ]


def overlapping(texts):
    """Pairs of texts of one picture that lie on one another."""
    found = []
    for k, one in enumerate(texts):
        for other in texts[:k]:
            if one["svg"] is None or one["svg"] != other["svg"]:
                continue
            across = min(one["box"][2], other["box"][2]) - max(one["box"][0], other["box"][0])
            down = min(one["box"][3], other["box"][3]) - max(one["box"][1], other["box"][1])
            # A box is as high as a line of the font: letters touch where a third of it is shared.
            if across > 1 and down > 0.35 * one["size"]:
                found.append((one["svg"], one["text"], other["text"]))
    return found


def test_every_text_is_large_enough_and_whole(view):
    texts = view[0].value(TEXTS)
    assert len(texts) > 200 and any(one["svg"] for one in texts)
    assert small(texts) == []
    assert cut(texts) == []
    assert overlapping(texts) == []


BAD = """<!DOCTYPE html><meta name="viewport" content="width=device-width"><body>
<p style="font-size: 10px">small</p><p style="width: 500px; background: red">wide</p>
<p style="width: 40px; overflow: hidden; white-space: nowrap">hidden by its own edge</p>
<figure id="f"><svg viewBox="0 0 200 50" width="200"><text x="10" y="20">one</text>
<text x="12" y="22">two</text><text x="180" y="40">over the edge</text></svg></figure>
<script>console.error("x"); throw 1</script>"""


def test_a_bad_page_is_found(browser, tmp_path):
    (tmp_path / "bad.html").write_text(BAD)
    browser.problems.clear()
    browser.show(tmp_path / "bad.html", 390, "light")
    assert len(browser.problems) == 2
    assert browser.value("document.documentElement.scrollWidth") > 390
    texts = browser.value(TEXTS)
    assert [one["text"] for one in small(texts)] == ["small"]
    assert {"hidden by its own edge", "over the edge"} <= {one["text"] for one in cut(texts)}
    assert overlapping(texts) == [("f", "two", "one")]


def test_every_picture_is_drawn(view):
    from matplotlib.image import imread

    browser, width, scheme = view
    browser.value("document.querySelectorAll('svg text').forEach(t => t.style.visibility='hidden')")
    pictures = browser.value(PICTURES)
    assert len(pictures) == 11
    for name, seen in pictures:
        assert len(seen) == 1, name
        drawn = imread(io.BytesIO(browser.picture(seen[0])))[:, :, :3]
        assert drawn.shape[1] == pytest.approx(min(width, 784) - 32, abs=1)
        ground = drawn[0, 0]
        assert (ground.mean() > 0.5) == (scheme == "light"), name
        # Without its words: frames and lines, and marks in a colour.
        assert (np.abs(drawn - ground).max(axis=2) > 0.1).mean() > 0.005, name
        assert (np.ptp(drawn, axis=2) > 0.2).mean() > 0.001, name
