"""The page of a report: self-contained, the same again, escaped, small; its pictures and files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment, run_gates
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError, ReportError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.results import Verdict
from quantlaxmi.gates.suites import ALL_GATES
from quantlaxmi.report import plots
from quantlaxmi.report.gate_report import _file_hash, _text, load_report
from quantlaxmi.report.html import page as pages
from quantlaxmi.report.html import save_page
from quantlaxmi.report.html.page import MAX_PAGE_BYTES
from quantlaxmi.report.html.questions import QUESTIONS
from quantlaxmi.report.maps import _DARKEST
from tests.depth import some

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = """
[suites]
g2 = ["net_positive", "delay", "equity", "random_sides"]
g3 = ["walk_forward", "regimes", "cost_sensitivity"]
[random_sides]
n_draws = 99
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report's file, the page that run-gates wrote beside it, and the folder."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "p.toml").write_text(POLICY)
    code = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from quantlaxmi.cli import main_crypto; sys.exit(main_crypto())",
            *f"run-gates --segment-dir {DATA}/planted --strategy basis_capture".split(),
            *f"--gates g2,g3 --policy {folder}/p.toml --threads 1".split(),
            *f"--output-report {folder}/r.json --html {folder}/r.html".split(),
        ],
        check=False,
        capture_output=True,
    )
    assert code.returncode in (0, 3), code.stderr
    return folder


@pytest.fixture(scope="module")
def report(made):
    return load_report(made / "r.json")


@pytest.fixture(scope="module")
def page(made):
    return (made / "r.html").read_text("utf-8")


def test_a_page_needs_nothing_else(page):
    assert "<script" not in page and "javascript:" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'" in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page.replace("xlink:href", "href")) == []
    assert "url(" not in re.sub(r"url\(#", "", page) and "@import" not in page
    assert len(page.encode()) <= MAX_PAGE_BYTES
    identifiers = re.findall(r'\bid="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_report_html_writes_the_same_bytes(made, page, tmp_path):
    out = tmp_path / "again.html"
    words = f"report html --report {made}/r.json --segment-dir {DATA}/planted --out {out}"
    assert main_crypto(words.split()) == 0
    assert out.read_text("utf-8") == page


def test_neither_the_time_nor_the_users_settings_change_it(report):
    import matplotlib

    first = report.to_html()
    with matplotlib.rc_context({"font.size": 30, "savefig.bbox": "tight", "axes.grid": True}):
        assert replace(report, timestamp="2000-01-01T00:00:00Z").to_html() == first
        assert matplotlib.rcParams["font.size"] == 30


def test_every_picture_has_two_widths_and_words(page):
    for name in ("equity", "price", "positions", "money", "nulls", "dearer-trading"):
        for width in "wn":
            assert f'<title id="{width}-{name}-title">' in page
            assert f'<desc id="{width}-{name}-desc">' in page
    sizes = [float(s) for s in re.findall(r"font-size: ([\d.]+)px", page)]
    assert sizes and min(sizes) >= 11
    # No colour is left that the theme does not know.
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#ffffff"}


def _luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_contrast_is_enough_in_every_theme(page):
    themes = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", theme))
        for ground in ("paper", "panel"):
            for name in ("ink", "muted", "blue", "orange", "green", "red"):
                a, b = sorted(map(_luminance, (colours[ground], colours[name])))
                assert (b + 0.05) / (a + 0.05) >= 4.5, (name, ground)
        # A number on the darkest cell of a map.
        for name in ("blue", "red"):
            tint, paper = (
                [int(colours[k][i : i + 2], 16) for i in (1, 3, 5)] for k in (name, "paper")
            )
            mixed = [
                round(_DARKEST * t + (1 - _DARKEST) * p) for t, p in zip(tint, paper, strict=True)
            ]
            cell = "#" + "".join(f"{part:02x}" for part in mixed)
            a, b = sorted(map(_luminance, (cell, colours["ink"])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, name


def test_gates_stand_in_the_order_of_running(report, page):
    named = re.findall(r'<article class="gate">\s*<h3>(\S+)', page)
    assert named == [one.gate for suite in report.results for one in suite.results]
    assert set(QUESTIONS) == {gate.name for gate in ALL_GATES}


def test_the_first_screen_says_verdict_money_and_what_to_do(report, page):
    first = page[page.index('id="verdict"') : page.index("<nav>")]
    assert report.verdict_text.split(";")[0] in first and "345.74826322" in first
    assert "What to do next" in first


def test_what_to_do_next_agrees_with_its_count_and_keeps_options_whole(report):
    """It said "1 more gates", and a narrow screen broke a line inside ``--grid``."""
    results = report.results[0].results
    lost = tuple(replace(results[0], verdict=Verdict.FAIL, role="guard") for _ in range(4))
    failed = replace(report, results=(replace(report.results[0], results=lost),))
    told = list(pages._to_do(failed))
    assert "1 more gate did not pass; see below." in told
    assert str(pages._whole("by --grid or (--gates g2): a <b>, x--y")) == (
        'by <span class="option">--grid</span> or (<span class="option">--gates</span> g2):'
        " a &lt;b&gt;, x--y"
    )


def test_what_to_do_next_says_how_much_more_data_an_open_answer_takes(report):
    """It said three times to give what the answer asks for, which stood further below."""
    results = report.results[0].results
    reasons = (
        "Round trips: 3, at least 30 needed. Run on about 10.0 times as much data.",
        "Second run of the strategy: it fails. Mend that first.",
        "A setting cannot be run: it fails.",
    )
    open_ones = tuple(
        replace(results[0], verdict=Verdict.INCONCLUSIVE, role="guard", reasons=(reason,))
        for reason in reasons
    )
    told = list(
        pages._to_do(replace(report, results=(replace(report.results[0], results=open_ones),)))
    )
    name = f"{results[0].gate} (INCONCLUSIVE): "
    assert told[:3] == [
        name + "Run on about 10.0 times as much data.",
        name + "Give what the answer asks for and run the gates again.",
        name + "Give what the answer asks for and run the gates again.",
    ]


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=y> $\\frac{a}$ &amp; ]]>'


def _lying(made, tmp_path, change):
    """The report's file with a change and its hashes made again."""
    plain = json.loads((made / "r.json").read_bytes())
    change(plain)
    del plain["file_hash"]
    path = tmp_path / "lying.json"
    path.write_bytes(_text({**plain, "file_hash": _file_hash(plain)}))
    with pytest.raises(ReportError) as error:
        load_report(path)
    if (found := re.search(r"the content gives (\w{64})", str(error.value))) is not None:
        plain["report_hash"] = found[1]
    path.write_bytes(_text({**plain, "file_hash": _file_hash(plain)}))
    return load_report(path)


def test_a_hostile_report_shows_escaped_text(made, tmp_path):
    def change(plain):
        plain["strategy_id"] = plain["segment_id"] = HOSTILE
        plain["header"]["instruments"][0]["currency"] = HOSTILE
        plain["header"]["instruments"][1]["currency"] = HOSTILE
        for result in plain["suites"]["g2"]["results"]:
            result["reasons"] = [HOSTILE]
        plain["suites"]["g2"]["results"][-1]["gate"] = HOSTILE

    text = _lying(made, tmp_path, change).to_html()
    assert "<script" not in text and "<img" not in text and "onerror=y&gt;" in text


@pytest.mark.parametrize("value", some(["no number", [[]], 10**400, None, "1e999", [], {}], 3))
def test_figures_that_cannot_be_drawn_are_one_line(made, tmp_path, value):
    def change(plain):
        for suite in plain["suites"].values():
            for result in suite["results"]:
                if result["gate"] == "cost_sensitivity":
                    result["details"]["surface"] = {"net": value}

    with pytest.raises(ReportError, match="details of cost_sensitivity"):
        _lying(made, tmp_path, change).to_html()


def test_a_run_that_is_another_is_refused(report):
    with pytest.raises(ReportError, match="trace_hash"):
        report.to_html(backtest(DATA / "edgeless", "basis_capture"))


def test_a_page_goes_over_no_other_file(made, page, tmp_path):
    target = tmp_path / "x.html"
    target.write_text("mine")
    with pytest.raises(ReportError, match="is not a page"):
        save_page(page, target)
    assert target.read_text() == "mine"
    words = f"report html --report {made}/r.json --segment-dir {DATA}/planted --out {target}"
    assert main_crypto(words.split()) == 2
    save_page(page, tmp_path / "y.html")
    save_page(page, tmp_path / "y.html")
    assert (tmp_path / "y.html").read_text("utf-8") == page


def test_report_html_refuses_another_segment(made, tmp_path, capsys):
    words = (
        f"report html --report {made}/r.json --segment-dir {DATA}/edgeless --out {tmp_path}/a.html"
    )
    assert main_crypto(words.split()) == 2
    assert "header.segment_digest" in capsys.readouterr().err


def test_pictures_are_drawn_on_axes_that_are_given(report):
    import matplotlib
    from matplotlib.figure import Figure

    run = backtest(DATA / "planted", "basis_capture")
    for draw in (plots.price, plots.equity, plots.drawdown, plots.basis, plots.positions):
        ax = Figure().add_subplot()
        assert draw(run, ax=ax) is ax and ax.has_data()
    for draw in (
        plots.p_values,
        plots.delay_curve,
        plots.walk_forward_folds,
        plots.regime_bars,
        plots.cost_surface,
        plots.setting_map,
    ):
        ax = Figure().add_subplot()
        assert draw(report, ax=ax) is ax and ax.has_data()
    drawn = []
    for found in (report, run):  # the report's amounts were wanted as a mapping, which nobody has
        ax = Figure().add_subplot()
        assert plots.waterfall(found, ax=ax) is ax and ax.get_ylabel() == "USDT"
        drawn.append([round(bar.get_height(), 6) for bar in ax.patches])
    assert drawn[0] == drawn[1] and drawn[0][0] == pytest.approx(float(run.gross))
    assert plots.waterfall({"gross": 2.0, "fees": -1.0}).has_data()
    with pytest.raises(ReportError, match="has no money"):
        plots.waterfall(replace(report, results=()))
    assert plots.null_gates(report) == ["random_sides"]
    assert plots.null_distribution(report, "random_sides").has_data()
    assert report.plot().get_figwidth() == 10 and run.plot(narrow=True).get_figwidth() < 5
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()


def test_what_did_not_run_is_said(report):
    alone = run_gates(
        open_segment(DATA / "planted"),
        "basis_capture",
        policy=GatePolicy(suites={"g2": ["equity"]}),
    )
    with pytest.raises(ReportError, match="the gate did not run"):
        plots.delay_curve(alone)
    assert "holds it" in alone.to_html()
    run = backtest(DATA / "planted", "basis_capture")
    with pytest.raises(InputError, match="BTCUSDT, BTCUSDT-PERP"):
        plots.price(run, "ETHUSDT")


def test_loading_the_library_loads_no_drawing():
    code = "import sys, quantlaxmi.report; print({'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_of_many_instruments_the_page_names_those_that_were_traded() -> None:
    listed = {"instruments": [{"symbol": f"S{k}"} for k in range(8)]}
    report: Any = SimpleNamespace(header=listed)
    fills = np.array([(5,), (2,), (5,)], dtype=[("instrument", "<i8")])
    run: Any = SimpleNamespace(n_fills=3, exact=SimpleNamespace(fills=fills))
    assert pages._instruments(report, run) == "traded: S2, S5; 8 instruments in all"
    assert pages._instruments(report, None) == "S0, S1, S2, S3, S4, S5 and 2 more"
