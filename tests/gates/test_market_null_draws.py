"""Draws of the market null against their naive twin: signs, shifts, runs and trips."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.market_null import SignFlips
from quantlaxmi.gates.observation import path_of
from quantlaxmi.gates.path.clock_buckets import BUCKETS, increments_of
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.resampling.market_replays import MAX_TRIES, Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.rerun import Rerun
from tests import cases, market_builder, random_markets
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive import market_null as naive
from tests.random_markets import random_market
from tests.twins import naive_run, run_case

KEY = 0xFEED_BEEF_0123_4567


def made_case(seed, messages=120, *, with_quotes=True, depth=True, universe="coarse", latency=1):
    tables = dict(random_market(seed, messages, 2, with_quotes))
    if not depth:
        tables["depth"] = {name: column[:0] for name, column in tables["depth"].items()}
    schedule = random_markets.random_schedule(seed, messages)
    return cases.Case("null", tables, schedule, latency_ns=latency, universe=universe)


def replays_of(run, key=KEY, threads=1):
    context = SimpleNamespace(decision_points=decision_points(run), threads=threads)
    return Replays(context, Rerun(run), key)


@given(seed=st.integers(0, 10**6), draw=st.integers(0, 2**40), attempt=st.integers(0, 99))
@settings(max_examples=examples(30), deadline=None)
@pytest.mark.parametrize("with_quotes", [True, False])
@pytest.mark.parametrize("drift", [True, False])
def test_shifts_are_the_twins(drift, with_quotes, seed, draw, attempt):
    tables = random_market(seed, 150, 2, with_quotes)
    flips = SignFlips(tables["quotes"], tables["depth"], 2)
    found = naive.paths(tables, 2)
    times = naive.instants(found)
    assert flips.n_instants == len(times)
    steps = [
        (ts, step, Fraction(sum(p.increments), len(p.increments)))
        for p in found
        for (_, ts, _, _), step in zip(p.states[1:], p.increments, strict=True)
    ]
    assert flips.n_free == len({ts for ts, step, mean in steps if step != mean})
    assert flips.n_moving == len({ts for ts, step, _ in steps if step})
    assert flips.n_increments == sum(len(p.increments) for p in found)
    room = flips.room()
    fine = flips.draw(KEY, draw, attempt, *room, drift)
    turned = dict(zip(times, naive.signs(KEY, draw, attempt, len(times)), strict=True))
    made = [naive.shifts(path, turned, drift) for path in found]
    expected = naive.with_shifts(tables, made)
    assert room[1].tolist() == expected["quotes"]["shift"]
    # Depth rows count where they set a top; the engine reads no others.
    depth = dict(zip(tables["depth"]["seq"].tolist(), room[2].tolist(), strict=False))
    tops = set(tables["depth"]["seq"].tolist())
    for path, one in zip(found, made, strict=True):
        assert all(depth[seq] == shift for seq, shift in one if seq in tops)
        assert len(one) == len(path.states)
    assert fine == all(naive.positive(p, m) for p, m in zip(found, made, strict=True))


@given(seed=st.integers(0, 10**6), draws=st.lists(st.integers(0, 10**9), min_size=1, max_size=3))
@settings(max_examples=examples(20), deadline=None)
@pytest.mark.parametrize("with_quotes", [True, False])
@pytest.mark.parametrize("drift", [True, False])
def test_a_draw_is_what_the_twin_earns_on_its_market(drift, with_quotes, seed, draws):
    check_draws(made_case(seed, with_quotes=with_quotes), draws, drift=drift)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=examples(25), deadline=None)
def test_a_draw_is_a_run_over_a_market_that_was_moved(seed):
    case = made_case(seed, depth=False)
    check_draws(case, [1, 2], literal=True)


def check_draws(case, draws, literal=False, drift=True):
    run, _ = run_case(case)
    if not len(decision_points(run).seq):
        return
    replays = replays_of(run)
    units = attribution_units(decision_points(run))
    weights = [u // replays.scale for u in units]
    moved = replays.room()
    points = decision_points(run)
    # What the run did not trade is marked at the end of the data.
    last_seq = [int(points.seq[-1]) if i in points.instruments else 2**63 - 1 for i in range(2)]
    for draw in draws:
        replays.move(draw, moved, drift)
        found = naive.draw_shifts(case.tables, 2, KEY, draw, MAX_TRIES, drift)
        assert found is not None
        assert moved.accepted
        made, tries = found
        assert moved.tries == tries
        if literal:
            tables = market_builder.to_tables(naive.moved_rows(case.tables, made))
        else:
            tables = naive.with_shifts(case.tables, made)
        engine, _ = naive_run(cases.Case("moved", tables, case.schedule, case.latency_ns))
        last = [
            m + 2 * naive.shift_at(one, seq) if m else 0
            for m, one, seq in zip(points.last_mid2.tolist(), made, last_seq, strict=True)
        ]
        expected = naive.trips(engine, weights, last)
        buckets = naive.bucket_sums(engine, weights, case.tables, made, BUCKETS)
        sums = replays.sums(moved)
        assert sums.followed == (expected is not None) == (buckets is not None)
        if expected is not None:
            assert sums.trips == expected[2]
            assert (sums.total, sums.squares) == buckets


@given(seed=st.integers(0, 10**6), universe=st.sampled_from(["coarse", "binance"]))
@settings(max_examples=examples(30), deadline=None)
def test_trips_are_those_the_gates_cut(seed, universe):
    run, _ = run_case(made_case(seed, universe=universe))
    points = decision_points(run)
    try:
        path = path_of(run, points)
    except PathError:
        return
    if not len(points.seq):
        return
    replays = replays_of(run)
    sums = replays.sums(replays.room())
    units = attribution_units(points)
    gains = [
        sum(-q * int(points.mid2[i][a.row]) * units[i] for a in t.actions for i, q in a.bundle)
        for t in path.trips
    ]
    assert sums.followed
    assert sums.total * replays.scale == sum(gains) == path.gross
    assert sums.trips == len(gains)
    gross = increments_of(run).gross
    assert sums.total * replays.scale == sum(gross)
    assert sums.squares * replays.scale**2 == sum(g * g for g in gross)


def cheap_market(n=40, price=12):
    """A walk that often ends below 0 when its signs are drawn."""
    builder, rng, mid = MarketBuilder(), np.random.default_rng(3), price
    for k in range(n):
        mid = max(2, mid + int(rng.integers(-3, 4)))
        builder.wait(1).quote(k % 2, mid - 1, 9, mid + 1, 9)
    return builder.tables()


def test_markets_below_zero_are_drawn_again():
    case = cases.Case("cheap", cheap_market(), random_markets.random_schedule(1, 40), latency_ns=0)
    run, _ = run_case(case)
    replays = replays_of(run)
    tries = [replays.move(draw, replays.room()).tries for draw in range(200)]
    assert max(tries) > 3
    expected = [naive.draw_shifts(case.tables, 2, KEY, draw, MAX_TRIES)[1] for draw in range(200)]
    assert tries == expected
    check_draws(case, range(20))


def test_a_market_that_only_falls_below_zero_is_not_accepted():
    builder = MarketBuilder()
    for price in (2, 10**6, 2) * 200:
        builder.wait(1).quote(0, price, 9, price + 1, 9).quote(1, price, 9, price + 1, 9)
    run, _ = run_case(cases.Case("deep", builder.tables(), {}, latency_ns=0))
    replays = replays_of(run)
    moved = replays.move(0, replays.room())
    assert not moved.accepted
    assert moved.tries == MAX_TRIES


def test_two_books_of_one_instant_share_their_sign():
    builder = MarketBuilder()
    for price in (100, 103, 99, 120, 95, 130):
        builder.wait(1).quote(0, price, 9, price + 2, 9).quote(1, price + 7, 9, price + 9, 9)
    tables = builder.tables()
    flips = SignFlips(tables["quotes"], tables["depth"], 2)
    assert flips.n_instants == 5
    room = flips.room()
    for draw in range(50):
        flips.draw(KEY, draw, 0, *room, draw % 2 == 0)
        assert room[1][0::2].tolist() == room[1][1::2].tolist()


def test_all_signs_turned_end_where_the_market_ended():
    tables = random_market(11, 150)
    flips = SignFlips(tables["quotes"], tables["depth"], 2)
    signs, quotes, depth = flips.room()
    signs[:] = 2**64 - 1
    flips.apply(signs, quotes, depth)
    for i in range(2):
        assert quotes[tables["quotes"]["instrument"] == i][-1] == 0


def test_increments_that_do_not_fit_are_refused():
    builder = MarketBuilder()
    top = 2**63 // 10 - 10
    for price in (1, top, 1, top):
        builder.wait(1).quote(0, price, 9, price + 1, 9)
    tables = builder.tables()
    with pytest.raises(OverflowError, match="instrument 0"):
        SignFlips(tables["quotes"], tables["depth"], 2)
