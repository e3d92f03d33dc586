"""Corners of the engine by name: a market, a schedule and the run's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.instruments import Instrument
from tests.market_builder import START_NS, MarketBuilder, Tables
from tests.naive.engine import Decision, Leg
from tests.random_markets import Schedule
from tests.traded import CHAINS, COSTS, INDEXED, NO_LIMITS, OPTIONS, STEPPED, UNIVERSES


@dataclass(frozen=True)
class Case:
    """One market with a schedule and the run's settings."""

    name: str
    tables: Tables
    schedule: Schedule
    latency_ns: int = 0
    flatten: bool = False
    universe: str = "coarse"
    costs: CostModel = COSTS[1]
    limits: RiskLimits = NO_LIMITS
    leg_latency_ns: int = 0
    settle_at: Literal["price", "mark"] = "price"

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return {**UNIVERSES, **STEPPED, **OPTIONS, **CHAINS, **INDEXED}[self.universe]

    def __str__(self) -> str:
        return self.name


def _both(buy_qty: int, sell_qty: int, bundle: bool = True) -> Decision:
    return Decision((Leg(0, 1, buy_qty), Leg(1, -1, sell_qty)), bundle=bundle)


def _quotes(qty: int = 10) -> MarketBuilder:
    return MarketBuilder().quote(0, 99, qty, 101, qty).quote(1, 103, qty, 105, qty)


def replay_cases() -> list[Case]:
    """Named corners; every one is run by the engine and by its twin."""
    one = Decision((Leg(0, 1, 3),))
    big = Decision((Leg(0, 1, 300),))
    levels = [(1, 98, 4), (1, 97, 9), (-1, 102, 5), (-1, 101, 2), (-1, 104, 50), (-1, 100, 77)]
    depth = MarketBuilder().depth(0, (5, 5, -1), levels, snapshot=True)
    half = 10**8 // 2
    far = START_NS + 10
    return [
        Case("zero rows", MarketBuilder().tables(), {}, flatten=True),
        Case("one row", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: one}),
        Case("one row late", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: one}, 1),
        Case(
            "equal stamps",
            _quotes().quote(0, 89, 1, 91, 1).quote(0, 95, 2, 96, 2).tables(),
            {1: one, 2: one},
        ),
        Case(
            "crossed",
            _quotes().quote(0, 101, 5, 99, 5).wait(1).quote(1, 1, 1, 2, 1).tables(),
            {2: one},
        ),
        Case("locked", _quotes().quote(0, 100, 5, 100, 5).wait(1).tables(), {2: one}, flatten=True),
        Case(
            "decided on no book", MarketBuilder().quote(0, 99, 5, 101, 5).tables(), {0: _both(1, 1)}
        ),
        Case(
            "turns invalid in flight",
            _quotes().wait(1).quote(0, 99, 0, 101, 0).wait(9).quote(0, 99, 9, 101, 9).tables(),
            {1: _both(2, 3)},
            5,
        ),
        Case(
            "trim",
            _quotes(10).wait(5).quote(0, 99, 3, 101, 3).wait(9).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5)},
            6,
            flatten=True,
        ),
        Case(
            "trim of nothing filled",
            _quotes().wait(5).quote(0, 0, 0, 0, 0).wait(9).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5)},
            6,
        ),
        Case(
            "trim that ends short",
            _quotes()
            .wait(5)
            .quote(1, 103, 9, 105, 1)
            .quote(0, 99, 1, 101, 1)
            .wait(9)
            .quote(0, 9, 9, 10, 9)
            .tables(),
            {1: _both(7, 7)},
            6,
            flatten=True,
        ),
        Case(
            "no trim without bundle",
            _quotes().quote(0, 99, 3, 101, 3).wait(1).quote(1, 9, 9, 10, 9).tables(),
            {1: _both(7, 5, bundle=False)},
        ),
        Case(
            "same size taken once",
            _quotes(4)
            .wait(1)
            .trade(0, 100, 1, 1)
            .wait(1)
            .trade(0, 100, 1, 1)
            .wait(1)
            .quote(0, 99, 4, 101, 4)
            .wait(1)
            .tables(),
            {1: one, 2: one, 3: one, 4: one},
            flatten=True,
        ),
        Case(
            "a level shrinks below what was taken, and grows",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 101, 3)
            .wait(1)
            .quote(0, 98, 9, 101, 5)
            .wait(1)
            .quote(0, 98, 9, 101, 12)
            .wait(1)
            .tables(),
            {0: _both(6, 6), 2: one, 3: _both(9, 1), 4: _both(30, 30)},
            flatten=True,
        ),
        Case(
            "the touch flickers inside and comes back; it passes and comes back",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 100, 2)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .quote(0, 99, 9, 102, 9)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .tables(),
            {0: _both(6, 6), 2: _both(2, 2), 3: _both(8, 8), 5: _both(8, 8)},
        ),
        Case(
            "depth beyond the touch taken, shrunk, gone and back",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels, snapshot=True)
            .quote(0, 99, 3, 101, 3)
            .wait(1)
            .depth(0, (6, 6, -1), [(-1, 102, 1), (-1, 103, 9)])
            .wait(1)
            .depth(0, (7, 7, -1), [(-1, 102, 4), (-1, 103, 0)])
            .wait(1)
            .depth(0, (8, 8, -1), [(-1, 103, 5), (1, 90, 0)])
            .wait(1)
            .quote(0, 99, 3, 101, 3)
            .tables(),
            {1: big, 2: one, 3: big, 4: one, 5: big},
            flatten=True,
        ),
        Case(
            "flip through zero",
            _quotes(9)
            .wait(1)
            .quote(0, 99, 9, 101, 9)
            .wait(1)
            .quote(0, 90, 9, 92, 9)
            .wait(1)
            .quote(0, 94, 9, 95, 9)
            .tables(),
            {0: one, 2: Decision((Leg(0, -1, 8),)), 3: Decision((Leg(0, 1, 2),))},
        ),
        Case(
            "depth alone",
            depth.wait(1).depth(0, (6, 6, -1), [(-1, 101, 0), (-1, 100, 0)]).wait(1).tables(),
            {1: big, 0: Decision((Leg(0, -1, 300),))},
            flatten=True,
        ),
        Case(
            "depth beyond the touch",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels, snapshot=True)
            .quote(0, 99, 3, 101, 3)
            .wait(1)
            .trade(0, 1, 1, 1)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: Decision((Leg(0, 1, 6),)), 2: Decision((Leg(0, 1, 6),)), 3: big},
            flatten=True,
        ),
        Case(
            "depth breaks",
            MarketBuilder()
            .depth(0, (5, 5, -1), levels[:4], snapshot=True)
            .wait(1)
            .depth(0, (9, 9, -1), levels[:1])
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {0: one, 1: one, 2: one},
            1,
            flatten=True,
        ),
        Case(
            "funding meets arrival",
            _quotes()
            .funding(1, 104, half, far)
            .wait(10)
            .trade(0, 1, 1, 1)
            .wait(1)
            .funding(1, 105, -half, far + 1)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: _both(3, 3), 2: _both(1, 1)},
            10,
        ),
        Case(
            "a quiet quote is met by the order and asks nobody",
            _quotes()
            .wait(1)
            .quote(0, 99, 5, 101, 5)
            .quote(1, 102, 5, 104, 5)
            .quote(0, 119, 5, 121, 5, quiet=True)
            .quote(1, 142, 5, 144, 5, quiet=True)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {3: _both(3, 3)},
            0,
        ),
        Case(
            "a quiet quote takes the book away",
            _quotes()
            .wait(1)
            .quote(0, 99, 5, 101, 5)
            .quote(0, 99, 0, 101, 0, quiet=True)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {2: _both(3, 3)},
            0,
        ),
        Case(
            "funding of nothing held",
            _quotes().funding(1, 104, half, far).wait(20).trade(0, 1, 1, 1).tables(),
            {3: one},
            0,
        ),
        Case(
            "later settlement named early",
            _quotes()
            .wait(1)
            .funding(1, 103, half, far)
            .wait(1)
            .funding(1, 77, 3 * half, far + 99)
            .wait(200)
            .funding(1, 7, half, far)
            .tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "settled once",
            _quotes()
            .wait(1)
            .funding(1, 103, half, far)
            .wait(20)
            .funding(1, 99, half, far)
            .wait(20)
            .funding(1, 99, half, far - 5)
            .wait(1)
            .trade(0, 1, 1, 1)
            .tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "no settlement announced",
            _quotes().funding(1, 104, half, 0).wait(20).trade(0, 1, 1, 1).wait(1).tables(),
            {1: _both(3, 3)},
        ),
        Case(
            "cancelled at the end",
            _quotes().wait(1).trade(0, 1, 1, 1).tables(),
            {1: _both(3, 3), 2: one},
            5,
            flatten=True,
        ),
    ]
