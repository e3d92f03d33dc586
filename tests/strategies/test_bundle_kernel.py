"""Bundles of units from a kernel in every form, as a lane, and as plain Python asks for them."""

import numpy as np
import pytest

from quantlaxmi import open_segment
from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.events import LegIntent
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from quantlaxmi.schema import SLOT_DTYPE, BundlePolicy, EventKind, Side
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy, make_params, mask_of
from quantlaxmi.strategies.numba_kernel import compile_kernel
from quantlaxmi.strategies.sdk import CryptoStrategy, Strategy
from tests.run.test_lanes import check_lanes

EVERY = 30_000_000_000
#: 0.01 of the spot at 10**-5, of the perpetual at 10**-3.
QTY = (1_000, 10)


def step(ctx, event, books, positions, features, state, params, legs_out):
    """Every so often some units of long the first and short the second, then back."""
    if books[0].valid == 0 or books[1].valid == 0 or ctx.in_flight != 0:
        return 0
    if ctx.now_ns < state[0].i:
        return 0
    state[0].i = ctx.now_ns + params[0].value
    side = 1 if state[0].f == 0.0 else -1
    state[0].f = 1.0 - state[0].f
    for k in range(2):
        legs_out[k].instrument = k
        legs_out[k].side = side if k == 0 else -side
        legs_out[k].qty = params[3 + k].value
    legs_out[0].decision_type = 3
    legs_out[0].confidence = -1
    legs_out[0].bundle = params[1].value
    legs_out[0].units = params[2].value
    return 2


class UnitsConfig(StrategyConfig, frozen=True, kw_only=True):
    bundle: int = int(BundlePolicy.WHOLE_UNITS)
    units: int = 3


class Units(Strategy):
    strategy_id = "units"
    Config = UnitsConfig
    rationales = ("its turn",)

    def bind(self, instruments, *, interpreted=False):
        functions = compile_kernel(step, interpreted=interpreted)
        c = self.config
        return BoundStrategy(
            strategy_id=self.strategy_id, config=c, config_hash=self.config_hash,
            rationales=self.rationales, instruments=(0, 1), universe=tuple(instruments),
            event_mask=mask_of([EventKind.QUOTE]),
            params=make_params([EVERY, c.bundle, c.units, *QTY]),
            state=np.zeros(1, SLOT_DTYPE), form=functions.form, step=functions.step,
            owner=functions.owner, strategy=self,
        )  # fmt: skip


class PlainUnits(CryptoStrategy):
    strategy_id = "units"
    Config = UnitsConfig
    rationales = ("its turn",)

    def on_start(self, ctx):
        self.next, self.side = 0, 1
        self.symbols = ("BTCUSDT", "BTCUSDT-PERP")

    def on_market(self, event, ctx):
        books = [ctx.book(symbol) for symbol in self.symbols]
        if not all(book.valid for book in books) or ctx.in_flight or ctx.now_ns < self.next:
            return None
        self.next, side = ctx.now_ns + EVERY, self.side
        self.side = -side
        legs = [
            LegIntent(symbol, Side(s), qty)
            for symbol, s, qty in zip(self.symbols, (side, -side), QTY, strict=True)
        ]
        policy = BundlePolicy(self.config.bundle).name.lower()
        return ctx.decide(
            legs, rationale="its turn", decision_type=3, units=self.config.units, policy=policy
        )


@pytest.fixture(scope="module")
def planted():
    return open_segment("data/planted")


@pytest.mark.parametrize("policy", [2, 3, 4])
def test_every_form_of_a_strategy_of_units_gives_one_trace(planted, policy):
    config = RunConfig.of(leg_latency_ns=400_000_000)
    made = UnitsConfig(bundle=policy, units=40)
    compiled = run_columns(planted, Units(made), config)
    interpreted = run_columns(planted, Units(made), config, interpreted=True)
    plain = run_columns(planted, PlainUnits(made), config)
    assert len(compiled.exact.bundles) == compiled.n_decisions > 5
    assert set(compiled.exact.bundles["policy"].tolist()) == {policy}
    for other in (interpreted, plain):
        assert other.trace.trace_hash == compiled.trace.trace_hash
        assert other.trace.outcome_hash == compiled.trace.outcome_hash
    whole = (compiled.exact.bundles["units_filled"] == 40).mean()
    assert 0 < whole < 1


def test_lanes_of_units_are_the_runs(planted):
    bounds = [
        Units(UnitsConfig(bundle=policy, units=units)).bind(planted.instruments)
        for policy in (2, 3, 4)
        for units in (1, 40)
    ]
    check_lanes(planted, bounds, RunConfig.of(leg_latency_ns=400_000_000))


@pytest.mark.parametrize(
    ("bundle", "units", "said"),
    [
        (5, 1, "a leg that no bundle with a policy of units can have"),
        (-1, 1, "a leg that no bundle with a policy of units can have"),
        (2, -1, "a leg that no bundle with a policy of units can have"),
        (1, 2, "a leg that no bundle with a policy of units can have"),
        (0, 2, "a leg that no bundle with a policy of units can have"),
    ],
)
def test_units_that_no_bundle_has_end_the_run_with_a_sentence(planted, bundle, units, said):
    with pytest.raises(StrategyError, match=said):
        run_columns(planted, Units(UnitsConfig(bundle=bundle, units=units)), RunConfig())


def test_units_times_a_quantity_beyond_64_bits_is_an_error(planted):
    with pytest.raises(FixedPointOverflow):
        run_columns(planted, Units(UnitsConfig(bundle=2, units=1 << 62)), RunConfig())


def test_units_of_nought_are_one(planted):
    """Kernels may leave out what is 0."""
    nought, one = (
        run_columns(planted, Units(UnitsConfig(bundle=2, units=n)), RunConfig()) for n in (0, 1)
    )
    assert nought.exact.decisions.tobytes() == one.exact.decisions.tobytes()
