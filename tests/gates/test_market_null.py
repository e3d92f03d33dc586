"""The market null as a gate: identity, threads, interruption, and when it cannot say."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from quantlaxmi.errors import ConfigError, EngineError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.gates import GatePolicy, MonteCarlo, market_null
from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.context import Memo
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.reasons import NO_RERUN
from quantlaxmi.gates.resampling import market_draws
from quantlaxmi.gates.resampling.companion_nulls import CompanionNull
from quantlaxmi.gates.resampling.draws import DrawRule
from quantlaxmi.gates.resampling.market_replays import DrawFailed
from quantlaxmi.gates.results import Verdict, rounded
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import Side
from quantlaxmi.segment import open_segment, split_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.parameter_grid import grid_configs
from tests.depth import some
from tests.gate_fakes import FakeObservation, judged, random_entries
from tests.in_and_out import InAndOut
from tests.naive import market_null as naive

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(min_trades=10, market_null={"n_draws": 60, "grid_search": "off"})


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
    counts = {name: dict(details[name]) for name in ("moved", "driftless")}
    nulls = [one.pop("histogram") for one in counts.values()]
    assert counts["driftless"] == counts["moved"]
    # No draw of either null lies in the strategy's bin or above it.
    for null in nulls:
        assert sum(null["counts"]) == sum(null["counts"][: null["own_bin"]]) == 60
    assert details["driftless_unavailable"] is None
    assert details["driftless_draws"]["draws_wanted"] == 60
    assert (
        found.reasons[0] == "At least as good as the strategy: 0 of 60 sign-flipped markets, "
        "0 of 10000 random sides, 0 of 60 sign-flipped markets without drift. "
        "Largest p = 0.0163934, limit 0.05."
    )
    # On a basis that is a random walk positions are held for long.
    assert details["null_basis_sd_bps"] > 3 * details["basis_sd_bps"]
    assert details["null_time_in_position"] > details["time_in_position"]


def test_no_edge_stops_early_and_fails():
    found = result_of(suite_of(open_segment(DATA / "edgeless"), policy=GatePolicy()))
    assert found.verdict is Verdict.FAIL
    moved, coins = (found.details[name] for name in ("moved", "random_sides"))
    assert moved["stopped"] and moved["exceedances"] == 20
    assert moved["p_value"] == rounded(20 / moved["draws"])
    # The larger p decides: here that of random sides.
    assert found.monte_carlo.to_json() == max(moved, coins, key=lambda c: c["p_value"])
    assert "(stopped there)" in found.reasons[0]
    # Markets without drift are drawn only where those with it would let the strategy pass.
    assert found.details["driftless"] is None
    unavailable = found.details["driftless_unavailable"]
    assert unavailable == "the markets with the data's drift decide"
    assert "driftless_draws" not in found.details


def batches_of(batch):
    """The rule of drawing with batches of one size."""
    return lambda **options: DrawRule(**{**options, "batch": batch})


def test_threads_and_batches_change_nothing(short):
    policy = QUICK.replace(min_trades=5, market_null={"stop_exceedances": 5})
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


@pytest.mark.parametrize("name", [GATE, market_draws.DRIFTLESS])
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
    # The first draws tell what the null is like, and are made again; the others go on.
    assert told[0] == 0
    assert until[0] in told and not set(told) & set(range(10, until[0]))
    batches.undo()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_ends_the_draws(short, threads):
    suite = suite_of(
        short, policy=GatePolicy(min_trades=10, market_null={"n_draws": 10**7}), threads=threads
    )
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
    path = replace(suite.context.path, gross=suite.context.path.gross + 1)
    with pytest.raises(EngineError, match="identity draw"):
        judged(
            market_null,
            replace(suite.context, observed=FakeObservation(path, suite.context.decision_points)),
        )


def test_the_grid_is_searched_where_the_settings_are_in_it(short):
    policy = QUICK.replace(market_null={"n_draws": 30, "grid_search": "auto"})
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
    assert "none of the grid's 15" in found


@pytest.mark.parametrize("search", ["off", "auto"])
@pytest.mark.parametrize(
    ("name", "least"),
    some([("short", 30), ("walking", 2), ("short", 12), ("short", 58), ("walking", 15)], 2),
)
@pytest.mark.parametrize("stop", [0, 4])
def test_draws_are_counted_as_the_twin_counts_them(request, name, search, least, stop):
    policy = GatePolicy(
        min_trades=least,
        extend_factor=1,
        market_null={"n_draws": 24, "stop_exceedances": stop, "grid_search": search},
    )
    suite = suite_of(request.getfixturevalue(name), policy=policy)
    assert len(suite.context.path.trips) >= least
    replays = market_null.Replays(
        suite.context, suite.context.rerun, suite.context.key(market_draws.STREAM)
    )
    configs = [None]
    if search == "auto":
        configs += grid_configs(suite.context.rerun.strategy)
    replays.keep_bound(configs)
    own = replays.sums(replays.room())
    counts = []
    for drift in (True, False):
        draws = []
        for draw in range(240):
            market = replays.move(draw, replays.room(), drift)
            sums = [replays.sums(market, config) for config in configs]
            draws.append([(x.total, x.squares, x.trips) for x in sums])
        counts.append(naive.count(draws, (own.total, own.squares), least, 24, stop))
    (conditional, b, m, stopped), driftless = counts
    for threads in (1, 3):
        found = judged(market_null, replace(suite.context, threads=threads, memo=Memo()))
        assert found.details["conditional_on_trips"] == conditional
        assert f"{least} round trips" in found.details["rule"]
        if m < 19 and not stopped:
            assert found.verdict is Verdict.INCONCLUSIVE
            assert found.reasons == (
                f"Sign-flipped markets with {least} round trips: {m} of 240, at least 19 needed. "
                "Run on more data.",
            )
            continue
        moved = found.details["moved"]
        assert (moved["exceedances"], moved["draws"], moved["stopped"]) == (b, m, stopped)
        assert ("any number of round trips" in found.reasons[0]) == (not conditional)
        if MonteCarlo(b, m, stopped).p_value > policy.level:
            assert found.details["driftless"] is None
            continue
        assert name == "short"  # the walk does not come this far
        conditional, b, m, stopped = driftless
        without = found.details["driftless"]
        assert (without["exceedances"], without["draws"], without["stopped"]) == (b, m, stopped)
        assert found.details["driftless_draws"]["conditional_on_trips"] == conditional


def test_the_first_draw_that_fails_is_named_on_any_number_of_threads(short):
    def work(draw, _moved):
        if draw in (5, 7):
            raise StrategyError(f"draw {draw}")
        return draw

    for threads in (1, 2, 4, 8):
        suite = suite_of(short, threads=threads)
        replays = market_null.Replays(suite.context, suite.context.rerun, 1)
        with pytest.raises(DrawFailed) as failed:
            replays.each(range(12), work)
        assert (failed.value.draw, failed.value.before) == (5, [0, 1, 2, 3, 4])
        assert failed.value.reason.endswith("draw 5 the strategy could not be run: draw 5.")
        assert replays.each(range(8, 12), work) == [8, 9, 10, 11]
        assert replays.each(range(0), work) == []


def test_it_is_drawn_once_for_all_gates(short, monkeypatch):
    """Whichever gate comes first, and with what other policy it is asked."""
    made = []
    original = market_null.Replays

    def counting(*args):
        made.append(args)
        return original(*args)

    monkeypatch.setattr(market_null, "Replays", counting)
    policy = QUICK.replace(
        n_random_sides=99,
        random_entry={"n_sims": 99, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 99},
        time_shift={"min_decorrelations": 1},
    )
    suite = suite_of(short, policy=policy)
    moved = [
        suite.run_time_shift()[0],
        suite.run_permutation(199)[0],
        suite.run_random_entry(),
    ]
    alone = result_of(suite)
    assert len(made) == 1
    for found in moved:
        assert found.details["market"] == alone.details["moved"]
        assert "sign-flipped markets" in found.reasons[0]
    assert "market" not in alone.details
    suite.run_market_null(19)
    assert len(made) == 2
    suite.run_random_entry(seed=5)
    assert len(made) == 3


def test_what_moved_positions_are_held_against_without_it(short):
    policy = QUICK.replace(
        n_random_sides=99,
        random_entry={"n_sims": 99, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 99},
    )
    suite = suite_of(short, policy=policy.replace(suites={"g2": ("random_entry",)}))
    found = suite.run_random_entry()
    assert found.details["market"] is None
    assert found.reasons[0].endswith(
        "Exits that depend on prices are not tested, as the policy does not list market_null."
    )
    suite = suite_of(short, policy=policy)
    without = replace(suite.context, rerun=None)
    assert "as there is no run to make again." in random_entries(without).matched.reasons[0]
    hard = replace(suite.context, policy=policy.replace(min_arrangements=10**6))
    assert "arrangements" not in market_null.companion_null(hard).text
    suite = suite_of(short, Fragile(), policy=policy.replace(min_trades=2))
    assert market_null.companion_null(suite.context).text == "market_null is inconclusive"


def test_the_largest_p_decides(short, monkeypatch):
    policy = QUICK.replace(
        n_random_sides=99,
        random_entry={"n_sims": 99, "n_neutral_pairs": 2},
        label_permutation={"n_perms": 99},
    )
    suite = suite_of(short, policy=policy)
    bad = CompanionNull(MonteCarlo(20, 60, stopped=True), "markets")
    monkeypatch.setattr(market_null, "companion_null", lambda context: bad)
    for found in (suite.run_random_entry(), suite.run_permutation()[0]):
        assert found.verdict is Verdict.FAIL
        assert found.monte_carlo == bad.count


def test_progress_is_told_at_once_and_the_first_draws_are_of_it(short):
    told = []
    suite = suite_of(short, progress=lambda gate, done, total: told.append((gate, done, total)))
    result_of(suite)
    own = [(done, total) for gate, done, total in told if gate == "market_null"]
    assert own[0] == (0, 60) and own[-1] == (60, 60)
    assert [done for done, _ in own] == sorted(done for done, _ in own)
    assert len({done for done, _ in own}) > 5


def test_plain_python_goes_through_the_same_gate(short):
    found = result_of(
        suite_of(
            short,
            InAndOut(),
            policy=QUICK.replace(market_null={"n_draws": 25, "grid_search": "auto"}),
            threads=4,
        )
    )
    assert found.monte_carlo is not None
    assert "basis_sd_bps" not in found.details  # it trades one instrument: there is no pair
    assert found.details["grid_search"] == "The strategy declares no grid."


def test_the_interpreted_kernel_gives_the_compiled_ones_counts(short):
    policy = QUICK.replace(min_trades=5, market_null={"n_draws": 19, "stop_exceedances": 2})
    results = []
    for interpreted in (False, True):
        run = backtest(short, "basis_capture", interpreted=interpreted)
        suite = G2AntiOverfitSuite.from_run(run, policy=policy, threads=2)
        results.append(result_of(suite).to_json())
    assert results[0] == results[1]


class Fragile(InAndOut):
    """Fails on any other market than the first."""

    strategy_id = "fragile"
    seen: ClassVar[dict[int, int]] = {}

    def on_market(self, event, ctx):
        if type(self).seen.setdefault(event.seq, event.bid) != event.bid:
            raise ValueError("never seen")
        return super().on_market(event, ctx)


def test_a_strategy_that_fails_in_a_draw_is_inconclusive(short):
    found = result_of(suite_of(short, Fragile()))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == (
        "On the market of draw 0 the strategy could not be run: ValueError: never seen.",
    )


class Holder(InAndOut):
    """Buys once and holds."""

    strategy_id = "holder"

    def on_market(self, event, ctx):
        self.calls += 1
        if self.calls != 40:
            return None
        return ctx.decide([LegIntent(self.symbol, Side.BUY, 10**6)], rationale="rule")


def test_one_position_held_throughout_does_not_crash(short):
    found = result_of(suite_of(short, Holder()))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ("Round trips: 1, at least 10 needed. Run on more data.",)
    # min_trades cannot be 1, so look past it: the mean of the increments stays, and so does it.
    suite = suite_of(short, Holder())
    own = market_null._identity(
        suite.context,
        suite.context.rerun,
        market_null.Replays(suite.context, suite.context.rerun, 1),
    )
    assert own.trips == 1


def test_what_it_cannot_say(short):
    suite = suite_of(short)
    without = judged(market_null, replace(suite.context, rerun=None))
    assert (without.verdict, without.reasons) == (
        Verdict.INCONCLUSIVE,
        (NO_RERUN,),
    )
    few = replace(suite.context, policy=QUICK.replace(min_trades=10**6))
    assert judged(market_null, few).verdict is Verdict.INCONCLUSIVE


def test_policy_names_what_it_takes():
    with pytest.raises(ConfigError, match=r"market_null\.grid_search"):
        GatePolicy(market_null={"grid_search": "always"})
