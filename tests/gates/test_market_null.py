"""The market null as a gate: identity, threads, interruption, and when it cannot say."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.errors import EngineError
from quantlaxmi.gates import GatePolicy, MonteCarlo, market_null
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.observation import RunObservation
from quantlaxmi.gates.path.clock_buckets import increments_of
from quantlaxmi.gates.resampling import market_counts, market_draws
from quantlaxmi.gates.resampling.draws import DrawRule
from quantlaxmi.gates.resampling.market_settings import MarketNullSettings
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment, split_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.parameter_grid import grid_configs
from tests.depth import some
from tests.gate_fakes import judged
from tests.naive import market_null as naive

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(
    min_trades=10, market_null={"n_draws": 60, "n_draws_extended": 60, "grid_search": "off"}
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module")
def short(planted, tmp_path_factory):
    """The first part of the planted segment."""
    out = tmp_path_factory.mktemp("split") / "parts"
    return split_segment(planted, out, rows=5000)[0]


@pytest.fixture(scope="module")
def walking(tmp_path_factory):
    """The first part of the segment without an edge."""
    out = tmp_path_factory.mktemp("walk") / "parts"
    return split_segment(open_segment(DATA / "edgeless"), out, rows=6000)[0]


GATE = "market_null"


def suite_of(segment, strategy="basis_capture", **options):
    options = {"policy": QUICK, "threads": 1, **options}
    return G2AntiOverfitSuite.from_run(backtest(segment, strategy), **options)


def result_of(suite):
    return suite.run_market_null()[0]


def test_a_planted_edge_is_beyond_all_draws(planted):
    found = result_of(suite_of(planted))
    assert found.kind == "market"
    assert found.verdict is Verdict.PASS
    assert found.monte_carlo.exceedances == 0
    assert found.monte_carlo.draws == 60
    details = found.details
    assert details["trips"] == 300
    for kind in ("drifting", "driftless"):
        count = details[kind]["count"]
        assert (count["exceedances"], count["draws"], count["stopped"]) == (0, 60, False)
        null = count["histogram"]
        # No draw lies in the strategy's bin or above it.
        assert sum(null["counts"]) == sum(null["counts"][: null["own_bin"]]) == 60
        assert details[kind]["unconditional_p_value"] <= 1 / 61 + 1e-9
        assert details[kind]["unconditional_draws"] >= 60
    assert (
        found.reasons[0] == "Sign-flipped markets on which the strategy did at least as well: "
        "0 of 60 with the drift of the data, 0 of 60 without; larger p = 0.0163934, limit 0.05."
    )
    # On a basis that is a random walk positions are held for long.
    shown = details["drifting"]
    assert shown["null_basis_sd_bps"] > 3 * shown["basis_sd_bps"]
    assert shown["null_time_in_position"] > shown["time_in_position"]


def test_no_edge_stops_early_and_fails():
    policy = GatePolicy(market_null={"grid_search": "off"})
    found = result_of(suite_of(open_segment(DATA / "edgeless"), policy=policy))
    assert found.verdict is Verdict.FAIL
    counts = [found.details[kind]["count"] for kind in ("drifting", "driftless")]
    for count in counts:
        assert count["stopped"] and count["exceedances"] == 17
    # The larger p decides.
    assert found.monte_carlo.to_json() == max(counts, key=lambda c: c["p_value"])
    assert "(stopped there)" in found.reasons[0]
    assert "; p > 0.05, limit 0.05." in found.reasons[0]


@pytest.mark.parametrize(
    ("level", "draws", "longer", "expected"),
    [
        ("0.05", 199, 1999, [(199, 17), (1999, 100)]),
        ("0.05", 1999, 199, [(1999, 100)]),
        ("0.05", 19, 19, [(19, 1)]),
        ("0.01", 199, 1999, [(199, 6), (1999, 20)]),
    ],
)
def test_the_stages_of_counting(level, draws, longer, expected):
    """17 of 199: the fewest whose interval lies above 5 %; 100 of 1,999: with p above 5 %."""
    made = MarketNullSettings(n_draws=draws, n_draws_extended=longer).stages(Fraction(level))
    assert [(stage.draws, stage.stop_after) for stage in made] == expected


def test_counts_that_leave_the_level_open_are_4_to_16_of_199():
    open_to = [b for b in range(30) if (i := MonteCarlo(b, 199).interval())[0] <= 0.05 <= i[1]]
    assert open_to == list(range(4, 17))


def batches_of(batch):
    """The rule of drawing with batches of one size."""
    return lambda **options: DrawRule(**{**options, "batch": batch})


def test_threads_and_batches_change_nothing(short):
    policy = QUICK.replace(min_trades=5)
    run = backtest(short, StrategyRegistry().create("basis_capture"))
    base = G2AntiOverfitSuite.from_run(run, policy=policy, threads=1)
    expected = result_of(base).to_json()
    for threads in (2, 4):
        assert (
            result_of(replace(base, context=replace(base.context, threads=threads))).to_json()
            == expected
        )
    for batch in (1, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(market_draws, "DrawRule", batches_of(batch))
            assert result_of(base).to_json() == expected


@pytest.mark.parametrize("name", [f"{GATE}.drifting", f"{GATE}.driftless"])
def test_an_interrupt_goes_through_and_the_next_run_goes_on(short, tmp_path, name):
    expected = result_of(suite_of(short)).to_json()
    kept = tmp_path / "kept"

    until = []

    def interrupt(gate, done, _total):
        if gate == name and done >= 25:
            until.append(done)
            raise KeyboardInterrupt

    batches = pytest.MonkeyPatch()
    batches.setattr(market_draws, "DrawRule", batches_of(25))
    with batches.context(), pytest.raises(KeyboardInterrupt):
        result_of(suite_of(short, checkpoint=Checkpoint(kept, b"x" * 32), progress=interrupt))
    told = []
    again = suite_of(
        short,
        checkpoint=Checkpoint(kept, b"x" * 32),
        progress=lambda gate, done, _total: told.append(done) if gate == name else None,
    )
    assert result_of(again).to_json() == expected
    # The first draws tell what the null is like, and are made again; counting goes on.
    assert told[0] == until[0]
    batches.undo()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_ends_the_draws(short, threads):
    policy = GatePolicy(min_trades=10, market_null={"n_draws": 10**7})
    suite = suite_of(short, policy=policy, threads=threads)
    timer = threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,))
    before = threading.active_count()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        result_of(suite)
    timer.join()
    # An interrupt of the waiting for threads leaves them to end by themselves.
    until = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_the_identity_is_held_against_the_run(short, monkeypatch):
    suite = suite_of(short)
    run = suite.context.rerun.run
    fills = run.exact.fills.copy()
    fills["price"][3] += 1
    wrong = replace(suite.context.rerun, run=replace(run, exact=replace(run.exact, fills=fills)))
    with pytest.raises(EngineError, match="other fills"):
        judged(market_null, replace(suite.context, rerun=wrong))
    with pytest.raises(EngineError, match="identity draw"):
        judged(market_null, replace(suite.context, observed=OneUnitMore(run)))


class OneUnitMore(RunObservation):
    """A run whose first clock bucket has a unit that no record has."""

    @property
    def increments(self):
        found = increments_of(self._run)
        return replace(found, gross=(found.gross[0] + 1, *found.gross[1:]))


def test_the_grid_is_searched_and_the_run_s_own_settings_with_it(short):
    policy = QUICK.replace(
        market_null={"n_draws": 30, "n_draws_extended": 30, "grid_search": "auto"}
    )
    better = []
    for t, x in ((3, "1"), (5, "2.5"), (8, "2")):
        strategy = StrategyRegistry().create(
            "basis_capture", sets=(f"threshold_bps={t}", f"exit_threshold_bps={x}")
        )
        details = result_of(suite_of(short, strategy, policy=policy)).details
        assert details["settings_searched"] == 15
        assert "largest statistic of the grid's 15 settings" in details["grid_search"]
        better.append(int(details["grid_search"].split("on the data ")[1].split()[0]))
        off = result_of(suite_of(short, strategy))
        assert off.details["settings_searched"] == 1
    assert len(set(better)) == 3
    other = StrategyRegistry().create("basis_capture", sets=("threshold_bps=5.5",))
    found = result_of(suite_of(short, other, policy=policy)).details["grid_search"]
    assert "15 settings, the run's own added to them" in found


class Draws:
    """Sums of every setting on drawn markets, each market made when it is first asked for."""

    def __init__(self, replays, configs, drift):
        self.replays, self.configs, self.drift, self.made = replays, configs, drift, []

    def __getitem__(self, span):
        for draw in range(span.start, span.stop):
            if draw == len(self.made):
                market = self.replays.move(draw, self.replays.room(), self.drift)
                sums = [self.replays.sums(market, config) for config in self.configs]
                self.made.append([(x.total, x.squares, x.trips) for x in sums])
            yield self.made[draw]


#: Segment, trips of a draw that counts, draws of the second stage, and search. The last of the
#: first eight makes all 390 draws of 15 settings, because few of them have 30 trips.
CASES = [
    (name, least, longer, search)
    for name, least in (
        ("walking", 2), ("short", 30), ("short", 12), ("short", 58), ("walking", 15),
    )
    for search in ("off", "auto")
    for longer in (19, 39)
]  # fmt: skip


@pytest.mark.parametrize(("name", "least", "longer", "search"), some(CASES, 7))
def test_draws_are_counted_as_the_twin_counts_them(request, name, search, least, longer):
    policy = GatePolicy(
        min_trades=least,
        market_null={"n_draws": 19, "n_draws_extended": longer, "grid_search": search},
    )
    suite = suite_of(request.getfixturevalue(name), policy=policy)
    assert len(suite.context.path.trips) >= least
    replays = market_counts.Replays(suite.context, suite.context.rerun, suite.context.key(GATE))
    configs = [None]
    if search == "auto":
        own_hash = suite.context.rerun.run.header.config_hash
        grid = grid_configs(suite.context.rerun.strategy)
        configs += [c for c in grid if c.config_hash != own_hash]
    replays.keep_bound(configs)
    own = replays.sums(replays.room())
    stages = [
        (stage.draws, stage.stop_after)
        for stage in suite.context.settings(MarketNullSettings).stages(policy.level)
    ]
    expected = {}
    for kind, drift in (("drifting", True), ("driftless", False)):
        draws = Draws(replays, configs, drift)
        b, m, stopped = naive.count(draws, (own.total, own.squares), least, stages[:1])
        extended = False
        if not stopped and len(stages) == 2:
            low, high = MonteCarlo(b, m).interval() if m else (1, 0)
            if low <= 0.05 <= high:
                extended = True
                b, m, stopped = naive.count(draws, (own.total, own.squares), least, stages)
        expected[kind] = b, m, stopped, extended
    for threads in (1, 3):
        found = judged(market_null, replace(suite.context, threads=threads))
        for kind, (b, m, stopped, extended) in expected.items():
            if kind not in found.details:
                break
            wanted = stages[-1 if extended else 0][0]
            count = found.details[kind]["count"]
            assert (count["exceedances"], count["draws"]) == (b, m)
            assert (count["stopped"], count["extended"]) == (stopped, extended)
            if m < wanted and not stopped:
                assert found.verdict is Verdict.INCONCLUSIVE
                assert f"{least} round trips: {m} of {10 * wanted}" in found.reasons[0]
                break
