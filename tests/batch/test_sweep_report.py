"""What a sweep's report says of a family: discoveries, what they earn, strategies, the page."""

from __future__ import annotations

import json
import math
import os
import re
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist
from urllib.parse import unquote

import pytest

from quantlaxmi.batch import family, page
from quantlaxmi.batch.by_strategy import by_strategy, time_clusters
from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.records import Figures, Finished, KindCounts, Planned
from quantlaxmi.batch.report_files import report_name
from quantlaxmi.batch.summary import family_summary
from quantlaxmi.batch.survivors import shrunk_means, survivors
from quantlaxmi.cli import main_crypto
from quantlaxmi.stats.benjamini import harmonic

TENTH = Fraction(1, 10)
DAY = 86_400 * 10**9


def figures(p=0.0001, first=None, t=4.0, **more):
    """Figures of an item whose equity has this t, with all draws made unless `first` is given."""
    counts = KindCounts(draws=19_999, exceedances=len(first or ()), first=tuple(first or ()))
    return Figures(
        verdict="PASS",
        config_hash="0" * 64,
        report_hash="0" * 64,
        drifting=counts,
        driftless=counts,
        p_equity=p,
        mean=f"{0.9 * t / math.sqrt(200):.9g}",  # with the worst bucket once more: not the net
        net=f"{t * math.sqrt(200):.9g}",
        sd="1",
        buckets=200,
        currency="USDT",
        **more,
    )


NO_EDGE = {"p": 0.6, "first": (1, 2, 3, 5, 7, 8, 9, 11, 12, 14), "t": 0.0, "funnel": "equity"}


def catalog_of(folder, entries, segment="segment-{k}<b>", error="its <reason>"):
    """A catalog of (strategy, day, figures or status)."""
    catalog = Catalog.create(folder)
    writer = catalog.writer()
    for k, (strategy, day, entry) in enumerate(entries):
        key = f"{k:064x}"
        writer.add(
            [
                Planned(
                    key=key,
                    segment_id=segment.format(k=k, day=day),
                    strategy_id=strategy,
                    run_hash="0" * 64,
                    policy_hash="0" * 64,
                    engine_version="0.1.0/5",
                    gates="g2",
                    rows=10,
                    first_ts_ns=day * DAY,
                    last_ts_ns=(day + 1) * DAY - 1,
                )
            ]
        )
        if isinstance(entry, Figures):
            writer.add([Finished(key=key, status="done", figures=entry, report="0" * 64)])
        else:
            writer.add([Finished(key=key, status=entry, error=error)])
    writer.flush()
    writer.close()
    return catalog.refresh()


@pytest.fixture
def mixed(tmp_path):
    """Twelve days: strategy a has an edge on three of them, b on none; one item failed."""
    entries = [("a", day, figures() if day < 3 else figures(**NO_EDGE)) for day in range(12)]
    entries += [("b", day, figures(**NO_EDGE)) for day in range(11)]
    return catalog_of(tmp_path / "c", [*entries, ("b", 11, "crashed")])


def test_survivors_have_an_end_that_allows_for_the_selection(mixed):
    found = family(mixed)
    rows = survivors(found)
    assert [one.item.key for one in rows] == [f"{k:064x}" for k in range(3)]
    z = NormalDist().inv_cdf(1 - 3 * 0.1 / 24)
    for one in rows:
        assert one.net == pytest.approx(4 * math.sqrt(200))
        assert one.lower == pytest.approx((4 - z) * math.sqrt(200))
        assert one.shrunk is None


def test_means_are_shrunk_in_large_families(tmp_path):
    ts = [-2.0, -1.0, 0.0, 1.0, 2.0] * 40
    entries = [("a", 0, figures(**{**NO_EDGE, "t": t})) for t in ts]
    items = family(catalog_of(tmp_path / "c", entries)).items
    means = shrunk_means(items)
    variance = sum(t * t for t in ts) / 199
    for one, t in zip(items, ts, strict=True):
        expected = (1 - 1 / variance) * t * math.sqrt(200)
        assert means[one.key] == pytest.approx(expected, abs=1e-6)
    assert shrunk_means(items[:199]) == {}
    narrow = [("a", 0, figures(**{**NO_EDGE, "t": t / 4})) for t in ts]
    found = shrunk_means(family(catalog_of(tmp_path / "d", narrow)).items)
    assert max(abs(v) for v in found.values()) < 1e-6


def test_strategies_are_judged_before_their_items(mixed):
    a, b = by_strategy(family(mixed))
    assert (a.strategy, a.items, a.selected, len(a.found)) == ("a", 12, True, 3)
    assert (b.selected, b.found, b.clusters) == (False, (), 11)
    assert a.global_p == 12 * Fraction(1, 10_000) / 3
    assert a.clusters == 12 and a.mean_t == pytest.approx(1.0)
    # mean 1 and standard deviation sqrt(12 * 3/12 * 9/12 ... ) of three fours among twelve
    values = [4.0] * 3 + [0.0] * 9
    sd = math.sqrt(sum((v - 1) ** 2 for v in values) / 11)
    from scipy.stats import t as student

    assert a.mean_p == pytest.approx(student.sf(1 / (sd / math.sqrt(12)), 11))


def test_times_that_overlap_are_one():
    assert time_clusters([]) == []
    assert time_clusters([(0, 1), (1, 2), (3, 4)]) == [[0, 1], [2]]
    assert time_clusters([(5, 6), (0, 100), (50, 60), (101, 102)]) == [[1, 0, 2], [3]]


def test_few_times_give_no_p(tmp_path):
    entries = [("a", day // 4, figures()) for day in range(36)]
    (row,) = by_strategy(family(catalog_of(tmp_path / "c", entries)))
    assert row.clusters == 9 and row.mean_t is not None and row.mean_p is None


def test_the_summary_has_everything_once(mixed):
    facts = family_summary(family(mixed))
    assert (facts["items"], facts["alone_at_5_percent"]) == (24, 3)
    assert facts["funnel"] == {"equity": 20, "passed all": 3}
    assert facts["status"] == {"crashed": 1, "done": 23}
    assert [one["error"] for one in facts["failed"]] == ["its <reason>"]
    assert facts["unresolved"] == [] and len(facts["discoveries"]) == 3
    json.dumps(facts, allow_nan=False)


def test_unresolved_says_what_it_would_take(tmp_path, capsys):
    counts = KindCounts(draws=199, exceedances=0)
    import msgspec

    still = msgspec.structs.replace(figures(), drifting=counts, driftless=counts)
    entries = [("a", 0, still)] + [("a", k, figures(**NO_EDGE)) for k in range(1, 50)]
    found = family(catalog_of(tmp_path / "c", entries))
    (one,) = family_summary(found)["unresolved"]
    assert one["would_take"] == 4_990  # 10/(4990 + 10) = 0.1/50
    (by,) = family_summary(family(Catalog.open(tmp_path / "c"), method="by"))["unresolved"]
    needed = math.ceil(10 * 50 * harmonic(50) / TENTH) - 10
    assert by["would_take"] == min(needed, 19_999) > 4_990
    assert one["draws"] == 199
    written = tmp_path / "sweep.html"
    where = ["sweep-report", "--catalog", str(tmp_path / "c"), "--html", str(written)]
    assert main_crypto(where) == 0
    for text in (capsys.readouterr().out, written.read_text()):
        assert (
            "unless max_draws ends them" in " ".join(text.split())
            and "further draws decide" in text
        )
    tables = re.findall(r"(.*)<table>", written.read_text())
    assert tables.count('<div class="wide">') == len(tables) - 1  # but the funnel


def test_the_command_prints_json_and_a_page(mixed, tmp_path, capsys):
    where = ["sweep-report", "--catalog", str(mixed.folder)]
    assert main_crypto(where) == 0
    out = capsys.readouterr().out
    assert "segment-0<b>" in out and "Failed to run" in out and "its <reason>" in out
    written = tmp_path / "sweep.html"
    assert main_crypto([*where, "--json", "--html", str(written)]) == 0
    assert json.loads(capsys.readouterr().out) == family_summary(family(mixed))
    text = written.read_text()
    assert "<script" not in text and "<b>" not in re.sub(r"<b>[^<]*</b>", "", text)
    assert text.count("<rect") >= 24 + 20 and "segment-0&lt;b&gt;" in text
    assert text.count('stroke-width="3"') == 3 and text.count(">×<") == 1
    assert main_crypto([*where, "--q", "0.00001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["discoveries"] == []


@pytest.mark.parametrize("place", ["sweep.html", "a b/sweep.html", "c/sweep.html"])
def test_links_of_a_page_lead_to_the_reports_from_where_it_lies(mixed, tmp_path, place):
    """They were relative to the catalog's folder, and dead on every page beside it."""
    written = tmp_path / place
    written.parent.mkdir(exist_ok=True)
    where = ["sweep-report", "--catalog", str(mixed.folder), "--html", str(written)]
    assert main_crypto(where) == 0
    links = re.findall(r'href="([^"]*)"', written.read_text())
    expected = {mixed.folder / report_name(one.key) for one in family(mixed).discoveries}
    assert len(links) == 3
    assert {Path(os.path.normpath(written.parent / unquote(link))) for link in links} == expected


def test_a_column_of_the_heat_map_is_a_segment(tmp_path):
    """Strategy b lacks the first day, and has two items on the last."""
    entries = [("a", day, figures(**NO_EDGE)) for day in range(3)]
    entries += [("b", 1, figures()), ("b", 2, figures()), ("b", 2, "crashed")]
    catalog = catalog_of(tmp_path / "c", entries, segment="day-{day}")
    heat = page._heat_map(family(catalog), 100)
    places = {(one["title"].partition(":")[0], one["x"]) for one in heat["cells"]}
    assert len(places) == 3 and len({x for _, x in places}) == 3
    rows = [(one["x"], one["y"]) for one in heat["cells"]]
    assert len(set(rows)) == len(rows) == 6 and len({y for _, y in rows}) == 3
    assert [one["text"] for one in heat["labels"]] == ["day-0 to day-2", "a", "b"]
    assert page._heat_map(family(catalog), 4)["more"] == 2


def test_the_funnel_counts_down_in_the_order_of_the_gates(tmp_path):
    stops = ["market_null"] * 3 + ["net_positive"] * 2 + ["walk_forward", "policy", "delay", ""]
    entries = [("a", k, figures(**{**NO_EDGE, "funnel": name})) for k, name in enumerate(stops)]
    facts = family_summary(family(catalog_of(tmp_path / "c", [*entries, ("a", 20, "timeout")])))
    found = [(one["gate"], one["n"], one["left"]) for one in page._funnel(facts)]
    assert found == [
        ("planned", None, 10),
        ("did not run", 1, 9),
        ("net_positive", 2, 7),
        ("delay", 1, 6),
        ("market_null", 3, 3),
        ("walk_forward", 1, 2),
        ("policy", 1, 1),
    ]


def test_a_page_of_a_large_family_says_what_it_leaves_out(tmp_path):
    """Long names and reasons made it too large, and then there was none."""
    entries = [("a", k, figures()) for k in range(301)]
    entries += [("b", k, "failed") for k in range(4_000)]
    long = catalog_of(tmp_path / "c", entries, segment="{day}-" + "s" * 240, error="x " * 1000)
    facts = family_summary(family(long))
    text = page.sweep_page(family(long), facts)
    assert len(text) < 1 << 20
    assert re.search(r"\d+ more items are not drawn", text)
    assert len(re.findall(r"\d+ more; sweep-report --json has all", text)) == 2
    assert " …</td>" in text and "x " * 200 not in text


def test_dsr_and_pbo_are_told(tmp_path, capsys):
    entries = [("a", 0, figures(dsr=0.9712, pbo=0.125, settings=4)), ("a", 1, figures(**NO_EDGE))]
    where = ["sweep-report", "--catalog", str(catalog_of(tmp_path / "c", entries).folder)]
    assert main_crypto([*where, "--html", str(tmp_path / "x.html")]) == 0
    (line,) = (one for one in capsys.readouterr().out.splitlines() if "0.9712" in one)
    assert line.split() == ["segment-0<b>", "a", "4", "0.9712", "0.125"]
    assert "<td>0.971</td><td>0.125</td>" in (tmp_path / "x.html").read_text()


def test_a_policy_that_leaves_out_a_gate_is_told(tmp_path, capsys):
    gutted = figures(excluded="policy", funnel="policy")
    catalog = catalog_of(tmp_path / "c", [("a", 0, gutted), ("a", 1, figures(**NO_EDGE))])
    written = tmp_path / "sweep.html"
    where = ["sweep-report", "--catalog", str(catalog.folder), "--html", str(written)]
    assert main_crypto(where) == 0
    out = capsys.readouterr().out
    assert "leaves out a gate that decides: p = 1 for 1 that passed all others" in out
    assert "1 item that passed all others has p = 1" in written.read_text()
    assert main_crypto([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["discoveries"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--q", "0"], "--q"),
        (["--q", "1"], "--q"),
        (["--q", "nan"], "--q"),
        (["--method", "holm"], "bh or by"),
        (["--version", "9/9"], "expected one of"),
        (["--html", "page.txt"], "--html"),
    ],
)
def test_the_command_refuses_in_one_line(mixed, capsys, words, said):
    assert main_crypto(["sweep-report", "--catalog", str(mixed.folder), *words]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_an_empty_catalog_has_nothing(tmp_path, capsys):
    Catalog.create(tmp_path / "c")
    page = tmp_path / "empty.html"
    where = ["sweep-report", "--catalog", str(tmp_path / "c")]
    assert main_crypto([*where, "--html", str(page)]) == 0
    assert "discoveries" in capsys.readouterr().out
    assert "0 discoveries among 0 items" in page.read_text()
