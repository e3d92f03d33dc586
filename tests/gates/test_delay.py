"""Delay and lag profile: what is shown is what runs and prices say; what survives decides."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import ConfigError, EngineError, StrategyError
from quantlaxmi.gates import GatePolicy, delay, lag_profile
from quantlaxmi.gates.delay import delays_of
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.holding_periods import holding_periods_of
from quantlaxmi.gates.results import Verdict, decimal_text
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import TABLES, QuoteFlag
from quantlaxmi.segment import MemorySegment, open_segment
from tests.bars_files import HOUR, random_lines, run_import
from tests.gate_fakes import judged, make_input, pair_trips, walk_points
from tests.naive import time_shift as naive

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def planted():
    return G2AntiOverfitSuite.from_run(backtest(open_segment(DATA / "planted"), "basis_capture"))


def _judged(suite, **settings):
    return judged(delay, replace(suite.context, policy=GatePolicy(delay=settings)))


def test_the_curve_is_that_of_runs_at_the_latency(planted):
    found = _judged(planted, delays_ms=(50, 1000), required_ms=5000)
    run = planted.context.rerun.run
    assert [point["ms"] for point in found.details["curve"]] == [0, 50, 1000, 5000]
    for point in found.details["curve"]:
        again = backtest(run.segment, "basis_capture", latency_ns=10**6 * (1 + point["ms"]))
        exponent = run.ledger_exponent - 1
        assert point["net"] == decimal_text(again.exact.net_pnl, exponent)
        assert point["gross"] == decimal_text(again.exact.gross_pnl, exponent)
        assert point["fills"] == again.n_fills
        share = float(Fraction(again.exact.net_pnl, run.exact.net_pnl))
        assert point["share_of_net"] == pytest.approx(share, abs=1e-8)


def test_threads_give_the_same_result(planted):
    found = [judged(delay, replace(planted.context, threads=n)).to_json() for n in (1, 2, 4)]
    assert found[0] == found[1] == found[2]


def test_the_share_that_survives_decides(planted):
    kept = _judged(planted)
    assert kept.verdict is Verdict.PASS
    assert "50 ms later" in kept.reasons[0]
    assert kept.reasons[0].endswith("limit 0.5.")
    lost = _judged(planted, required_ms=5000, least_share="1")
    assert lost.verdict is Verdict.FAIL  # it loses some of its profit within five seconds
    assert lost.details["required"] == "5000 ms"
    more = _judged(planted, least_share="1")
    assert more.verdict is Verdict.PASS  # earning more when late is no fault
    assert more.details["curve"][2]["share_of_net"] > 1


def test_no_profit_is_not_applicable():
    run = backtest(open_segment(DATA / "edgeless"), "basis_capture")
    found = G2AntiOverfitSuite.from_run(run).run_delay((10,))[0]
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "Profit that a delay could take away: none" in found.reasons[0]
    assert [point["share_of_net"] for point in found.details["curve"]] == [None] * 3


def test_what_cannot_be_asked_is_inconclusive(planted, monkeypatch):
    points = walk_points(0, 2000)
    few = make_input(points, pair_trips(np.random.default_rng(0), 2000, 29))
    said = "Round trips: 29, at least 30 needed. Run on about 1.1 times as much data."
    assert judged(delay, few).reasons == (said,)
    none = make_input(points, pair_trips(np.random.default_rng(0), 2000, 30))
    assert "without the strategy" in judged(delay, none).reasons[0]

    def fails(self, **options):
        raise StrategyError("lost its way")

    monkeypatch.setattr(Rerun, "again", fails)
    found = _judged(planted)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "lost its way" in found.reasons[0]


def test_a_delay_no_latency_can_be_is_refused(planted, monkeypatch):
    monkeypatch.setattr(sys.modules["quantlaxmi.execution.latency"], "MAX_LATENCY_NS", 10**9)
    with pytest.raises(ConfigError, match="delays_ms"):
        _judged(planted)


def test_bars_are_delayed_by_bars(tmp_path):
    segment = open_segment(run_import(tmp_path, random_lines(400)).segment.path)
    assert segment.manifest.cadence == "bars"
    run = backtest(segment, "basis_capture")
    suite = G2AntiOverfitSuite.from_run(
        run, policy=GatePolicy(min_trades=2, delay={"delays_bars": (2,)})
    )
    delays = delays_of(suite.context)
    assert (delays.unit, delays.unit_ns, delays.amounts) == ("bars", HOUR, (1, 2))
    assert (delays.text(1), delays.text(2)) == ("1 bar", "2 bars")
    found = suite.run_delay()[0]
    later = backtest(segment, "basis_capture", latency_ns=10**6 + HOUR)
    assert later.exact.net_pnl != run.exact.net_pnl
    assert found.details["curve"][1]["bars"] == 1
    assert found.details["curve"][1]["net"] == decimal_text(
        later.exact.net_pnl, run.ledger_exponent - 1
    )
    profile = judged(lag_profile, suite.context)
    assert [point["bars"] for point in profile.details["by_time"]] == [-2, -1, 1, 2]


def _with_a_quiet_quote(segment, cadence):
    tables = {table: segment.columns(table) for table in TABLES}
    flags = tables["quotes"]["flags"].copy()
    flags[5] = QuoteFlag.QUIET
    tables["quotes"] = {**tables["quotes"], "flags": flags}
    return MemorySegment(segment.instruments, tables, cadence=cadence)


@pytest.mark.parametrize("cadence", ["events", None])
def test_a_capture_with_a_quiet_quote_is_delayed_by_milliseconds(planted, cadence):
    segment = _with_a_quiet_quote(planted.context.rerun.run.segment, cadence)
    suite = G2AntiOverfitSuite.from_run(backtest(segment, "basis_capture"))
    delays = delays_of(suite.context)
    assert (delays.unit, delays.unit_ns) == ("ms", 10**6)
    assert delays.amounts == delays_of(planted.context).amounts


def test_snapshots_are_delayed_by_snapshots(tmp_path):
    bars = open_segment(run_import(tmp_path, random_lines(400)).segment.path)
    tables = {table: bars.columns(table) for table in TABLES}
    loud = {**tables["quotes"], "flags": np.zeros_like(tables["quotes"]["flags"])}
    segment = MemorySegment(bars.instruments, tables | {"quotes": loud}, cadence="snapshots")
    run = backtest(segment, "basis_capture")
    suite = G2AntiOverfitSuite.from_run(
        run, policy=GatePolicy(min_trades=2, delay={"delays_bars": (2,)})
    )
    delays = delays_of(suite.context)
    assert (delays.unit, delays.unit_ns, delays.amounts) == ("snapshots", HOUR, (1, 2))
    assert (delays.text(1), delays.text(2)) == ("1 snapshot", "2 snapshots")
    found = suite.run_delay()[0]
    later = backtest(segment, "basis_capture", latency_ns=10**6 + HOUR)
    assert found.details["curve"][1]["snapshots"] == 1
    assert found.details["curve"][1]["net"] == decimal_text(
        later.exact.net_pnl, run.ledger_exponent - 1
    )


def _quiet_grid(seed=5, rows=200):
    """Three instruments whose mids stand still most of the time, with equal stamps."""
    points = walk_points(seed, rows, instruments=3)
    rng = np.random.default_rng(seed)
    still = rng.random((3, rows)) < 0.7
    for i in range(3):
        for r in range(1, rows):
            if still[i, r]:
                points.mid2[i, r] = points.mid2[i, r - 1]
    points.ts_ns[:] = points.ts_ns[0] + np.cumsum(rng.integers(0, 3, rows)) * 10**7
    return points


def test_the_lag_profile_matches_naive():
    points = _quiet_grid()
    pairs = pair_trips(np.random.default_rng(5), 180, 8)[2:]
    actions = [(0, {0: 1}), (9, {0: -1}), *pairs, (190, {1: -4})]
    context = make_input(points, actions)
    found = judged(lag_profile, context).details
    stretches = holding_periods_of(context.path.trips, 200)
    plain = [
        (a, b, dict(stretches.positions[p]))
        for a, b, p in zip(stretches.start, stretches.stop, stretches.position, strict=True)
    ]
    units = attribution_units(points)
    market = [[int(m) * u for m in mids] for mids, u in zip(points.mid2, units, strict=True)]
    assert {p["moves"] for p in found["by_moves"]} >= {-100, -1, 0, 1, 100}
    for point in found["by_moves"]:
        gross = naive.profile(
            plain, market, lambda r, k=point["moves"]: naive.later_by_moves(r, k, market, (0, 1))
        )
        assert point["gross"] == decimal_text(gross, points.ledger_exponent - 1)
    ts_ns = points.ts_ns.tolist()
    assert [p["ms"] for p in found["by_time"]][5:7] == [-10, 10]
    for point in found["by_time"]:
        gross = naive.profile(
            plain, market, lambda r, ns=point["ms"] * 10**6: naive.later_by_time(r, ns, ts_ns)
        )
        assert point["gross"] == decimal_text(gross, points.ledger_exponent - 1)


def _one_step_trips(points, *, knows):
    """Trips of four steps; their side is right about the first step, or a coin."""
    actions, rng = [], np.random.default_rng(2)
    for row in range(3, len(points.seq) - 10, 9):
        change = points.mid2[0, row + 1] - points.mid2[0, row]
        side = (1 if change >= 0 else -1) if knows else int(rng.choice([-1, 1]))
        actions += [(row, {0: side}), (row + 4, {0: -side})]
    return actions


def test_a_look_one_row_ahead_warns_and_a_coin_does_not():
    points = walk_points(8, 2000, instruments=1)
    peeks = judged(lag_profile, make_input(points, _one_step_trips(points, knows=True)))
    assert peeks.verdict is Verdict.WARN
    assert peeks.role == "diagnosis"
    coin = judged(lag_profile, make_input(points, _one_step_trips(points, knows=False)))
    assert coin.verdict is Verdict.SHOWN


def test_an_edge_that_lasts_does_not_warn(planted):
    found = judged(lag_profile, planted.context)
    assert found.verdict is Verdict.SHOWN
    own = next(p for p in found.details["by_moves"] if p["moves"] == 0)
    assert own["gross"] == decimal_text(
        planted.context.path.gross, planted.context.decision_points.ledger_exponent - 1
    )


def test_a_profile_of_nothing_is_shown_without_figures():
    found = judged(lag_profile, make_input(walk_points(0, 10), []))
    assert found.verdict is Verdict.SHOWN
    assert found.reasons == ("Positions held from one decision point to the next: none.",)


def test_the_profile_holds_its_own_identity():
    points = walk_points(8, 500)
    context = make_input(points, pair_trips(np.random.default_rng(1), 500, 10))
    object.__setattr__(context.path, "gross", context.path.gross + 1)
    with pytest.raises(EngineError, match="gave gross"):
        judged(lag_profile, context)
