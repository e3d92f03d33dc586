"""Look-ahead: strategies that see the future in several ways are caught, honest ones are not."""

from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi.errors import ConfigError, InputError, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.gates import GatePolicy, lag_profile, look_ahead
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.results import Verdict
from quantlaxmi.report.run_gates import run_gates
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import TABLES, Side
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.horizon import horizon
from quantlaxmi.segment.window import Window
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig
from tests.gate_fakes import judged, make_input, walk_points

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "edgeless")


def _peeker(quotes_of, *, every=40, ahead=1):
    """Buys the perpetual for one row where its next quote is higher, sells where lower.

    `quotes_of` gives the columns it reads the future from, each time it is asked.
    """

    class Peeker(CryptoStrategy):
        strategy_id = "peeker"
        Config = StrategyConfig
        rationales = ("open", "close")

        def __init__(self, config=None):
            super().__init__(config)
            self.n = 0

        def on_market(self, event, ctx):
            self.n += 1
            symbol = ctx.instruments[1].symbol
            held = ctx.position(symbol).qty
            if ctx.in_flight:
                return None
            if held:
                side = Side.SELL if held > 0 else Side.BUY
                return ctx.decide([LegIntent(symbol, side, abs(held))], rationale="close")
            if self.n % every:
                return None
            quotes = quotes_of()
            mids = quotes["bid"] + quotes["ask"]
            now = int(np.searchsorted(quotes["seq"], event.seq))
            own = np.flatnonzero(quotes["instrument"][now + 1 :] == 1)
            if len(own) < ahead or not ctx.book(symbol).valid:
                return None
            later = mids[now + 1 + own[ahead - 1]]
            change = int(later) - ctx.book(symbol).bid - ctx.book(symbol).ask
            if not change:
                return None
            side = Side.BUY if change > 0 else Side.SELL
            return ctx.decide([LegIntent(symbol, side, 10)], rationale="open")

    return Peeker()


def _lazy(segment):
    """It asks the segment each time."""
    return _peeker(lambda: segment.columns("quotes"))


def _reopening(segment):
    """It opens the folder again."""
    return _peeker(lambda: open_segment(segment.path).columns("quotes"), every=400)


def _eager(segment):
    """It takes the columns along when it is made."""
    quotes = segment.columns("quotes")
    return _peeker(lambda: quotes)


@pytest.mark.parametrize("make", [_lazy, _reopening])
def test_a_look_into_the_segment_is_caught(segment, make):
    found = quantlaxmi.verify_no_lookahead(segment, make(segment), n_cuts=8)
    assert found.found
    assert "depends on what came later" in found.difference
    assert len(segment.columns("quotes")["seq"]) == segment.counts["quotes"].rows  # whole again


@pytest.mark.parametrize("make", [_lazy, _reopening, _eager])
def test_a_look_into_data_taken_along_is_caught_by_its_maker(segment, make):
    found = quantlaxmi.verify_no_lookahead(segment, make, n_cuts=8)
    assert found.found
    # What it took from the whole segment it still has on a beginning: the documented limit.
    assert quantlaxmi.verify_no_lookahead(segment, make(segment), n_cuts=8).found == (
        make is not _eager
    )


def test_the_suite_fails_a_peeker_and_its_lag_profile_stands_out(segment):
    policy = GatePolicy(suites={"g2": ("look_ahead", "time_shift")}, min_trades=2)
    report = run_gates(segment, _eager, policy=policy)
    assert report.results[0].look_ahead.verdict is Verdict.FAIL
    assert report.verdict == "FAIL"
    run = backtest(segment, _eager(segment), latency_ns=0)
    profile = judged(lag_profile, G2AntiOverfitSuite.from_run(run).context)
    assert profile.verdict is Verdict.WARN
    assert "a look one row ahead" in profile.reasons[0]
    gross = {p["moves"]: float(p["gross"]) for p in profile.details["by_moves"]}
    assert max(gross, key=gross.get) == 0
    assert gross[1] < gross[0] / 2
    assert gross[0] > 0


@pytest.mark.parametrize("name", ["planted", "edgeless"])
def test_an_honest_strategy_passes(name):
    segment = open_segment(DATA / name)
    found = quantlaxmi.verify_no_lookahead(segment, "basis_capture", n_cuts=6, seed=3)
    assert not found.found
    assert found.difference == ""
    assert found.cuts[-1].last_seq == max(int(segment.columns(t)["seq"][-1:].max(initial=0))
                                          for t in TABLES)  # fmt: skip
    assert 7 >= len(found.cuts) >= 5
    suite = G2AntiOverfitSuite.from_run(backtest(segment, "basis_capture"))
    result = suite.run_look_ahead()
    assert result.verdict is Verdict.PASS
    assert result.details["beginnings"][0]["difference"] is None
    again = G2AntiOverfitSuite.from_run(backtest(segment, "basis_capture"), seed=1).run_look_ahead()
    assert again.details != result.details  # another seed, other beginnings


class _Silent(CryptoStrategy):
    strategy_id = "silent"
    Config = StrategyConfig

    def on_market(self, event, ctx):
        return None


def test_no_decision_is_inconclusive(segment):
    suite = G2AntiOverfitSuite.from_run(backtest(segment, _Silent()))
    result = suite.run_look_ahead()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reasons == ("Decisions to check: none. Run on more data.",)


def test_what_cannot_run_again_is_inconclusive(segment):
    bound = _lazy(segment).bind(segment.instruments)
    lost = type(bound)(**{f: getattr(bound, f) for f in bound.__dataclass_fields__
                          if f != "strategy"})  # fmt: skip
    result = G2AntiOverfitSuite.from_run(backtest(segment, lost)).run_look_ahead()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "so it cannot be run again afresh" in result.reasons[0]


def test_state_kept_between_runs_is_caught(segment):
    seen = []

    class Keeps(CryptoStrategy):
        strategy_id = "keeps"
        Config = StrategyConfig

        def on_market(self, event, ctx):
            seen.append(event.seq)
            if len(seen) % 499 or not ctx.book(ctx.instruments[1].symbol).valid:
                return None
            return ctx.decide(
                [LegIntent(ctx.instruments[1].symbol, Side.BUY, 10)], rationale="rule"
            )

    assert quantlaxmi.verify_no_lookahead(segment, Keeps(), n_cuts=2).found


def test_failing_where_the_future_is_missing_is_a_finding(segment):
    last = segment.counts["quotes"].rows

    def greedy(begun):
        quotes = begun.columns("quotes")
        return _peeker(lambda: {n: c[: int(quotes["seq"][last - 1])] for n, c in quotes.items()})

    found = quantlaxmi.verify_no_lookahead(segment, greedy, n_cuts=4)
    assert "the strategy fails" in found.difference

    def broken(begun):
        begun.columns("quotes")["seq"][last - 1]
        return _Silent()

    found = quantlaxmi.verify_no_lookahead(segment, broken, n_cuts=4)
    assert "the function that makes the strategy failed: IndexError" in found.difference
    with pytest.raises(StrategyError, match="makes the strategy failed"):
        run_gates(segment, lambda begun: 1 / 0)


def test_arguments_are_checked(segment):
    with pytest.raises(InputError, match="n_cuts: was 0"):
        quantlaxmi.verify_no_lookahead(segment, "basis_capture", n_cuts=0)
    with pytest.raises(ConfigError, match=r"look_ahead\.n_beginnings"):
        GatePolicy(look_ahead={"n_beginnings": 0})
    assert not quantlaxmi.verify_no_lookahead(segment, _Silent, n_cuts=1).found


@pytest.mark.parametrize("last_seq", [0, 4321, 10**9])
def test_a_beginning_is_a_segment_that_ends_there(segment, last_seq):
    begun = Window(segment, last=last_seq)
    with horizon(segment.digest, last_seq):
        held = {table: segment.columns(table) for table in TABLES}
        logged = {table: [len(batch["seq"]) for batch in segment.log(table)] for table in TABLES}
        arrow = {table: segment.arrow(table).num_rows for table in TABLES}
        with horizon("another", 0):
            assert len(segment.columns("quotes")["seq"]) == segment.counts["quotes"].rows
    messages = set()
    for table in TABLES:
        whole, cut = segment.columns(table), begun.columns(table)
        kept = whole["seq"] <= last_seq
        for name, column in cut.items():
            assert np.array_equal(column, whole[name][kept])
            assert np.array_equal(held[table][name], column)
        n = int(kept.sum())
        assert sum(logged[table]) == arrow[table] == begun.arrow(table).num_rows == n
        assert sum(len(b["seq"]) for b in begun.log(table)) == n
        messages |= set(cut["seq"].tolist())
    assert begun.n_messages == len(messages)
    assert begun.n_rows == sum(arrow.values())
    assert begun.instruments == segment.instruments
    stamps = [segment.columns(t)["ts_ns"][segment.columns(t)["seq"] <= last_seq] for t in TABLES]
    assert begun.last_ts_ns == max((int(s[-1]) for s in stamps if len(s)), default=-1)


def test_the_guard_needs_a_run(segment):

    result = judged(look_ahead, make_input(walk_points(0, 10), []))
    assert result.verdict is Verdict.INCONCLUSIVE


def test_latencies_drawn_from_a_table_are_drawn_alike_on_a_beginning(segment):
    drawn = Latency(0, tuple(range(10**6, 60 * 10**6, 10**6)))
    model = LatencyModel(entry=drawn, response=drawn)
    found = quantlaxmi.verify_no_lookahead(segment, "basis_capture", n_cuts=6, latency=model)
    assert not found.found
    assert found.cuts[-1].decisions > 100
