"""Runs in windows: what the naive engine says, by every route and form, and nothing from after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantlaxmi
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.results import Verdict
from quantlaxmi.report.run_gates import run_gates
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import (
    MarketData,
    MemorySegment,
    Window,
    open_segment,
    open_whole,
    split_segment,
)
from tests import cases, random_markets, twins
from tests.depth import examples
from tests.run.test_replay_loop import random_cases

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def ways(planted, tmp_path_factory) -> dict[str, MarketData]:
    """The same rows as a sealed segment, as its parts and in memory."""
    folder = tmp_path_factory.mktemp("parts") / "parts"
    split_segment(planted, folder, rows=5_000)
    tables = {table: planted.columns(table) for table in TABLES}
    memory = MemorySegment(planted.instruments, tables, cadence="events")
    return {"sealed": planted, "parts": open_whole(folder), "memory": memory}


def same_records(run, other):
    for name in twins.TABLES:
        assert getattr(run.exact, name).tobytes() == getattr(other.exact, name).tobytes(), name
    assert (run.exact.accounts, run.exact.cash, run.exact.depth_gaps) == (
        other.exact.accounts,
        other.exact.cash,
        other.exact.depth_gaps,
    )
    assert run.n_messages == other.n_messages
    assert run.exact.last_mids.tolist() == other.exact.last_mids.tolist()


# --- against the naive engine --------------------------------------------------------------------


def check_window(case, first, last, warmup, cuts=()):
    """A window's run, by both routes, is the naive engine's over its rows alone."""
    window = Window(twins.MemorySegment(case.tables, case.instruments), first, last, warmup)
    rows = {table: window.columns(table) for table in TABLES}
    engine, expected = twins.naive_run(replace(case, tables=rows), first_seq=window.first_seq)
    for route, depth in ((None, "live"), (None, "index"), (cuts, "live")):
        run, seen = twins.run_case(case, route, bounds=(first, last, warmup), depth=depth)
        assert seen == expected
        twins.assert_same(run, engine)
        assert not run.n_decisions or run.exact.decisions["seq"][0] >= window.first_seq
    return run, engine


@settings(max_examples=examples(300), deadline=None)
@given(random_cases(), st.data())
def test_random_windows_match_naive(case, data):
    numbers = sorted(set().union(*(t["seq"].tolist() for t in case.tables.values())))
    if not numbers:
        return
    first = data.draw(st.sampled_from(numbers))
    last = data.draw(st.integers(first, numbers[-1]))
    warmup = data.draw(st.none() | st.integers(0, first))
    check_window(case, first, last, warmup, cuts=(3, 10, 11))


@pytest.mark.parametrize("seed", [3, 11, 29])
@pytest.mark.parametrize("latency_ns", [0, 5])
def test_limit_orders_changes_and_cancels_in_windows_match_naive(seed, latency_ns):
    """Orders of the warm-up are over: a change of one inside the window changes nothing."""
    case = replace(
        cases.replay_cases()[0],
        tables=random_markets.random_market(seed, 300),
        schedule=random_markets.random_orders(seed, 300),
        latency_ns=latency_ns,
        universe="coarse",
    )
    seq = case.tables["quotes"]["seq"]
    run, engine = check_window(case, int(seq[len(seq) // 2]), None, None)
    assert run.n_fills
    late = [leg for leg in engine.legs if leg["target"] >= 0]
    own = {row["order"] for row in engine.orders if row["kind"] == 1}
    assert any(leg["target"] not in own for leg in late)
    assert run.exact.orders["order"][0] > 0  # numbers run on from the warm-up


# --- by every route, form and source -------------------------------------------------------------


def bounds(segment):
    span = segment.last_seq - segment.first_seq
    return segment.first_seq + span // 3, segment.first_seq + 2 * span // 3


@pytest.mark.parametrize("warm", ["all", "some", "none"])
def test_every_source_route_and_form_gives_the_same_run(ways, warm):
    first, last = bounds(ways["sealed"])
    begin = {"all": None, "some": first - 2_000, "none": first}[warm]
    expected = backtest(Window(ways["sealed"], first, last, begin), "basis_capture")
    assert expected.n_fills
    assert expected.exact.decisions["seq"][0] >= first
    assert expected.exact.decisions["seq"][-1] <= last
    assert expected.exact.accounts == replay(expected.segment, "basis_capture").exact.accounts
    for name, source in ways.items():
        window = Window(source, first, last, begin)
        runs = [backtest(window, "basis_capture"), replay(window, "basis_capture")]
        runs.append(backtest(window, "basis_capture", interpreted=True))
        for run in runs:
            same_records(run, expected)
            if name != "memory":  # which has a digest of its own
                assert run.trace.trace_hash == expected.trace.trace_hash
                assert run.trace.outcome_hash == expected.trace.outcome_hash
        assert len({run.trace.trace_hash for run in runs}) == 1


@pytest.mark.parametrize("way", ["sealed", "parts", "memory"])
def test_the_whole_as_a_window_is_the_run_over_the_whole(ways, way):
    whole, window = backtest(ways[way], "basis_capture"), Window(ways[way])
    for route in (backtest, replay):
        run = route(window, "basis_capture")
        same_records(run, whole)
        assert run.header.segment_digest != whole.header.segment_digest


def test_a_run_in_memory_is_the_run_of_the_sealed_segment(ways):
    expected = backtest(ways["sealed"], "basis_capture")
    for run in (backtest(ways["memory"], "basis_capture"), replay(ways["memory"], "basis_capture")):
        same_records(run, expected)


def test_warm_up_moves_decisions_and_the_window_begins_flat(planted):
    first, last = bounds(planted)
    warm, cold = (
        backtest(Window(planted, first, last, begin), "basis_capture") for begin in (None, first)
    )
    whole = backtest(planted, "basis_capture")
    assert warm.exact.decisions.tobytes() != cold.exact.decisions.tobytes()
    assert (whole.exact.decisions["seq"] < first).any()  # the warm-up did decide
    assert warm.exact.decisions["sequence"].tolist() == list(range(warm.n_decisions))
    signed = warm.exact.fills["side"] * warm.exact.fills["qty"]
    for i in range(len(planted.instruments)):
        mine = warm.exact.fills["instrument"] == i
        assert np.cumsum(signed[mine]).tolist() == warm.exact.fills["position"][mine].tolist()


# --- what comes after is never read --------------------------------------------------------------


def poisoned(segment, last):
    """The same rows up to a message; after it other prices, sizes and times."""
    tables = {}
    rng = np.random.default_rng(1)
    for table in TABLES:
        columns = {name: column.copy() for name, column in segment.columns(table).items()}
        after = columns["seq"] > last
        for name in ("bid", "ask", "price", "mark", "index", "rate", "qty", "bid_qty", "ask_qty"):
            if name in columns:
                columns[name][after] = rng.integers(1, 1 << 40, int(after.sum()))
        for name in ("ts_ns", "exch_ts_ns"):
            columns[name][after] += 3_600 * 10**9
        tables[table] = columns
    return MemorySegment(segment.instruments, tables)


@pytest.mark.parametrize("flatten", [False, True])
def test_rows_after_the_window_do_not_matter(ways, flatten):
    first, last = bounds(ways["memory"])
    clean, other = (
        Window(ways["memory"], first, last),
        Window(poisoned(ways["memory"], last), first, last),
    )
    assert clean.source.digest != other.source.digest
    for route in (backtest, replay):
        expected = route(clean, "basis_capture", flatten=flatten)
        same_records(route(other, "basis_capture", flatten=flatten), expected)
    assert expected.n_fills


def test_rows_before_the_warm_up_do_not_matter(ways):
    first, last = bounds(ways["memory"])
    begin = first - 1_000
    tables = {}
    for table in TABLES:
        columns = {n: c.copy() for n, c in ways["memory"].columns(table).items()}
        for name in ("bid", "ask", "price", "mark"):
            if name in columns:
                columns[name][columns["seq"] < begin] //= 2
        tables[table] = columns
    other = MemorySegment(ways["memory"].instruments, tables)
    expected = backtest(Window(ways["memory"], first, last, begin), "basis_capture")
    same_records(backtest(Window(other, first, last, begin), "basis_capture"), expected)


# --- gates ---------------------------------------------------------------------------------------


SMALL = GatePolicy(
    min_trades=2,
    random_sides={"n_draws": 100},
    random_entry={"n_sims": 100, "n_neutral_pairs": 100},
    label_permutation={"n_perms": 100},
    market_null={"n_draws": 20, "n_draws_extended": 20},
    look_ahead={"n_beginnings": 4},
)


@pytest.mark.parametrize("way", ["sealed", "parts", "memory"])
def test_gates_judge_a_window(ways, way):
    first, last = bounds(ways[way])
    window = Window(ways[way], first, last)
    report = run_gates(window, "basis_capture", policy=SMALL)
    assert report.segment_id == window.segment_id
    assert report.header["segment_digest"] == window.digest
    suite = report.results[0]
    assert suite.look_ahead.verdict is Verdict.PASS
    assert Verdict.INCONCLUSIVE not in {result.verdict for result in suite.results}
    run = backtest(window, "basis_capture")
    points = G2AntiOverfitSuite.from_run(run, policy=SMALL).context.decision_points
    assert (points.seq[0] >= first) and (points.seq[-1] <= last)


def test_decision_points_of_a_window_are_those_of_the_whole_inside_it(planted):
    first, last = bounds(planted)
    bundle = ((0, 10**6), (1, -(10**6)))
    whole = decision_points(backtest(planted, "basis_capture"), [bundle])
    window = Window(planted, first, last)
    points = decision_points(backtest(window, "basis_capture"), [bundle])
    inside = (whole.seq >= first) & (whole.seq <= last)
    n = int(inside.sum())
    assert points.seq[:n].tolist() == whole.seq[inside].tolist()
    assert list(points.mid2) == list(whole.mid2)
    for i, mid2 in points.mid2.items():
        assert np.array_equal(mid2[:n], whole.mid2[i][inside])
    a, b = points.cost(bundle), whole.cost(bundle)
    met = a.fillable[:n]  # what arrives after the window does not arrive
    assert (b.fillable[inside] | ~met).all()
    assert np.array_equal(a.values[:n][met] * a.unit, b.values[inside][met] * b.unit)
    settled = whole.settlements
    at = settled[:, 1]
    paid = settled[(at >= window.first_ts_ns) & (at <= window.last_ts_ns)]
    assert points.settlements.tolist() == paid.tolist()


def test_equity_begins_with_the_window(planted):
    first, last = bounds(planted)
    window = Window(planted, first, last)
    curve = backtest(window, "basis_capture").equity_curve(10**9)
    assert curve.ts_ns[0] >= window.first_ts_ns
    assert curve.ts_ns[-1] == window.last_ts_ns
    assert curve.equity[0] == 0


def test_a_session_made_again_refuses_the_warm_up_too(planted):
    first, last = bounds(planted)
    run = backtest(Window(planted, first, last), "basis_capture")
    again = Rerun(run)
    session = again.session(again.bind())
    session.feed({table: run.segment.columns(table) for table in TABLES})
    session.finish()
    assert session.engine.tables()["decisions"].tobytes() == run.exact.decisions.tobytes()
    same_records(again.again(), run)


def test_a_window_is_checked_for_look_ahead(planted):
    from tests.gates.test_look_ahead import _eager, _lazy, _reopening

    edgeless = open_segment(DATA / "edgeless")
    window = Window(edgeless, *bounds(edgeless))
    assert not quantlaxmi.verify_no_lookahead(window, "basis_capture", n_cuts=4).found
    for make in (_lazy, _reopening):
        assert quantlaxmi.verify_no_lookahead(window, make(edgeless), n_cuts=8).found
    assert quantlaxmi.verify_no_lookahead(window, _eager, n_cuts=8).found


def test_costs_are_those_of_the_window_not_of_its_warm_up(planted):
    window = Window(planted, planted.last_seq - 100)
    assert window.first_ts_ns > planted.first_ts_ns
    assert backtest(window, "basis_capture").costs == backtest(planted, "basis_capture").costs


def test_late_news_in_windows_are_refusals_heard_at_once(planted):
    first, last = bounds(planted)
    latency = LatencyModel(entry=Latency(constant_ns=10**6), response=Latency(constant_ns=10**7))
    runs = [
        route(Window(planted, first, last), "basis_capture", latency=latency, interpreted=form)
        for route in (backtest, replay)
        for form in (False, True)
    ]
    assert runs[0].n_fills
    assert len({run.trace.outcome_hash for run in runs}) == 1
