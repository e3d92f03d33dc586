"""What a strategy over bars trades, against the naive twin: every fill, and the money exactly."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

import quantlaxmi as ql
from quantlaxmi import BarStrategy, CostModel, backtest, replay, verify_replay_parity
from quantlaxmi.execution.costs import FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import FillFlag, InstrumentKind, Side
from tests.naive import bar_orders as naive

HOUR = 3600
PRICES = ("open", "high", "low", "close")
HALF = Fraction(20)


def walk(n, seed, move=60):
    """Bars of a walk that leaves gaps between them."""
    rng, rows, price = np.random.default_rng(seed), [], 10_000
    for _ in range(n):
        opened = price + int(rng.integers(-move, move + 1))
        closed = opened + int(rng.integers(-move, move + 1))
        high = max(opened, closed) + int(rng.integers(0, move))
        low = min(opened, closed) - int(rng.integers(0, move))
        rows.append((opened, high, low, closed))
        price = closed
    return rows


def segment_of(bars, size="1000000"):
    columns = dict(zip(PRICES, zip(*bars, strict=True), strict=True))
    times = [1_704_067_200 + HOUR * k for k in range(len(bars))]
    costs = {"half_spread_bps": str(HALF), "size": size}
    table = pa.table({"time": times, **columns})
    return ql.from_frame(table, symbol="BTCUSDT", kind="perp", interval="1h", costs=costs)


def fees(maker, taker):
    rate = FeeRate(maker_bps=FixedPoint(maker, 0), taker_bps=FixedPoint(taker, 0))
    return CostModel(rates={InstrumentKind.PERP: rate})


class Scripted(BarStrategy):
    """Does what a plan says at the end of each bar."""

    strategy_id = "scripted"
    plan: ClassVar = {}
    seen: ClassVar = []

    def next(self):
        k = len(self.data) - 1
        type(self).seen.append(int(self.position.size))
        for kind, qty, limit, stop, target in self.plan.get(k, ()):
            if kind == "target":
                self.target(self.symbol, qty, stop=stop, take_profit=target)
            else:
                order = self.buy if qty > 0 else self.sell
                order(abs(qty), limit=limit, stop=stop, take_profit=target)


def scripted(plan):
    return type("Made", (Scripted,), {"plan": plan, "seen": []})


def kind_of(flags):
    flags = FillFlag(flags)
    if not flags & FillFlag.IN_BAR:
        return "market"
    if flags & FillFlag.STOP_FIRST:
        return "stop first"
    return "passive" if flags & FillFlag.MAKER else "stop"


def fills_of(run):
    """Bar, side, quantity, price and kind of each fill, in the bars' whole units."""
    unit = Fraction(10) ** run.instruments[0].price_exponent
    lot = Fraction(10) ** run.instruments[0].qty_exponent
    made = []
    for fill in run.exact.fills:
        kind = kind_of(int(fill["flags"]))
        ended = (int(fill["ts_ns"]) // 10**9 - 1_704_067_200) // HOUR
        k = ended if kind == "market" else ended - 1
        made.append((k, int(fill["side"]), int(fill["qty"]) * lot, int(fill["price"]) * unit, kind))
    return made


def expected(bars, plan, unit):
    """The twin's fills; prices are spread at the exponent of the segment."""
    scale = int(1 / unit)
    exact = [tuple(p * scale for p in bar) for bar in bars]
    scaled = {
        k: [(a, q, *(None if p is None else p * scale for p in levels)) for a, q, *levels in acts]
        for k, acts in plan.items()
    }
    fills, seen = naive.run(exact, scaled, HALF)
    named = {"limit": "passive", "target": "passive"}
    return [(k, s, q, p * unit, named.get(w, w)) for k, s, q, p, w in fills], seen


def check(bars, plan, costs=None):
    """Hold a run against the twin; its fills."""
    segment = segment_of(bars)
    strategy = scripted(plan)
    run = backtest(segment, strategy, costs=fees(0, 0) if costs is None else costs)
    unit = Fraction(10) ** segment.instruments[0].price_exponent
    wanted, seen = expected(bars, plan, unit)
    assert fills_of(run) == wanted
    n_stop_first = sum(kind == "stop first" for *_, kind in wanted)
    assert run.exact.n_stop_first == n_stop_first
    if n_stop_first:
        stats = run.stats()
        assert stats.n_stop_first == stats.to_dict()["n_stop_first"] == n_stop_first
        assert re.search(f"stop first +{n_stop_first} fills?\\b", str(stats))
    assert strategy.seen == seen
    return run, wanted


def random_plan(n, seed):
    """Actions with levels about the price, on a third of the bars."""
    rng, plan = np.random.default_rng(seed), {}

    def made(bar):
        side = 1 if rng.random() < 0.5 else -1
        kind = ("market", "limit", "target")[int(rng.integers(3))]
        price = bar[3] - side * int(rng.integers(0, 80)) if kind == "limit" else bar[3]
        near = [int(rng.integers(1, 150)) for _ in range(2)]
        stop = price - side * near[0] if rng.random() < 0.7 else None
        target = price + side * near[1] if rng.random() < 0.7 else None
        limit = price if kind == "limit" else None
        return (kind, side * int(rng.integers(1, 5)), limit, stop, target)

    def plan_of(bars):
        for k, bar in enumerate(bars):
            if rng.random() < 0.35:
                plan[k] = [made(bar) for _ in range(int(rng.integers(1, 3)))]
        return plan

    return plan_of


@pytest.mark.parametrize("seed", range(25))
def test_fills_are_the_twins(seed):
    bars = walk(60, seed)
    run, wanted = check(bars, random_plan(60, seed + 1000)(bars))
    assert len(wanted) > 10
    cash = naive.cash(wanted, lambda worth, kind: Fraction(0))
    mid = Fraction(bars[-1][3])
    held = sum(side * qty for _, side, qty, _, _ in wanted)
    assert abs(Fraction(run.net) - (cash + held * mid)) <= Fraction(1, 10**6)


def test_the_plans_meet_every_kind_of_fill():
    kinds = set()
    for seed in range(25):
        bars = walk(60, seed)
        kinds |= {w for *_, w in expected(bars, random_plan(60, seed + 1000)(bars), Fraction(1))[0]}
    assert kinds == {"market", "passive", "stop", "stop first"}


def test_fees_are_those_of_takers_and_makers():
    bars = [(100, 101, 99, 100), (100, 110, 99, 108), (108, 125, 100, 120), (120, 121, 90, 95)]
    plan = {0: [("market", 2, None, 90, 115)], 2: [("market", 1, None, 110, None)]}
    bars += [(95, 96, 94, 95)]
    costs = fees(10, 30)
    segment = segment_of(bars)
    run = backtest(segment, scripted(plan), costs=costs)
    fills = fills_of(run)
    rates = {"market": 30, "stop": 30, "passive": 10}
    paid = sum(Fraction(q) * p * rates[w] / 10_000 for _, _, q, p, w in fills)
    assert [w for *_, w in fills] == ["market", "passive", "market", "stop"]
    assert abs(Fraction(run.fees) - paid) <= Fraction(4, 10**8)


FIVE = [(100, 101, 99, 100)] * 2


@pytest.mark.parametrize(
    ("bar", "stop", "target", "price", "flags"),
    [
        ((100, 104, 96, 101), 97, 120, "96.8", FillFlag.NONE),  # at its level
        ((100, 104, 97, 101), 97, 120, "96.8", FillFlag.NONE),  # touched
        ((94, 99, 93, 98), 97, 120, "93.8", FillFlag.NONE),  # the open is below it
        ((100, 104, 98, 101), 97, 103, "103", FillFlag.MAKER),  # target alone
        ((100, 103, 98, 101), 97, 103, None, None),  # to touch a target is not enough
        ((109, 112, 108, 110), 97, 103, "103", FillFlag.MAKER),  # never better than its level
        ((100, 104, 96, 101), 97, 103, "96.8", FillFlag.STOP_FIRST),  # both in one bar
        ((104, 106, 96, 101), 97, 103, "103", FillFlag.MAKER),  # the open was beyond the target
    ],
)
def test_one_bar_of_a_long_position(bar, stop, target, price, flags):
    bars = [*FIVE, bar, (bar[3],) * 4]
    plan = {0: [("market", 1, None, stop, target)]}
    run, _ = check(bars, plan)
    if price is None:
        assert run.n_fills == 1
        return
    fill = run.exact.fills[1]
    unit = Fraction(10) ** run.instruments[0].price_exponent
    # Half of the spread of the close, rounded outward: 20 bps of about 100.
    near = Fraction(price) - int(fill["price"]) * unit
    assert abs(near) <= Fraction(1, 50)
    assert FillFlag(int(fill["flags"])) & (FillFlag.MAKER | FillFlag.STOP_FIRST) == flags
    # The same mirrored at 200: a short position.
    mirrored = [tuple(200 - p for p in (o, lo, h, c)) for o, h, lo, c in bars]
    check(mirrored, {0: [("market", -1, None, 200 - stop, 200 - target)]})


def test_a_limit_does_not_reach_its_target_in_the_bar_that_opened_it():
    bars = [*FIVE, (100, 110, 95, 108), (108, 112, 107, 108), (108,) * 4]
    run, wanted = check(bars, {1: [("limit", 1, 98, 90, 105)]})
    assert [(k, w) for k, _, _, _, w in wanted] == [(2, "passive"), (3, "passive")]
    run, wanted = check(bars, {1: [("limit", 1, 98, 96, 105)]})
    assert [(k, w) for k, _, _, _, w in wanted] == [(2, "passive"), (2, "stop first")]
    assert run.exact.fills["position"].tolist()[-1] == 0


def test_a_plain_sale_takes_the_stop_with_it():
    bars = [*FIVE, (100, 101, 99, 100), (100, 101, 80, 85), (85,) * 4]
    _, wanted = check(
        bars, {0: [("market", 1, None, 95, None)], 1: [("market", -1, None, None, None)]}
    )
    assert len(wanted) == 2


def test_no_more_is_filled_than_the_bar_displays():
    bars = [*FIVE, (102, 103, 90, 95), (95, 96, 94, 95), (95, 96, 80, 81), (81,) * 4]
    segment = segment_of(bars, size="2")
    plan = {0: [("market", 2, None, 96, None)], 1: [("market", 1, None, 96, None)]}
    run = backtest(segment, scripted(plan), costs=fees(0, 0))
    made = [(k, s, q, w) for k, s, q, _, w in fills_of(run)]
    assert made == [
        (1, 1, 2, "market"),
        (2, 1, 1, "market"),
        (2, -1, 2, "stop"),
        (3, -1, 1, "stop"),
    ]


def test_replay_by_the_log_is_the_same(tmp_path):
    bars = walk(300, 5)
    segment_of(bars).save(tmp_path / "seg")
    strategy = scripted(random_plan(300, 6)(bars))
    runs = [f(tmp_path / "seg", strategy, costs=fees(1, 2)) for f in (backtest, replay)]
    assert runs[0].trace.trace_hash == runs[1].trace.trace_hash
    assert runs[0].trace.outcome_hash == runs[1].trace.outcome_hash
    assert type(verify_replay_parity(runs[0].trace, runs[1].trace)).__name__ == "Match"
    sides = {int(s) for s in runs[0].exact.fills["side"]}
    assert sides == {Side.BUY, Side.SELL}
