"""Role templates against their naive twin: roles, places, money, and every draw."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import quantlaxmi as ql
from quantlaxmi._jit import bundle_orders, bundle_places, bundle_sides, bundle_turns
from quantlaxmi._jit.rng import STILL
from quantlaxmi.events import MultiLegOrderIntent
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.observation import context_of
from quantlaxmi.gates.path.bundle_places import bundle_places as places_of
from quantlaxmi.gates.path.bundle_spans import day_spans
from quantlaxmi.gates.path.snapshot_grid import snapshot_grid
from quantlaxmi.gates.resampling.bundle_entry import place_bundles
from quantlaxmi.gates.resampling.bundle_lags import lagged_trip
from quantlaxmi.gates.resampling.bundle_sides import bundle_gains
from quantlaxmi.gates.resampling.bundle_turns import turned_trip
from quantlaxmi.stats.monte_carlo import wide_ints
from quantlaxmi.venues.nse import fee_components
from tests.gates.bundle_sessions import DAYS, Bundles, run_of, session
from tests.naive import bundle_roles as naive
from tests.naive import rng

SEEDS = (0, 2, 3, 4)
KEY = 77


@functools.cache
def case(seed: int) -> Any:
    """Run, bundles, naive market, naive trips."""
    run = run_of(seed)
    context = context_of(run, GatePolicy(min_trades=2, min_arrangements=1))
    market = naive.Market(
        run.instruments, run.segment.columns("chain"), run.latency_ns, run.segment.last_ts_ns
    )
    trips = naive.trips_of(run.exact.fills, run.exact.decisions, market.seq)
    return run, context, market, trips


@functools.cache
def components() -> Any:
    from datetime import date

    return fee_components("option", date.fromisoformat(DAYS[0]))


def rupees(run: Any, amount: int) -> Fraction:
    """Of money at attribution scale."""
    return Fraction(int(amount)) * Fraction(10) ** (run.ledger_exponent - 1)


def by_day(market: Any, trips: Any) -> list[list[int]]:
    days: dict[int, list[int]] = {}
    for k, trip in enumerate(trips):
        days.setdefault(market.day[trip[0][0]], []).append(k)
    return list(days.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_roles_and_what_stands_for_them(seed: int) -> None:
    run, context, market, _ = case(seed)
    grid = context.observed.bundles.grid
    for t in range(0, len(market.ts), 3):
        for i in range(len(run.instruments)):
            role = grid.role(i, t)
            assert (None if role is None else tuple(role)) == market.role(t, i), (t, i)
            if role is None:
                continue
            day = int(grid.day[t])
            strikes = grid.struck(role, day)
            for row in grid.day_rows(day):
                strike = int(strikes[row - grid.day_rows(day).start])
                other = market.struck(row, tuple(role))
                assert (strike < 0) == (other is None)
                if other is not None:
                    assert grid.rows.row_of[other] == strike
                    assert bool(grid.rows.put_of[other]) == role.put


def test_an_expiry_that_ends_within_the_session_hands_its_rank_on() -> None:
    class Idle(Bundles):
        strategy_id = "idle_bundles"

        def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent | None:
            return None

    segment = session(5, days=4, holes=0.0, begins="15:26:00")  # the front ends at 15:30
    run = ql.backtest(segment, Idle())
    market = naive.Market(
        run.instruments, segment.columns("chain"), run.latency_ns, segment.last_ts_ns
    )
    grid = snapshot_grid(run)
    rows = grid.day_rows(3)
    back = next(k for k, one in enumerate(run.instruments) if "20250909" in one.symbol)
    ranks = [None if (role := grid.role(back, t)) is None else role.rank for t in rows]
    assert ranks == [1] * 4 + [0] * 6
    for t in rows:
        for i in (0, 1, back, back + 1):
            role = grid.role(i, t)
            assert (None if role is None else tuple(role)) == market.role(t, i)
            if role is not None:
                for row in rows:
                    found = int(grid.struck(role, 3)[row - rows.start])
                    other = market.struck(row, tuple(role))
                    assert (found if found >= 0 else None) == (
                        None if other is None else grid.rows.row_of[other]
                    )


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_of_every_place(seed: int) -> None:
    run, context, market, trips = case(seed)
    bundles = context.observed.bundles
    places = places_of(bundles)
    assert [[(a.row, dict(a.bundle)) for a in t.actions] for t in bundles.path.trips] == [
        [(row, {i: q for i, q in legs.items() if q}) for row, legs in trip] for trip in trips
    ]
    others = 0
    for k, trip in enumerate(trips):
        rows = market.rows(market.day[trip[0][0]])
        whole = all(a.clean for a in bundles.path.trips[k].actions)
        for s, row in enumerate(rows):
            allowed = naive.may_begin(market, trip, row, bundles.grid.can_enter)
            assert places.allowed[k][s] == allowed, (k, row)
            entry = int(places.first[k]) + s
            if not allowed:
                continue
            others += row != trip[0][0]
            gross, cost = naive.money(market, trip, row, components())
            assert rupees(run, places.gross[entry] * places.gross_unit) == gross
            if whole:
                assert rupees(run, places.cost[entry] * places.net_unit) == cost
                _, mirror = naive.money(market, trip, row, components(), -1)
                assert rupees(run, places.mirror[entry] * places.net_unit) == mirror
    assert others > 3
    total = 1
    for day in by_day(market, trips):
        allowed = [places.allowed[k].tolist() for k in day]
        total *= len(naive.ways(allowed, places.occupied[day].tolist(), len(allowed[0])))
    assert places.arrangements == total


@pytest.mark.parametrize("by_days", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_entries_draw_by_draw(seed: int, by_days: bool) -> None:
    run, context, market, trips = case(seed)
    placed = place_bundles(context)
    places, n = placed.places, 60
    arguments = placed.arguments()._replace(by_day=by_days)
    out = np.zeros((n, 2, 10), np.uint64)
    bundle_places.placed(np.uint64(KEY), 5, arguments, 2, out)
    alone = np.zeros((n, 1, 10), np.uint64)
    bundle_places.placed(np.uint64(KEY), 5, arguments, 1, alone)
    days = by_day(market, trips)
    for t in range(n):
        starts: dict[int, int] = {}
        for day in days:
            allowed = [places.allowed[k].tolist() for k in day]
            occupied = places.occupied[day].tolist()
            words = [rng.word(KEY, 5 + t, k) for k in day]
            chosen = naive.pick(allowed, occupied, len(allowed[0]), words)
            starts |= dict(zip(day, chosen, strict=True))
        for member, sums in ((None, alone[t, 0]), (0, out[t, 0]), (1, out[t, 1])):
            units: list[list[Fraction]] = []
            cost_in_all = Fraction(0)
            for day in days:
                for place, k in enumerate(day):
                    entry = int(places.first[k]) + starts[k]
                    coin = rng.word(KEY, 5 + t, len(trips) + k) >> 63
                    turned = member is not None and coin != member
                    gross = int(places.gross[entry]) * (-1 if turned else 1)
                    cost = int((places.mirror if turned else places.cost)[entry])
                    if place == 0 or not by_days:
                        units.append([Fraction(0), Fraction(0)])
                    units[-1][0] += gross
                    units[-1][1] += places.scale * gross - cost
                    cost_in_all += cost
            found = wide_ints(sums[0::2], sums[1::2])
            assert found == [
                sum(g for g, _ in units),
                sum(g * g for g, _ in units),
                sum(e for _, e in units),
                sum(e * e for _, e in units),
                cost_in_all,
            ]
    still = np.zeros((1, 1, 10), np.uint64)
    bundle_places.placed(np.uint64(0), STILL, arguments, 1, still)
    gross = wide_ints(still[:, 0, 0], still[:, 0, 1])[0] * places.gross_unit
    assert gross == context.path.gross and rupees(run, gross) == sum(
        naive.money(market, trip, trip[0][0], components())[0] for trip in trips
    )


@pytest.mark.parametrize("by_days", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_orders_of_spans_draw_by_draw(seed: int, by_days: bool) -> None:
    run, context, market, trips = case(seed)
    bundles, n = context.observed.bundles, 20
    days = day_spans(bundles)
    spans = [table for day in days for table in day.tables]
    twins = [
        naive.spans(market, trips, market.day[trips[day[0]][0][0]]) for day in by_day(market, trips)
    ]
    for day, twin in zip(days, twins, strict=True):
        assert [
            (length, dict(held)) for length, held in zip(day.length, day.held, strict=True)
        ] == [(length, held) for _, length, held in twin]
    sizes = np.cumsum([0, *(0 if one is None else len(one[0]) for one in spans)])
    arguments = bundle_orders.Orders(
        np.cumsum([0, *(len(day.tables) for day in days)], dtype=np.int64),
        np.array([n for day in days for n in day.length], np.int64),
        np.where([one is not None for one in spans], sizes[:-1], -1).astype(np.int64),
        np.concatenate([one[0] for one in spans if one is not None]),
        np.concatenate([one[1] for one in spans if one is not None]),
        by_days,
    )
    out, kept = np.zeros((n, 4), np.uint64), np.zeros(n, np.int64)
    bundle_orders.ordered(np.uint64(KEY), 9, arguments, out, kept)
    unit = bundles.terms.unit
    for t in range(n):
        first, stay, units = 0, 0, []
        for twin in twins:
            gains, stays = naive.ordered(market, twin, KEY, 9 + t, first, len(spans))
            stay += stays
            units += [sum(gains)] if by_days else gains
            first += len(twin)
        s, q = wide_ints(out[t, 0::2], out[t, 1::2])
        assert kept[t] == stay
        assert rupees(run, s * unit) == sum(units)
        assert q * rupees(run, unit) ** 2 == sum(g * g for g in units)


@pytest.mark.parametrize("seed", SEEDS)
def test_turned_and_lagged_trips(seed: int) -> None:
    run, context, market, trips = case(seed)
    bundles = context.observed.bundles
    quoted = 0
    for trip, twin in zip(bundles.path.trips, trips, strict=True):
        gains, known = turned_trip(bundles, trip)
        for offset in range(len(gains)):
            expected = naive.turned(market, twin, offset)
            assert bool(known[offset]) == (expected is not None), offset
            if expected is not None:
                quoted += 1
                assert rupees(run, gains[offset] * bundles.terms.unit) == expected
        assert known[0]
        lags = (-3, -2, -1, 0, 1, 2, 3)
        for lag, gain in zip(lags, lagged_trip(bundles, trip, lags), strict=True):
            expected = naive.lagged(market, twin, lag)
            found = None if gain is None else rupees(run, gain * bundles.terms.unit)
            assert found == expected, lag
    assert quoted > 2 * len(trips)


@pytest.mark.parametrize("by_days", [False, True])
def test_turns_and_sides_draw_by_draw(by_days: bool) -> None:
    _, context, _, _ = case(1)
    bundles = context.observed.bundles
    days, n = bundles.trips_by_day(), 40
    tables = [turned_trip(bundles, trip)[0] for trip in bundles.path.trips]
    known = [turned_trip(bundles, trip)[1] for trip in bundles.path.trips]
    offsets = [np.flatnonzero(np.logical_and.reduce([known[k] for k in day])) for day in days]
    gains = [tables[k][one] for day, one in zip(days, offsets, strict=True) for k in day]
    turns = bundle_turns.Turns(
        np.cumsum([0, *map(len, days)], dtype=np.int64),
        np.array([len(one) for one in offsets], np.int64),
        np.cumsum([0, *map(len, gains)], dtype=np.int64),
        np.concatenate(gains),
        by_days,
    )
    own = bundle_gains(bundles)
    firsts = np.cumsum([0, *([len(day) for day in days] if by_days else [1] * len(own))])
    turned, sided = np.zeros((n, 4), np.uint64), np.zeros((n, 4), np.uint64)
    bundle_turns.turned(np.uint64(KEY), 3, turns, turned)
    bundle_sides.sided(np.uint64(KEY), 3, own, firsts.astype(np.int64), sided)
    for t in range(n):
        units: list[list[int]] = [[], []]
        for d, day in enumerate(days):
            at = rng.below(rng.word(KEY, 3 + t, d), len(offsets[d]))
            by_offset = [int(tables[k][offsets[d][at]]) for k in day]
            signs = [-1 if rng.word(KEY, 3 + t, k // 64) >> (k % 64) & 1 else 1 for k in day]
            by_coin = [sign * int(own[k]) for sign, k in zip(signs, day, strict=True)]
            for made, sums in ((by_offset, units[0]), (by_coin, units[1])):
                sums += [sum(made)] if by_days else made
        for row, sums in ((turned[t], units[0]), (sided[t], units[1])):
            assert wide_ints(row[0::2], row[1::2]) == [sum(sums), sum(u * u for u in sums)]


def test_placements_are_uniform() -> None:
    """Three bundles of a day with 60 ways: each comes as often, by a chi-squared of 4,000 draws."""
    rows = np.ones(8, bool)
    from quantlaxmi.gates.path.bundle_places import _ways

    found, total = _ways([rows, rows, rows], [1, 2, 1])
    everywhere = naive.ways([[True] * 8] * 3, [1, 2, 1], 8)
    assert total == len(everywhere)
    table = np.arange(8, dtype=np.int64)
    places = bundle_places.Places(
        np.array([0, 3], np.int64),
        np.array([0, 8, 16, 24], np.int64),
        np.array([0, 1, 3], np.int64),
        np.array([1, 2, 1], np.int64),
        np.array([float(w) for one in found for w in one]),
        np.concatenate([table, 8 * table, 64 * table]),
        np.zeros(24, np.int64),
        np.zeros(24, np.int64),
        1,
        True,
    )
    out = np.zeros((4000, 1, 10), np.uint64)
    bundle_places.placed(np.uint64(1), 0, places, 1, out)
    codes = out[:, 0, 1].astype(np.int64)
    counts = {a + 8 * b + 64 * c: 0 for a, b, c in everywhere}
    for code in codes.tolist():
        counts[code] += 1
    expected = 4000 / total
    chi = sum((n - expected) ** 2 / expected for n in counts.values())
    assert chi < total + 4 * (2 * total) ** 0.5
