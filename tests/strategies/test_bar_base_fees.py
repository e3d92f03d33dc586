"""Strategies over bars of spot whose buys pay their fee in base: what a position is left with."""

from __future__ import annotations

import pyarrow as pa
import pytest

import quantlaxmi as ql
from quantlaxmi import CostModel, backtest
from quantlaxmi.execution.costs import FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from tests.strategies.test_bar_fills import FIVE, HOUR, PRICES, scripted

COIN = 10**8
UP = [*FIVE, (100,) * 4, (100, 111, 99, 110), *[(110,) * 4] * 3]
DOWN = [*FIVE, (100,) * 4, (100, 101, 80, 85), *[(85,) * 4] * 3]


def fills(bars, plan, size="1000000"):
    """Signed size of each fill, its fee in base taken off, and the position; fees are 10 bps."""
    columns = dict(zip(PRICES, zip(*bars, strict=True), strict=True))
    times = [1_704_067_200 + HOUR * k for k in range(len(bars))]
    segment = ql.from_frame(
        pa.table({"time": times, **columns}),
        symbol="BTCUSDT",
        kind="spot",
        interval="1h",
        costs={"half_spread_bps": "20", "size": size},
    )
    rate = FeeRate(maker_bps=FixedPoint(10, 0), taker_bps=FixedPoint(10, 0))
    costs = CostModel(rates={InstrumentKind.SPOT: rate}, buy_fee={"spot": "base"})
    made = backtest(segment, scripted(plan), costs=costs).exact.fills
    return [(int(f["side"]) * int(f["qty"]), int(f["position"])) for f in made]


@pytest.mark.parametrize("bars", [UP, DOWN])
@pytest.mark.parametrize(("kind", "held"), [("market", 199_800_000), ("target", 2 * COIN)])
def test_a_bracket_of_a_long_position_sells_what_was_received(bars, kind, held):
    assert fills(bars, {0: [(kind, 2, None, 90, 108)]}) == [(held, held), (-held, 0)]


@pytest.mark.parametrize("qty", [2, -2])
def test_a_target_of_nothing_ends_flat(qty):
    made = fills(UP, {0: [("target", qty, None, None, None)], 5: [("target", 0, None, None, None)]})
    assert [position for _, position in made] == [qty * COIN, 0]


@pytest.mark.parametrize("bars", [UP, DOWN])
@pytest.mark.parametrize("qty", [-2, -0.3])
def test_a_bracket_of_a_short_position_buys_its_fee_as_well(bars, qty):
    held = round(qty * COIN)
    plan = {0: [("target", qty, None, 105, 90)], 6: [("target", 0, None, None, None)]}
    assert fills(bars, plan) == [(held, held), (-held, 0)]


def test_two_brackets_that_one_bar_covers_end_flat():
    plan = {0: [("market", -1, None, 105, None)], 1: [("market", -2, None, 106, None)]}
    made = fills([*FIVE, *UP], plan)
    assert [position for _, position in made] == [-COIN, -3 * COIN, -2 * COIN, 0]


def test_no_more_is_covered_than_the_close_displays():
    made = fills(UP, {0: [("target", -2, None, 105, None)]}, size="2")
    assert [position for _, position in made] == [-2 * COIN, -200_000, 0]
    assert [size for size, _ in made] == [-2 * COIN, 199_800_000, 200_000]
