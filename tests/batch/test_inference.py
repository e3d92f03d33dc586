"""Discoveries computed in stages are those of full length, whatever the order."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from quantlaxmi.batch.inference import (
    LEAST_DRAWS,
    Bounds,
    Member,
    anytime_bounds,
    anytime_length,
    count_bounds,
    draws_needed,
    family_length,
    next_stage,
    rejected,
    split,
)
from quantlaxmi.batch.records import KindCounts
from quantlaxmi.stats.benjamini import benjamini_hochberg, benjamini_yekutieli, harmonic
from tests.depth import examples
from tests.naive import family as naive

TENTH = Fraction(1, 10)


def counts_of(hits, made, *, places=True):
    """The counts after so many draws; a kind stops at its tenth exceedance."""
    first = [k for k, hit in enumerate(hits[:made], 1) if hit][:10]
    if places and len(first) == 10:
        made = first[-1]
    found = sum(hits[:made])
    return KindCounts(draws=made, exceedances=found, first=tuple(first) if places else ())


def draws(rng, share, length):
    return [rng.random() < share for _ in range(length)]


@pytest.mark.parametrize("places", [True, False])
def test_bounds_hold_for_every_continuation(places):
    rng = random.Random(1)
    for _ in range(examples(300)):
        length = rng.choice([19, 60, 199])
        hits = draws(rng, rng.choice([0.0, 0.02, 0.1, 0.5, 1.0]), length)
        p = naive.full_length_p(hits, length)
        before = Bounds(Fraction(0), Fraction(1))
        for made in [*sorted(rng.choices(range(length + 1), k=6)), length]:
            bounds = count_bounds(counts_of(hits, made, places=places), length)
            assert bounds.lower <= p <= bounds.upper
            if places:
                assert before.lower <= bounds.lower and bounds.upper <= before.upper
            before = bounds
        if places:
            assert bounds.is_exact


def test_bounds_are_reached():
    """Neither bound could be narrower: some continuation gives it."""
    length = 60
    for made in (0, 10, 45, 55, 59):
        for b in range(min(made, 9) + 1):
            hits = [True] * b + [False] * (made - b)
            bounds = count_bounds(counts_of(hits, made), length)
            left = length - made
            assert bounds.lower == naive.full_length_p(hits + [False] * left, length)
            assert bounds.upper == naive.full_length_p(hits + [True] * left, length)


def test_draws_beyond_the_length_give_what_the_first_ones_gave():
    rng = random.Random(2)
    for share in (0.01, 0.03, 0.2):
        hits = draws(rng, share, 400)
        p = naive.full_length_p(hits, 199)
        bounds = count_bounds(counts_of(hits, 400), 199)
        assert bounds.is_exact and bounds.lower == p
        loose = count_bounds(counts_of(hits, 400, places=False), 199)
        assert loose.lower <= p <= loose.upper


@pytest.mark.parametrize("method", ["bh", "by"])
def test_rejections_are_those_of_the_definition(method):
    rng = random.Random(3)
    for _ in range(examples(200)):
        n = rng.randrange(0, 40)
        values = [
            Fraction(rng.choice([1, 2, 3, 5, 20, 80]), rng.choice([80, 100])) for _ in range(n)
        ]
        values = [min(value, Fraction(1)) for value in values]
        for q in (Fraction(1, 20), TENTH, Fraction(1, 2)):
            most = rejected(values, q, method)
            found = [i for i, p in enumerate(values) if most is not None and p <= most]
            factor = harmonic(n) if method == "by" else 1
            assert found == naive.step_up(values, q, factor)
            adjusted = (benjamini_hochberg if method == "bh" else benjamini_yekutieli)(values)
            assert found == [i for i, p in enumerate(adjusted) if p <= q]


@pytest.mark.parametrize(
    ("full_p", "bounds_of"),
    [(naive.full_length_p, count_bounds), (naive.anytime_p, anytime_bounds)],
    ids=["fixed", "grown"],
)
@pytest.mark.parametrize("method", ["bh", "by"])
@pytest.mark.parametrize("seed", range(6))
def test_staged_discoveries_are_the_full_length_ones_in_any_order(method, seed, full_p, bounds_of):
    rng = random.Random(seed)
    length = 199
    for _ in range(examples(8)):
        n = rng.randrange(1, 25)
        hits, equity, made = {}, {}, {}
        for k in range(n):
            share = rng.choice([0.0, 0.0, 0.01, 0.03, 0.3, 0.7])
            hits[k] = draws(rng, share, length)
            equity[k] = Fraction(rng.choice([1, 1, 5, 30, 100]), 1000)
            made[k] = 0
        full = [max(full_p(hits[k], length), equity[k]) for k in range(n)]
        expected = {
            str(k) for k in naive.step_up(full, TENTH, harmonic(n) if method == "by" else 1)
        }

        def members(made=made, hits=hits, equity=equity):
            for k in made:
                bounds = bounds_of(counts_of(hits[k], made[k]), length)
                yield Member(str(k), bounds.joined(Bounds(equity[k], equity[k])))

        while True:
            state = split(members(), TENTH, method)
            assert set(state.found) <= expected  # what is found early stays found
            assert expected <= {*state.found, *state.open}
            going_on = [
                k for k in state.open if made[int(k)] < counts_of(hits[int(k)], length).draws
            ]
            if not going_on:
                break
            for k in rng.sample(going_on, rng.randrange(1, len(going_on) + 1)):
                made[int(k)] = min(length, made[int(k)] + rng.choice([1, 7, 50]))
        assert set(state.found) == expected and state.open == ()


def test_stages_save_draws_and_end_at_the_length():
    made, visited = 0, []
    while made < 39_999:
        made = next_stage(made, 39_999)
        visited.append(made)
    assert visited == [199, 1_999, 19_999, 39_999]
    assert next_stage(0, 100) == 100
    assert family_length(1, TENTH) == LEAST_DRAWS
    assert family_length(10_000, TENTH) == 199_999
    for items in (1_000, 1_001, 5_000):
        n = family_length(items, TENTH)
        assert Fraction(1, n + 1) <= TENTH / (2 * items)


def test_what_it_would_take_is_enough_and_not_more():
    for b in range(9):
        for threshold in (TENTH, Fraction(1, 2000), Fraction(3, 977)):
            needed = draws_needed(b, threshold)

            def upper(made, b=b):
                counts = KindCounts(draws=made, exceedances=b, first=tuple(range(1, b + 1)))
                return count_bounds(counts, 10**6).upper

            assert upper(needed) <= threshold < upper(needed - 1)


@pytest.mark.parametrize("places", [True, False])
def test_anytime_bounds_hold_for_every_continuation_and_longer_ones(places):
    """A family that grew draws on too: what further draws may give lies between the bounds."""
    rng = random.Random(7)
    for _ in range(examples(300)):
        length = rng.choice([19, 60, 199])
        hits = draws(rng, rng.choice([0.0, 0.02, 0.1, 0.5, 1.0]), length)
        p = naive.anytime_p(hits, length)
        before = Fraction(1)
        for made in [*sorted(rng.choices(range(length + 1), k=6)), length]:
            counts = counts_of(hits, made, places=places)
            bounds = anytime_bounds(counts, length)
            assert bounds.lower <= p <= bounds.upper
            assert anytime_bounds(counts, 2 * length).lower <= bounds.lower
            if places:
                assert bounds.upper == naive.anytime_p(hits, made) <= before
                before = bounds.upper
        if places:
            assert bounds.is_exact


@pytest.mark.parametrize("items", [1, 220, 500, 10_000])
def test_one_edge_of_a_family_that_grew_can_be_found(items):
    """With the length of other families 10/(n + 10) was above q/M from 200 items on."""
    n = anytime_length(items, TENTH)
    for b in range(10):
        counts = KindCounts(draws=n, exceedances=b, first=tuple(range(1, b + 1)))
        assert anytime_bounds(counts, n).is_exact
        assert anytime_bounds(counts, n).upper <= TENTH / items


def test_anytime_p_is_valid_wherever_drawing_stops():
    """Under the null P(p <= a) <= a for the smallest p over the whole path."""
    rng = random.Random(5)
    below = dict.fromkeys((0.05, 0.2), 0)
    rounds = examples(400)
    for _ in range(rounds):
        share = rng.random()  # a uniform share is the null distribution of b given l
        hits = draws(rng, share, 300)
        smallest = min(
            anytime_bounds(counts_of(hits, made), 300).upper for made in range(1, 301, 3)
        )
        for a in below:
            below[a] += smallest <= a
    for a, n in below.items():
        assert n <= a * rounds + 3 * (a * (1 - a) * rounds) ** 0.5
