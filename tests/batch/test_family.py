"""A family over the engine: further draws continue the gate's, and stages end at the same place."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest

from quantlaxmi.batch import Catalog, family, plan, sweep
from quantlaxmi.batch.family_draws import family_draws
from quantlaxmi.batch.figures import figures_of
from quantlaxmi.batch.inference import count_bounds
from quantlaxmi.batch.plan import ENGINE_VERSION
from quantlaxmi.batch.records import Drawn, Family, Figures, Finished, KindCounts, Planned
from quantlaxmi.batch.tasks import task_of
from quantlaxmi.batch.worker import run_item
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.suites import left_out
from quantlaxmi.segment import open_segment
from tests.batch.catalogs import DATA

TENTH = Fraction(1, 10)
#: The two tests of an item and a guard, which is not the whole suite; every draw runs one setting.
TESTS = {"suites": {"g2": ["net_positive", "equity", "market_null"]}}
FEW_DRAWS = GatePolicy(
    **TESTS, market_null={"n_draws": 49, "n_draws_extended": 49, "grid_search": "off"}
)
#: Every gate that decides. Where two round trips are enough nearly every draw counts.
WHOLE = GatePolicy(
    suites={"g2": left_out("g2", ())},
    min_trades=2,
    market_null={"n_draws": 199, "n_draws_extended": 199, "grid_search": "off"},
    random_entry={"n_sims": 199, "n_neutral_pairs": 99},
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def task_for(made, segment, **changes):
    from dataclasses import replace

    return replace(task_of(made.items[0], made, segment.path), length=19_999, **changes)


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_draws_of_a_family_are_those_of_the_gate(name):
    segment = open_segment(DATA / name)
    made = plan([DATA / name], ["basis_capture"], policy=FEW_DRAWS, full=True)
    report, _ = run_item(task_for(made, segment), segment, None)
    figures = figures_of(report)
    drawn = family_draws(task_for(made, segment, draws=49), segment)
    for own, found in (
        (figures.drifting, drawn.drifting),
        (figures.driftless, drawn.driftless),
    ):
        assert own is not None
        assert len(found.first) == found.exceedances
        assert sum(place <= own.draws for place in found.first) == min(own.exceedances, 10)
        if own.stopped:  # the gate stops at an exceedance, and that is its place
            assert found.first[own.exceedances - 1] == own.draws
        else:
            assert found.draws == own.draws == 49 <= found.tried
        bounds = count_bounds(found, 19_999)
        gate = count_bounds(own, 19_999)
        assert gate.lower <= bounds.lower and bounds.upper <= gate.upper


def test_draws_go_on_where_they_were_left(planted):
    made = plan([DATA / "planted"], ["basis_capture"], policy=FEW_DRAWS, full=True)
    whole = family_draws(task_for(made, planted, draws=60), planted)
    drawn = None
    for stop in (1, 7, 23, 60):
        drawn = family_draws(task_for(made, planted, draws=stop, drawn=drawn), planted)
    assert drawn == whole
    assert whole.drifting.draws == 60 or len(whole.drifting.first) == 10


def test_a_sweep_draws_on_until_every_discovery_is_known(tmp_path):
    """Five refused items stand in the family with p = 1, so 199 draws do not decide."""
    for k in range(5):
        (tmp_path / f"broken-{k}").mkdir()
        (tmp_path / f"broken-{k}" / "segment.json").write_text("{}")
    segments = [DATA / "planted", tmp_path / "broken-*"]
    where = {"catalog": tmp_path / "c", "policy": WHOLE, "workers": 1}
    events = []
    sweep(segments, ["basis_capture"], max_draws=199, **where)
    found = family(Catalog.open(tmp_path / "c"))
    assert found.discoveries == () and len(found.unresolved) == 1
    assert (len(found.items), found.length, found.anytime) == (6, 19_999, False)
    sweep(segments, ["basis_capture"], log=events.append, **where)
    catalog = Catalog.open(tmp_path / "c")
    found = family(catalog)
    (one,) = found.discoveries
    assert one.row.planned.strategy_id == "basis_capture" and found.unresolved == ()
    assert one.bounds.upper <= TENTH / 6 and one.draws == 1_999
    assert [event["most"] for event in events if event["event"] == "draws"] == [1_999]
    assert sorted(item.why for item in found.items) == ["", *["refused"] * 5]
    assert [line.items for line in catalog.families] == [6]
    assert catalog.table()["p_market_drift_draws"].count(1_999) == 1
    assert catalog.view() == "current"  # the second sweep made draws and no item


def test_a_family_that_grew_draws_on_as_another_does(tmp_path):
    """Segments that were added had the draws of their gate and no other: no edge of theirs was ever
    found, and none was unresolved.
    """
    for k in range(5):
        (tmp_path / f"broken-{k}").mkdir()
        (tmp_path / f"broken-{k}" / "segment.json").write_text("{}")
    where = {"catalog": tmp_path / "c", "policy": WHOLE, "workers": 1}
    sweep([tmp_path / "broken-0"], ["basis_capture"], **where)
    writer = Catalog.open(tmp_path / "c").writer()
    writer.add([Family(engine_version=ENGINE_VERSION, items=1, draws=19_999, q=".1")])
    writer.flush()
    writer.close()
    segments, events = [DATA / "planted", tmp_path / "broken-*"], []
    sweep(segments, ["basis_capture"], max_draws=199, **where)
    found = family(Catalog.open(tmp_path / "c"))
    assert found.anytime and found.discoveries == () and len(found.unresolved) == 1
    sweep(segments, ["basis_capture"], log=events.append, **where)
    found = family(Catalog.open(tmp_path / "c"))
    (one,) = found.discoveries
    assert found.anytime and found.unresolved == () and one.draws == 1_999
    assert one.bounds.upper == Fraction(10, 1_999 + 10 - one.exceedances)
    assert [event["most"] for event in events if event["event"] == "draws"] == [1_999]


def test_a_policy_that_leaves_out_a_guard_buys_no_discovery(tmp_path):
    """The planted edge passes both tests, of a suite that lacks one guard: p = 1, and no draws."""
    gutted = WHOLE.replace(
        suites={"g2": [name for name in WHOLE.suites["g2"] if name != "random_entry"]}
    )
    events = []
    sweep(
        [DATA / "planted"],
        ["basis_capture"],
        catalog=tmp_path / "c",
        policy=gutted,
        workers=1,
        log=events.append,
    )
    catalog = Catalog.open(tmp_path / "c")
    (row,) = catalog.rows.values()
    assert row.finished.figures.verdict == "INCONCLUSIVE"
    assert (row.finished.figures.excluded, row.finished.figures.funnel) == ("policy", "policy")
    found = family(catalog)
    (one,) = found.items
    assert (one.why, one.bounds.lower) == ("policy", 1) and found.global_p == 1
    assert found.discoveries == found.unresolved == ()
    assert not [event for event in events if event["event"] == "draws"]


def figures(p_equity, b, draws=199, **more):
    counts = KindCounts(draws=draws, exceedances=b)
    return Figures(
        verdict="PASS",
        config_hash="0" * 64,
        report_hash="0" * 64,
        drifting=counts,
        driftless=counts,
        p_equity=p_equity,
        **more,
    )


def made_catalog(folder, entries, *, version="0.1.0/5"):
    """A catalog whose journal says these figures; None for an item that is not finished."""
    catalog = Catalog.create(folder)
    writer = catalog.writer()
    before = len(catalog.rows)
    for k, entry in enumerate(entries, before):
        key = f"{k:064x}"
        writer.add(
            [
                Planned(
                    key=key,
                    segment_id=f"segment-{k}",
                    strategy_id="toy",
                    run_hash="0" * 64,
                    policy_hash="0" * 64,
                    engine_version=version,
                    gates="g2",
                )
            ]
        )
        if isinstance(entry, Figures):
            writer.add([Finished(key=key, status="done", figures=entry, report="0" * 64)])
        elif entry is not None:
            writer.add([Finished(key=key, status=entry, error="it did")])
    writer.flush()
    writer.close()
    return catalog.refresh()


def test_what_has_no_p_of_its_own_counts_with_one(tmp_path):
    entries = [
        figures(0.001, 0),
        figures(0.001, 0, excluded="delay"),
        figures(None, 0),
        "failed",
        "crashed",
        "refused",
        None,
    ]
    found = family(made_catalog(tmp_path / "c", entries))
    assert len(found.items) == 7
    assert [item.why for item in found.items] == [
        "",
        "delay",
        "no p of its own",
        "failed",
        "crashed",
        "refused",
        "unfinished",
    ]
    assert all(item.bounds.lower == 1 for item in found.items[1:])
    assert found.discoveries == () and [one.key for one in found.unresolved] == ["0" * 64]
    assert found.global_p == 7 * Fraction(10, 209)


def test_the_larger_of_both_p_decides(tmp_path):
    found = family(made_catalog(tmp_path / "c", [figures(0.3, 0), figures(0.001, 9)]))
    assert found.items[0].bounds.lower == Fraction(3, 10)
    assert found.items[1].bounds.upper == Fraction(10, 200)


def test_premiums_are_listed_apart(tmp_path):
    found = family(made_catalog(tmp_path / "c", [figures(0.001, 60, edge="premium")]))
    assert [one.key for one in found.premiums] == ["0" * 64] and found.discoveries == ()


def test_one_version_at_a_time_and_the_others_are_named(tmp_path):
    made_catalog(tmp_path / "c", [figures(0.001, 0)] * 2, version="0.1.0/5")
    catalog = made_catalog(tmp_path / "c", [figures(0.001, 0)], version="0.10.0/5")
    found = family(catalog)
    assert (found.version, len(found.items)) == ("0.10.0/5", 1)
    assert found.other_versions == {"0.1.0/5": 2}
    assert len(family(catalog, version="0.1.0/5").items) == 2
    with pytest.raises(ConfigError, match="expected one of"):
        family(catalog, version="7/7")


def test_a_family_that_grew_after_its_draws_takes_anytime_p(tmp_path):
    catalog = made_catalog(tmp_path / "c", [figures(0.001, 0)])
    writer = catalog.writer()
    drawn = KindCounts(draws=1_999, exceedances=2, tried=1_999, first=(5, 900))
    writer.add([Family(engine_version="0.1.0/5", items=1, draws=19_999, q=".1")])
    writer.add([Drawn(key="0" * 64, drifting=drawn, driftless=drawn)])
    writer.flush()
    writer.close()
    assert not family(catalog.refresh()).anytime
    catalog = made_catalog(tmp_path / "c", [figures(0.4, 30)])
    found = family(catalog)
    assert found.anytime and found.items[0].bounds.upper == Fraction(10, 1_999 + 8)
    assert found.items[0].bounds.lower == Fraction(1, 1000)  # of its equity: draws may go on
    assert [one.key for one in found.discoveries] == ["0" * 64]


def test_draws_that_cannot_be_made_leave_no_p(tmp_path):
    catalog = made_catalog(tmp_path / "c", [figures(0.001, 0)])
    writer = catalog.writer()
    few = KindCounts(draws=300, exceedances=0, tried=199_990)
    writer.add([Drawn(key="0" * 64, drifting=few, driftless=few, ended=True)])
    writer.flush()
    writer.close()
    assert family(catalog.refresh()).items[0].why == "its draws cannot be made"


def test_a_rate_or_method_that_cannot_be_is_refused(tmp_path):
    catalog = made_catalog(tmp_path / "c", [figures(0.001, 0)])
    for options, said in (({"q": Fraction(0)}, "--q"), ({"method": "holm"}, "bh or by")):
        with pytest.raises(ConfigError, match=said):
            family(catalog, **options)
    assert msgspec.structs.asdict(catalog.rows["0" * 64].planned)["gates"] == "g2"


def test_an_item_without_net_positive_has_the_net_of_its_equity(planted):
    """`sweep-report` had met an item with buckets and no net, and ended in an internal error."""
    policy = GatePolicy(suites={"g2": ["equity"]}, min_trades=2)
    made = plan([DATA / "planted"], ["basis_capture"], policy=policy, full=True)
    report, _ = run_item(task_for(made, planted), planted, None)
    (equity,) = (one for suite in report.results for one in suite.results)
    found = figures_of(report)
    assert found.buckets and found.net == equity.details["sum"]


def test_a_grid_that_was_searched_has_its_dsr_and_pbo(planted):
    """They stand in the diagnosis beside the selection gate; rows had neither."""
    from quantlaxmi.strategies.basis_capture import BasisCapture
    from quantlaxmi.strategies.grid_file import Grid

    settings = [BasisCapture.Config(threshold_bps=n) for n in (3, 4, 5)]
    few = GatePolicy(
        suites={"g3": ["selection"]},
        min_trades=2,
        market_null={"n_draws": 19, "n_draws_extended": 19},
    )
    made = plan(
        [DATA / "planted"],
        [BasisCapture],
        grid=Grid.of("basis_capture", settings),
        gates="g3",
        policy=few,
        full=True,
    )
    report, _ = run_item(task_for(made, planted), planted, None)
    found = figures_of(report)
    assert found.settings == 3 and 0 < found.dsr <= 1 and 0 <= found.pbo <= 1
    assert "Deflated Sharpe ratio over 3 trials" in str(report.results)
