"""``compare``: two reports, what differs first; its page and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantlaxmi import run_gates
from quantlaxmi.cli import main_crypto, main_india
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import GateReport, compare_reports
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from tests.browser import NAMES, Browser, find_browser
from tests.report.test_every_field import write

DATA = Path(__file__).resolve().parents[2] / "data"
POLICY = GatePolicy(
    suites={"g2": ["net_positive", "equity", "random_sides"]}, random_sides={"n_draws": 99}
)


def judged(segment: str = "planted", policy: GatePolicy = POLICY, threshold: int = 5) -> GateReport:
    strategy = BasisCapture(BasisCaptureConfig(threshold_bps=threshold))
    return run_gates(DATA / segment, strategy, policy=policy)


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    planted = judged()
    planted.save(folder / "a.json")
    replace(planted, timestamp="2020-01-01T00:00:00Z").save(folder / "later.json")
    judged("edgeless").save(folder / "edgeless.json")
    judged(policy=POLICY.replace(alpha="0.01")).save(folder / "policy.json")
    fewer = POLICY.replace(suites={"g2": ["net_positive", "equity"]})
    judged(policy=fewer).save(folder / "fewer.json")
    return folder


def compared(reports: Path, capsys, other: str, *words: str) -> tuple[int, str]:
    code = main_crypto(["compare", f"{reports}/a.json", f"{reports}/{other}.json", *words])
    return code, capsys.readouterr().out


def test_equal_reports_of_other_times_exit_0(reports, capsys) -> None:
    code, out = compared(reports, capsys, "later")
    assert code == 0 and out.startswith("REPORTS_EQUAL\n")
    code, out = compared(reports, capsys, "later", "--json")
    assert code == 0 and json.loads(out)["differences"] == []


def test_the_first_difference_is_what_decides_first(reports, capsys) -> None:
    for other, section, field in (
        ("edgeless", "header", "segment_id"),
        ("policy", "settings", "seed"),
        ("fewer", "settings", "seed"),
    ):
        code, out = compared(reports, capsys, other, "--json")
        found = json.loads(out)
        assert code == 1 and found["result"] == "REPORTS_DIFFER"
        first = found["differences"][0]
        assert (first["section"], first["field"]) == (section, field)
        order = ["header", "settings", "verdict", "gates", "money", "figures"]
        places = [order.index(one["section"]) for one in found["differences"]]
        assert places == sorted(places)


def test_gates_and_money_are_compared_by_name(reports, capsys) -> None:
    found = json.loads(compared(reports, capsys, "edgeless", "--json")[1])["differences"]
    by_field = {(one["section"], one["field"]): one for one in found}
    equity = by_field["gates", "equity verdict"]
    assert (equity["first"], equity["second"]) == ("PASS", "FAIL")
    a, b = (json.loads((reports / f"{n}.json").read_text()) for n in ("a", "edgeless"))
    for name in ("net", "gross", "fees"):
        own = (one["suites"]["g2"]["results"][0]["details"][name] for one in (a, b))
        assert tuple(by_field["money", name][k] for k in ("first", "second")) == tuple(own)
    fewer = json.loads(compared(reports, capsys, "fewer", "--json")[1])["differences"]
    lacking = [one for one in fewer if one["field"] == "random_sides" and one["section"] == "gates"]
    assert [(one["first"], one["second"]) for one in lacking] == [("SHOWN", "absent")]
    limits = json.loads(compared(reports, capsys, "policy", "--json")[1])["differences"]
    changed = [one for one in limits if one["field"] == "equity limit"]
    assert [(one["first"], one["second"]) for one in changed] == [("0.05", "0.01")]


def test_reports_are_equal_exactly_where_nothing_differs(reports) -> None:
    one, other = judged(), judged(threshold=6)
    assert compare_reports(one, one).equal and not compare_reports(one, one).differences
    found = compare_reports(one, other)
    assert not found.equal and found.differences[0].section == "header"
    assert ("config.threshold_bps", "5", "6") in [
        (d.field, d.first, d.second) for d in found.differences
    ]


def test_the_page_and_the_text(reports, capsys, tmp_path) -> None:
    code, out = compared(reports, capsys, "edgeless", "--html", f"{tmp_path}/c.html")
    assert code == 1 and out.startswith("REPORTS_DIFFER\n") and "segment_id" in out
    page = (tmp_path / "c.html").read_text("utf-8")
    assert "<script" not in page and "default-src 'none'" in page
    assert page.index("segment_<wbr>id") < page.index('id="gates"') < page.index('id="money"')
    assert "equity ≠" in page
    compared(reports, capsys, "edgeless", "--html", f"{tmp_path}/c.html")
    assert (tmp_path / "c.html").read_text("utf-8") == page


#: Cells with text of which a line ends within a word, outside of values.
BROKEN = """[...document.querySelectorAll('td:not(.value)')].flatMap(cell => {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
  for (let node; (node = walk.nextNode());)
    for (const word of node.data.matchAll(/[\\w.]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index); range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) found.push(word[0]);
    }
  return found;
})"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_breaks_no_word_and_does_not_scroll(reports, capsys, tmp_path, width, scheme):
    """A column beside two hashes was so narrow that it had `hea` over `der`."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is on the path")
    compared(reports, capsys, "policy", "--html", f"{tmp_path}/c.html")
    browser = Browser(path, tmp_path / "browser")
    try:
        browser.show(tmp_path / "c.html", width, scheme)
        assert browser.value(BROKEN) == []
        # On a narrow screen a row is a block: two values side by side had five letters a line.
        room = "Math.min(...[...document.querySelectorAll('#differences .value')].map(%s))"
        assert browser.value(room % "v => v.getBoundingClientRect().width") > 150
        assert browser.value("document.documentElement.scrollWidth") == width
        assert browser.problems == []
    finally:
        browser.close()


def test_a_page_escapes_what_a_report_says(reports, tmp_path) -> None:
    one = judged()
    from quantlaxmi.report.html.compare_page import comparison_page

    page = comparison_page(compare_reports(one, replace(one, strategy_id="<b onload=x>").sealed()))
    assert "<b onload" not in page and "&lt;b onload=x&gt;" in page


@pytest.mark.parametrize("main", [main_crypto, main_india])
def test_bad_input_is_one_line_and_exit_2(reports, capsys, tmp_path, main) -> None:
    (tmp_path / "empty.json").write_text("")
    whole = (reports / "a.json").read_bytes()
    (tmp_path / "cut.json").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "edited.json").write_bytes(whole.replace(b'"PASS"', b'"FAIL"', 1))
    a = f"{reports}/a.json"
    for words in (
        [a],
        [a, f"{tmp_path}/none.json"],
        [a, f"{tmp_path}/empty.json"],
        [f"{tmp_path}/cut.json", a],
        [a, f"{tmp_path}/edited.json"],
        [a, a, "--html", f"{tmp_path}/page.txt"],
        [a, a, "--html", a],
    ):
        assert main(["compare", *words]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("p_value", "x"), ("p_value", [1]), ("buckets", None), ("alpha", None)]
)
def test_a_forged_report_is_one_line_and_exit_2(reports, capsys, tmp_path, name, value) -> None:
    """Its hashes are those of what it says, and a figure is none."""
    plain = json.loads((reports / "a.json").read_text())
    if name == "alpha":
        del plain["policy"]["alpha"]
    else:
        plain["suites"]["g2"]["results"][1]["details"][name] = value
    write(tmp_path / "forged.json", plain)
    assert main_crypto(["compare", f"{reports}/a.json", f"{tmp_path}/forged.json"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "internal error" not in err
    assert "has figures that cannot be compared" in err


def test_a_result_that_stands_twice_hides_nothing(reports) -> None:
    one = judged()
    twice = json.loads(json.dumps(one.suites))
    twice["g2"]["results"].append(twice["g2"]["results"][0])
    found = compare_reports(one, replace(one, suites=twice).sealed())
    assert not found.equal and found.differences[-1].field == "net_positive #2"
