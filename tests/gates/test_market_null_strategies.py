"""The market null of strategies that fail, hold, or are plain Python, and when it cannot say."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.gates import GatePolicy, market_null
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.reasons import NO_RERUN
from quantlaxmi.gates.resampling import market_counts
from quantlaxmi.gates.resampling.draw_parts import DrawFailed
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import Side
from quantlaxmi.segment import open_segment, split_segment
from tests.gate_fakes import judged
from tests.gates.test_market_null import DATA, QUICK, result_of, suite_of
from tests.in_and_out import SIZE, InAndOut


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The first part of the planted segment."""
    out = tmp_path_factory.mktemp("split") / "parts"
    return split_segment(open_segment(DATA / "planted"), out, rows=5000)[0]


def test_the_first_draw_that_fails_is_named_on_any_number_of_threads(short):
    def work(draw, _moved):
        if draw in (5, 7):
            raise StrategyError(f"draw {draw}")
        return draw

    for threads in (1, 2, 4, 8):
        suite = suite_of(short, threads=threads)
        replays = market_counts.Replays(suite.context, suite.context.rerun, 1)
        with pytest.raises(DrawFailed) as failed:
            replays.each(range(12), work)
        assert (failed.value.draw, failed.value.before) == (5, [0, 1, 2, 3, 4])
        assert failed.value.reason.endswith("draw 5 the strategy could not be run: draw 5.")
        assert replays.each(range(8, 12), work) == [8, 9, 10, 11]
        assert replays.each(range(0), work) == []


def test_progress_is_told_at_once_and_the_first_draws_are_of_it(short):
    told = []
    suite = suite_of(short, progress=lambda gate, done, total: told.append((gate, done, total)))
    result_of(suite)
    assert told[0] == ("market_null", 0, 60)
    for kind in ("drifting", "driftless"):
        own = [(done, total) for gate, done, total in told if gate == f"market_null.{kind}"]
        assert own[0] == (0, 60) and own[-1] == (60, 60)
        assert [done for done, _ in own] == sorted(done for done, _ in own)


def test_plain_python_goes_through_the_same_gate(short):
    found = result_of(
        suite_of(
            short,
            InAndOut(),
            policy=QUICK.replace(
                market_null={"n_draws": 25, "n_draws_extended": 25, "grid_search": "auto"}
            ),
            threads=4,
        )
    )
    assert found.monte_carlo is not None
    assert "basis_sd_bps" not in found.details  # it trades one instrument: there is no pair
    assert found.details["grid_search"] == "The strategy declares no grid."


def test_the_interpreted_kernel_gives_the_compiled_ones_counts(short):
    policy = QUICK.replace(min_trades=5, market_null={"n_draws": 19, "n_draws_extended": 19})
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
        return ctx.decide([LegIntent(self.symbol, Side.BUY, SIZE)], rationale="rule")


def test_one_position_held_throughout_does_not_crash(short):
    found = result_of(suite_of(short, Holder()))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == (
        "Round trips: 1, at least 10 needed. Run on about 10.0 times as much data.",
    )
    # min_trades cannot be 1, so look past it: the mean of the increments stays, and so does it.
    suite = suite_of(short, Holder())
    own = market_counts._identity(
        suite.context,
        suite.context.rerun,
        market_counts.Replays(suite.context, suite.context.rerun, 1),
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
