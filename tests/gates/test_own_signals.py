"""Signals that a plain-Python class names: what ablation makes of them, and what is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi import check_strategy
from quantlaxmi.errors import StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.gates.results import Verdict
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import Side
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import CryptoStrategy, FeatureSpec, StrategyRegistry
from quantlaxmi.strategies.own_signals import zero_of

ROOT = Path(__file__).resolve().parents[2]
QUICK = GatePolicy(
    extend_factor=1, ablation={"n_bootstrap": 499, "max_buckets": 400, "min_buckets": 30}
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(ROOT / "data/planted")


class Basis(CryptoStrategy):
    """Sells the perpetual over 5 bps of basis, which it computes by itself; leaves inside 2.5."""

    strategy_id = "own_basis"
    rationales = ("in", "out")
    signals = ("basis",)

    def on_start(self, ctx):
        self.pair = [one.symbol for one in ctx.instruments]
        self.books = [ctx.book(symbol) for symbol in self.pair]
        self.held = ctx.position(self.pair[1])
        self.calls = 0

    def signal_of(self, ctx):
        spot, perp = (book.bid + book.ask for book in self.books)
        return ctx.signal("basis", (perp - spot) * 10_000 / spot)

    def on_market(self, event, ctx):
        self.calls += 1
        if ctx.in_flight or not all(book.valid for book in self.books):
            return None
        basis, held = self.signal_of(ctx), self.held.qty
        if not held and abs(basis) > 5:
            return self.trade(ctx, -10 if basis > 0 else 10, "in")
        if held and (basis < 2.5 if held < 0 else basis > -2.5):
            return self.trade(ctx, -held, "out")
        return None

    def trade(self, ctx, qty, why):
        """Trade a quantity of the perpetual, of 0.001, against spot, of 0.00001."""
        legs = [
            LegIntent(symbol, Side.BUY if one > 0 else Side.SELL, abs(one))
            for symbol, one in zip(self.pair, (-100 * qty, qty), strict=True)
        ]
        return ctx.decide(legs, rationale=why)


class Coin(Basis):
    """The same trades at 0 and 300 of every 400 quotes, on the side of a coin."""

    strategy_id = "own_coin"
    signals = ("coin",)

    def on_start(self, ctx):
        super().on_start(ctx)
        self.coins = np.random.default_rng(5).choice([-9.0, 9.0], 10_000)

    def signal_of(self, ctx):
        turn, place = divmod(self.calls, 400)
        if self.held.qty:
            return 0.0 if place >= 300 else -9.0 * np.sign(self.held.qty)
        return ctx.signal("coin", float(self.coins[turn]) if place < 300 else 0.0)


class Forgotten(Basis):
    """Names a second signal that no line passes through."""

    strategy_id = "own_forgotten"
    signals = ("basis", "volume")


class Unused(Forgotten):
    """Names signals and passes none through."""

    strategy_id = "own_unused"

    def signal_of(self, ctx):
        spot, perp = (book.bid + book.ask for book in self.books)
        return (perp - spot) * 10_000 / spot


class Undeclared(Basis):
    """Passes a signal through that it does not name."""

    strategy_id = "own_undeclared"
    signals = ("bassis",)


def ablated(segment, strategy):
    run = backtest(segment, strategy)
    return run, G2AntiOverfitSuite.from_run(run, policy=QUICK).run_ablation()[0]


def test_a_signal_that_carries_the_result_is_shown_with_its_p(planted):
    run, whole = ablated(planted, Basis())
    assert run.exact.net_pnl > 0
    assert whole.removed == ("basis",)
    assert (whole.verdict, whole.details["decisions_without"]) == (Verdict.SHOWN, 0)
    assert whole.details["lost"] == whole.details["net"]
    assert whole.monte_carlo.p_value <= Fraction(1, 20)
    assert "Net PnL with basis neutral: 0 instead of" in whole.reasons[0]
    assert "never" not in whole.reasons[0]


def test_a_signal_of_noise_adds_nothing_measurable(planted):
    run, whole = ablated(planted, Coin())
    assert run.n_decisions > 60
    assert whole.removed == ("coin",)
    assert (whole.verdict, whole.details["decisions_without"]) == (Verdict.WARN, 0)
    assert whole.monte_carlo.p_value > Fraction(1, 20)
    assert "add nothing measurable" in whole.reasons[0]


def test_a_signal_that_is_never_passed_through_is_said(planted):
    _, whole = ablated(planted, Forgotten())
    assert whole.removed == ("basis", "volume")
    assert whole.verdict is Verdict.SHOWN
    assert whole.reasons[0].endswith("Declared and never passed through ctx.signal: volume.")
    assert whole.details["never_asked"] == ["volume"]
    _, none = ablated(planted, Unused())
    assert (none.verdict, none.monte_carlo) == (Verdict.WARN, None)
    assert none.reasons == (
        "Declared and never passed through ctx.signal: basis, volume. Nothing was taken away: pass "
        "them through, or do not declare them.",
    )


def test_an_undeclared_signal_ends_the_run_in_one_line(planted):
    with pytest.raises(StrategyError) as caught:
        backtest(planted, Undeclared())
    assert "\n" not in str(caught.value)
    assert "signal 'basis' is not among the strategy's signals (bassis)" in str(caught.value)
    assert "message seq" in str(caught.value)


@pytest.mark.parametrize("names", ["basis", ("a", "a"), (1,), ("",), 5, {"a": 1}])
def test_names_that_are_none_are_refused(planted, names):
    kind = type("Bad", (Basis,), {"signals": names})
    with pytest.raises(StrategyError, match="expected a tuple of distinct names"):
        kind().bind(planted.instruments)


def test_a_kernel_names_no_signals(planted):
    bound = StrategyRegistry().create("basis_capture").bind(planted.instruments)
    with pytest.raises(StrategyError, match="names signals, a kernel cannot"):
        replace(bound, named_signals=("basis",))
    with pytest.raises(StrategyError, match="neutralises a signal it does not declare"):
        bound.neutralised((len(bound.features),))


@pytest.mark.parametrize(
    ("value", "zero"),
    [
        (2.5, 0.0),
        (-3, 0),
        (True, False),
        (Decimal("1.5"), Decimal(0)),
        (Fraction(1, 3), Fraction(0)),
        (FixedPoint(15, -1), FixedPoint(0, -1)),
        (np.float64(2.5), np.float64(0)),
        (np.int64(7), np.int64(0)),
        (float("inf"), 0.0),
        (None, None),
    ],
)
def test_the_zero_has_the_kind_of_the_value(value, zero):
    found = zero_of("x", value)
    assert found == zero and type(found) is type(zero)


def test_a_value_that_is_not_known_stays_and_one_that_is_no_number_is_refused(planted):
    assert np.isnan(zero_of("x", float("nan")))
    for value in ("1", [1], object()):
        with pytest.raises(StrategyError, match="expected a number or None"):
            zero_of("x", value)


def test_own_signals_come_after_features_and_travel(planted):
    class Both(Basis):
        strategy_id = "own_both"

        def features(self, instruments):
            return (FeatureSpec("mid_basis", (0, 1), signal=False),)

    bound = Both().bind(planted.instruments)
    assert bound.signals == (1,)
    neutral = Basis().bind(planted.instruments).neutralised((0,))
    again = pickle.loads(pickle.dumps(neutral))
    assert (again.neutral, again.config_hash) == (neutral.neutral, neutral.config_hash)
    assert backtest(planted, again).n_decisions == 0


def test_a_pickled_run_is_ablated_without_a_word_on_what_it_asked(planted):
    run = pickle.loads(pickle.dumps(backtest(planted, Forgotten())))
    whole = G2AntiOverfitSuite.from_run(run, policy=QUICK).run_ablation()[0]
    assert whole.verdict is Verdict.SHOWN
    assert "never_asked" not in whole.details


def test_the_contract_holds_with_own_signals(planted):
    assert len(list(check_strategy(Basis, planted))) == 10
