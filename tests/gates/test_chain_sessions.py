"""Gates over option sessions: the strategy is run again on drawn chains, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi.errors import InputError
from quantlaxmi.events import LegIntent, MultiLegOrderIntent, OptionsStrategyType
from quantlaxmi.gates import GatePolicy, cost_sensitivity, market_null
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path.session_bundles import net_gamma, nights_held, not_rebuilt
from quantlaxmi.gates.path.session_days import session_days
from quantlaxmi.gates.resampling.chain_replays import ChainReplays
from quantlaxmi.gates.resampling.market_counts import market_counts
from quantlaxmi.gates.results import Verdict
from quantlaxmi.importers.synthetic_chain import synthetic_chain
from quantlaxmi.importers.synthetic_session import generate_chain_segment, session_rows
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import EventKind, InstrumentKind, Side
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.sdk import IndiaOptionsStrategy

SNAPSHOTS = 20
POLICY = GatePolicy(
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
)


class Straddles(IndiaOptionsStrategy):
    """Sells the front's straddle at the money now and then, and closes it two snapshots later."""

    strategy_id = "straddles"
    event_kinds = (EventKind.CHAIN,)
    side, every, overnight = Side.SELL, 4, False

    def trades(self, instruments: Any) -> tuple[int, ...]:
        return tuple(range(len(instruments)))

    def on_start(self, ctx: Any) -> None:
        self.pair: tuple[int, int] | None = None
        self.n = self.until = 0
        calls = [k for k, one in enumerate(ctx.instruments) if one.kind is InstrumentKind.CALL]
        self.calls = np.array(calls)  # each call stands before its put
        self.ends = np.array([ctx.instruments[k].expiry_ns for k in calls])

    def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
        k, self.n = self.n % SNAPSHOTS, self.n + 1
        if self.pair is not None:
            if self.n < self.until or ctx.in_flight:
                return None
            legs = self._legs(ctx, Side.BUY if self.side is Side.SELL else Side.SELL)
            self.pair = None
            return legs
        enters = k == SNAPSHOTS - 3 if self.overnight else k % self.every == 0 and k < 15
        if not enters:
            return None
        call, put = ctx.books[self.calls], ctx.books[self.calls + 1]
        fresh = (call["ts_ns"] == event.ts_ns) & (call["valid"] != 0) & (put["valid"] != 0)
        front = fresh & (self.ends == self.ends[fresh].min())
        apart = np.where(front, np.abs(call["mid2"] - put["mid2"]), 2**60)
        best = int(self.calls[apart.argmin()])
        self.pair, self.until = (best, best + 1), self.n + 2
        return self._legs(ctx, self.side)

    def _legs(self, ctx: Any, side: Side) -> MultiLegOrderIntent:
        assert self.pair is not None
        legs = tuple(LegIntent(ctx.instruments[k].symbol, side, 75) for k in self.pair)
        return MultiLegOrderIntent(legs, OptionsStrategyType.STRADDLE)


class Buyer(Straddles):
    strategy_id = "straddle_buyer"
    side = Side.BUY


class Overnight(Straddles):
    strategy_id = "straddles_overnight"
    overnight = True


class Keeper(Straddles):
    """Sells one straddle and keeps it to its end."""

    strategy_id = "straddle_keeper"

    def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
        return None if self.pair is not None else super().on_market(event, ctx)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("ten") / "s"
    return generate_chain_segment("fair", out, days=10, snapshots=SNAPSHOTS)


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("eight") / "s"
    return generate_chain_segment("fair", out, days=8, snapshots=SNAPSHOTS)


def test_gates_run_from_end_to_end(ten: Any) -> None:
    report = ql.run_gates(ten, Straddles(), gates=("g2", "g3"), policy=POLICY)
    found = {one.gate: one for suite in report.results for one in suite.results}
    null = found["market_null"]
    assert null.verdict in (Verdict.PASS, Verdict.FAIL)
    assert "Option chains of fair variance" in null.reasons[0]
    assert null.details["unit"] == "session days" and null.details["trips"] >= 30
    assert found["equity"].reasons[0].startswith("Session days: 10, at least 60 needed")
    assert "out of sample" in found["walk_forward"].reasons[0]
    assert found["look_ahead"].verdict is Verdict.PASS
    for name in ("regimes", "equity", "walk_forward"):
        assert found[name].verdict is Verdict.INCONCLUSIVE, name
    assert found["premium"].verdict is Verdict.FAIL  # what it pays needs no clock
    assert found["random_entry.matched"].verdict in (Verdict.PASS, Verdict.FAIL)
    assert found["random_entry.neutral"].verdict is Verdict.PASS
    for name in ("label_permutation", "time_shift", "random_sides"):
        assert "over session days, p = " in found[name].reasons[0], name
    assert "Bundles compared" in found["lag_profile"].reasons[0]
    assert found["selection.statistics"].verdict is not Verdict.PASS
    assert report.verdict in ("FAIL", "INCONCLUSIVE")
    again = ql.run_gates(ten, Straddles(), gates=("g2", "g3"), policy=POLICY, threads=2)
    assert again.report_hash == report.report_hash


def test_sums_are_of_bundles_below_ten_days(eight: Any) -> None:
    run = ql.backtest(eight, Straddles())
    context = context_of(run, POLICY)
    [found] = market_null.GATE.judge(context)
    assert found.details["unit"] == "bundles" and found.details["session_days"] == 8
    days = session_days(eight)
    assert days is not None
    replays = ChainReplays(context, Rerun(run), 1, days)
    own = replays.sums(replays.room())
    # Bundles are disjoint and in turn: their gross is that of their fills.
    gross = run.exact.attributions.gross.tolist()
    ends = np.cumsum(np.diff(run.exact.fills["decision"], prepend=-1) > 0)
    by_bundle: dict[int, int] = {}
    for decision, amount in zip(ends.tolist(), gross, strict=True):
        by_bundle[(decision - 1) // 2] = by_bundle.get((decision - 1) // 2, 0) + amount
    assert own.trips == len(by_bundle) == context.n_trips
    assert own.total * replays.scale == sum(by_bundle.values())
    assert own.squares * replays.scale**2 == sum(g * g for g in by_bundle.values())


def test_draws_move_quotes_and_keep_their_number(ten: Any) -> None:
    run = ql.backtest(ten, Straddles())
    days = session_days(ten)
    assert days is not None
    replays = ChainReplays(context_of(run, POLICY), Rerun(run), 7, days)
    first = replays.sums(replays.move(3, replays.room()))
    other = replays.sums(replays.move(4, replays.room()))
    room = replays.move(4, replays.room())
    assert replays.sums(replays.move(3, room)) == first != other
    recorded = replays.tables(replays.room())["chain"]
    for name, column in run.segment.columns("chain").items():
        assert np.array_equal(recorded[name], column), name


def test_bundles_that_cannot_be_rebuilt_are_named(ten: Any) -> None:
    run = ql.backtest(ten, Overnight())
    context = context_of(run, GatePolicy(min_trades=2))
    [found] = market_null.GATE.judge(context)
    assert found.verdict is Verdict.INCONCLUSIVE
    n = found.details["bundles_overnight"]
    assert isinstance(n, int) and n > 0
    assert f"cannot rebuild these bundles ({n} overnight, 0 off-chain)" in found.reasons[0]
    days = session_days(ten)
    assert days is not None
    replays = ChainReplays(context, Rerun(run), 1, days)
    replays.null.span[:] = 0  # nothing is priced
    day = ql.backtest(ten, Straddles())
    assert not_rebuilt(day, replays.rows, replays.null, days) == (
        0,
        context_of(day, POLICY).n_trips,
    )


class SkewStraddles(Straddles):
    """The same, by a signal that drawn chains do not have."""

    strategy_id, trades_skew = "skew-straddles", True


def test_rules_on_the_skew_cannot_be_rebuilt(ten: Any) -> None:
    [found] = market_null.GATE.judge(context_of(ql.backtest(ten, SkewStraddles()), POLICY))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons[0].startswith("Market null cannot rebuild rules on the skew")


def test_draws_that_hold_a_contract_to_its_end_count_against_the_strategy(ten: Any) -> None:
    """They ended the whole gate: an exit that the recorded quotes filled may not fill on others."""
    with pytest.raises(InputError, match=r"expired at .* with a position of -75"):
        ql.backtest(ten, Keeper())
    kept = ql.backtest(ten, Keeper(), settle_at="mark")
    assert len(kept.exact.settled) == 2
    days = session_days(ten)
    assert days is not None
    # As draws do: the run that is judged says nothing of marks, its session on other quotes does.
    priced = replace(kept, config=replace(kept.config, settle_at="price"))
    replays = ChainReplays(context_of(kept, POLICY), Rerun(priced), 1, days)
    assert not replays.sums(replays.move(1, replays.room())).followed
    # A beginning that ends before a settlement is no error either.
    assert len(Rerun(priced).beginning(kept.segment.last_seq).exact.settled) == 2


def test_gamma_has_the_side_of_the_straddles(ten: Any) -> None:
    for strategy, sign in ((Straddles(), -1), (Buyer(), 1)):
        run = ql.backtest(ten, strategy)
        days = session_days(ten)
        assert days is not None
        replays = ChainReplays(context_of(run, POLICY), Rerun(run), 1, days)
        assert np.sign(net_gamma(run, replays.rows, replays.null)) == sign


def test_passes_of_short_gamma_say_what_they_do_not_exclude(
    ten: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for strategy, said in ((Straddles(), True), (Buyer(), False)):
        context = context_of(ql.backtest(ten, strategy), POLICY)
        counts = market_counts(context)
        assert counts.drifting is None and counts.details["short_gamma"] is said
        never = replace(
            counts, driftless=replace(counts.driftless, exceedances=0, draws=19, stopped=False)
        )
        monkeypatch.setattr(market_null, "market_counts", lambda _, made=never: made)
        [found] = market_null.GATE.judge(context)
        assert found.verdict is Verdict.PASS
        assert ("moves that did not happen is not excluded" in found.reasons[0]) is said


def test_few_bundles_are_counted(ten: Any) -> None:
    class Rare(Straddles):
        strategy_id = "rare"
        every = 14

    run = ql.backtest(ten, Rare())
    context = context_of(run, POLICY)
    for gate in (market_null.GATE, cost_sensitivity.GATE):
        [found] = gate.judge(context)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert f"Round trips: {context.n_trips}, at least 30 needed" in found.reasons[0]


def test_positions_that_settle_are_not_rebuilt() -> None:
    """Sold on the day before the front ends, and held until it is settled."""
    made = synthetic_chain("fair", days=6, snapshots=SNAPSHOTS)
    instruments, chain = session_rows(made)
    end = int(made.history.expiry_ns[0])
    gone = np.flatnonzero([one.expiry_ns == end for one in instruments])
    rows: dict[str, Any] = {
        "seq": int(chain["seq"][-1]) + 1 + np.arange(gone.size),
        "ts_ns": np.full(gone.size, end + 10**9),
        "instrument": gone.astype(np.int16),
        "exch_ts_ns": np.full(gone.size, end),
        "price": np.full(gone.size, 24_500_00),
    }
    segment = MemorySegment(instruments, {"chain": chain, "settlement": rows}, cadence="snapshots")

    class Held(Straddles):
        strategy_id = "straddles_held"

        def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
            holds = self.pair is not None and self.n > 4 * SNAPSHOTS  # the fifth day is a Monday
            return None if holds else super().on_market(event, ctx)

    run = ql.backtest(segment, Held())
    assert (run.exact.settled["position"] != 0).sum() == 2
    context = context_of(run, GatePolicy(min_trades=2))
    [found] = market_null.GATE.judge(context)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "2 positions settled" in found.reasons[0]
    report = ql.run_gates(segment, Held(), gates=("g2", "g3"), policy=POLICY)
    assert report.verdict in ("FAIL", "INCONCLUSIVE")


def test_draws_that_hold_overnight_do_not_count(ten: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every day begins at its recorded chain, so that a night is no fair move."""
    days = session_days(ten)
    assert days is not None
    for strategy in (Straddles(), Overnight()):
        run = ql.backtest(ten, strategy)
        fills, held, nights = run.exact.fills, dict[int, int](), 0
        for end in days.ends[:-1].tolist():
            for one in fills[fills["ts_ns"] <= end]:
                held[int(one["instrument"])] = int(one["position"])
            nights += any(held.values())
        assert nights_held(fills, days.ends) == nights
        assert (nights > 0) == isinstance(strategy, Overnight)
    replays = ChainReplays(context_of(run, POLICY), Rerun(run), 1, days)
    drawn = replays.sums(replays.move(1, replays.room()))
    assert drawn.followed and drawn.trips == 0
    # Where all draws are such, there is nothing to compare with.
    context = context_of(ql.backtest(ten, Straddles()), POLICY)
    made = ChainReplays.sums
    monkeypatch.setattr(
        ChainReplays,
        "sums",
        lambda self, moved, config=None: (
            made(self, moved, config)
            if moved.drawn is None
            else made(self, moved, config)._replace(trips=0, followed=True)
        ),
    )
    [found] = market_null.GATE.judge(context)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "made 30 bundles and held none overnight: 0 of 190" in found.reasons[0]
