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


def fills(bars, plan, size="1000000", maker=10):
    """Signed size of each fill less its fee in base, and the position; takers pay 10 bps."""
    columns = dict(zip(PRICES, zip(*bars, strict=True), strict=True))
    times = [1_704_067_200 + HOUR * k for k in range(len(bars))]
    segment = ql.from_frame(
        pa.table({"time": times, **columns}),
        symbol="BTCUSDT",
        kind="spot",
        interval="1h",
        costs={"half_spread_bps": "20", "size": size},
    )
    rate = FeeRate(maker_bps=FixedPoint(maker, 0), taker_bps=FixedPoint(10, 0))
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


FLAT = [(100,) * 4] * 4
DEEP = [*FLAT, (100, 101, 80, 85), *[(85,) * 4] * 3]


def test_a_stop_sells_what_its_own_order_left_beside_others():
    plan = {
        0: [("market", 2, None, 95, None)],
        1: [("market", 1.5, None, 94, None)],
        2: [("market", 3, None, 70, None)],
    }
    made = fills(DEEP, plan)
    left = [199_800_000, 149_850_000, 299_700_000]
    assert [size for size, _ in made] == [*left, -left[0], -left[1]]
    assert made[-1][1] == left[2]


def test_a_stop_sells_what_the_limit_of_its_bar_left_beside_what_is_held():
    plan = {0: [("market", 1, None, None, None)], 3: [("limit", 2, 98, 95, None)]}
    assert fills(DEEP, plan) == [
        (99_900_000, 99_900_000),
        (199_800_000, 299_700_000),
        (-199_800_000, 99_900_000),
    ]


def test_a_stop_of_a_limit_of_which_nothing_was_displayed_sells_nothing():
    # The first limit takes all that the close displays.
    plan = {3: [("limit", 2, 98, None, None), ("limit", 1, 97, 95, None)]}
    made = fills(DEEP, plan, size="2")
    assert made[0] == (199_800_000, 199_800_000)
    assert all(size > 0 for size, _ in made[:2])


def test_each_of_two_stops_covers_its_own_in_one_bar():
    """What the first fee leaves owed makes the second order larger by a unit."""
    plan = {
        0: [("market", -0.40310139, None, 105, None)],
        1: [("market", -2.54230274, None, 105, None)],
        2: [("market", -2.29132622, None, 150, None)],
    }
    made = fills([*FLAT, *UP], plan)
    assert [size for size, _ in made[3:]] == [40_310_139, 254_230_274]
    assert made[-1][1] == -229_132_622


def test_a_target_that_covers_pays_a_makers_fee():
    plan = {0: [("target", -2, None, 105, 90)]}
    assert fills(DOWN, plan, maker=2) == [(-2 * COIN, -2 * COIN), (2 * COIN, 0)]


def test_stops_of_one_bar_share_what_the_close_displays():
    plan = {0: [("market", -1, None, 105, None)], 1: [("market", -1, None, 105, None)]}
    made = fills([*FLAT, *UP], plan, size="2")
    # The first buys 1.001001, the second what is left of 2; each pays a thousandth.
    assert [size for size, _ in made[2:]] == [COIN, 99_800_000, 200_000]
    assert made[-1][1] == 0
