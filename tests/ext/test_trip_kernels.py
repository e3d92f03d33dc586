"""Kernels of round trips against Python's integers: shares of fills, average prices, extremes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.fill_shares import fill_shares
from quantlaxmi._ext.leg_prices import leg_prices
from quantlaxmi._ext.trip_extremes import trip_extremes
from quantlaxmi.fixed import int128_array, int128_halves
from tests.depth import examples

FEW = settings(max_examples=examples(400), deadline=None)
WIDE = st.one_of(st.integers(-50, 50), st.integers(-(2**127), 2**127 - 1))


def column(values: list[int]) -> Any:
    return np.array(values, np.int64)


# --- shares ------------------------------------------------------------------------------------
@FEW
@given(st.lists(st.tuples(WIDE, st.integers(1, 2**63 - 1), st.integers(0, 2**62)), max_size=8))
@example([(-(2**127), 2**63 - 1, 1)])
def test_a_later_part_has_what_the_earlier_one_leaves(rows: list[tuple[int, int, int]]) -> None:
    fills, quantities, expected = [], [], []
    for k, (amount, qty, wanted) in enumerate(rows):
        part = wanted % qty
        if part:
            share = round(Fraction(amount * part, qty))
            fills += [k, k]
            quantities += [part, part - qty]
            expected += [share, amount - share]
        else:
            fills.append(k)
            quantities.append(-qty)
            expected.append(amount)
    halves = int128_halves([amount for amount, *_ in rows])
    sizes = column([qty for _, qty, _ in rows])
    found = fill_shares(*halves, sizes, column(fills), column(quantities))
    assert int128_array(*found).tolist() == expected


@pytest.mark.parametrize(
    ("fill", "quantity"), [([1], [1]), ([-1], [1]), ([0], [0]), ([0], [6]), ([0], [-(2**63)])]
)
def test_shares_of_no_part_are_refused(fill: list[int], quantity: list[int]) -> None:
    with pytest.raises(ValueError, match="part 0 is not a part of one of the 1 fills"):
        fill_shares(column([0]), column([7]), column([5]), column(fill), column(quantity))


# --- average prices ----------------------------------------------------------------------------
PART = st.tuples(st.integers(1, 2**62), st.sampled_from([-3, -2, -1, 1, 2, 3]))


@FEW
@given(st.lists(st.lists(PART, min_size=1, max_size=6), max_size=5), st.sampled_from([1, 10**4]))
def test_average_prices_are_rounded_once(legs: list[list[tuple[int, int]]], step: int) -> None:
    leg, price, quantity, before = [], [], [], []
    sides, sizes, averages = [], [], []
    for k, parts in enumerate(legs):
        held, largest = 0, 0
        side = 1 if parts[0][1] > 0 else -1
        for p, q in parts:
            leg.append(k)
            price.append(p)
            quantity.append(q)
            before.append(held)
            held += q
            largest = max(largest, abs(held))
        sides.append(side)
        sizes.append(largest)
        for chosen in (1, -1):
            own = [(p, abs(q)) for p, q in parts if (q > 0) == (side * chosen > 0)]
            total = sum(q for _, q in own)
            worth = sum(p * q for p, q in own)
            averages.append(round(Fraction(worth * step, total)) if total else None)
    steps = np.stack(int128_halves([step]))
    zeros = np.zeros(len(legs), np.int64)
    found = leg_prices(column(leg), column(price), column(quantity), column(before), zeros, steps)
    assert (found[0].tolist(), found[1].tolist(), found[4]) == (sides, sizes, -1)
    for kind in (0, 1):
        values = int128_array(*found[2][kind]).tolist()
        known = found[3][kind].tolist()
        assert [v if k else None for v, k in zip(values, known, strict=True)] == averages[kind::2]


def test_a_price_that_does_not_fit_names_its_leg() -> None:
    most = 2**63 - 1
    legs = column([0, 1, 1, 1])
    price, quantity = column([1, most, most, most]), column([1, most, most, most])
    steps = np.stack(int128_halves([1]))
    found = leg_prices(legs, price, quantity, column([0, 0, 0, 0]), column([0, 0]), steps)
    assert found[4] == 1


@pytest.mark.parametrize("leg", [[1], [0, 2], [0, 0, 2], [-1]])
def test_legs_out_of_order_are_refused(leg: list[int]) -> None:
    n, steps = len(leg), np.stack(int128_halves([1]))
    ones = np.ones(n, np.int64)
    with pytest.raises(ValueError, match="legs ascend from 0"):
        leg_prices(column(leg), ones, ones, ones, column([0, 0]), steps)


# --- extremes ----------------------------------------------------------------------------------
def naive_extremes(
    books: list[tuple[int, int, int]],
    trips: list[list[tuple[int, int, int, int]]],
    is_open: bool,
    units: list[int],
) -> list[tuple[int, int]]:
    """Every moment of each trip, looked at anew: (message, after how many fills) pairs."""
    found = []
    for t, parts in enumerate(trips):
        low = high = 0
        last = float("inf") if is_open and t == len(trips) - 1 else parts[-1][0]
        moments = [(parts[k][0], k + 1) for k in range(len(parts))]
        for seq in {seq for seq, *_ in books}:
            begun = [k for k in range(len(parts)) if parts[k][0] < seq]
            if begun and seq <= last:
                moments.append((seq, begun[-1] + 1))
        for seq, done in moments:
            mids = [0] * len(units)
            for at, i, mid2 in books:
                if at <= seq and mid2:
                    mids[i] = mid2
            held, value = [0] * len(units), 0
            for _, i, quantity, gross in parts[:done]:
                held[i] += quantity
                value += gross
            if any(q and not m for q, m in zip(held, mids, strict=True)):
                continue
            value += sum(q * m * u for q, m, u in zip(held, mids, units, strict=True))
            low, high = min(low, value), max(high, value)
        found.append((low, high))
    return found


BOOK = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, 90, 100, 101, 130]))
TRADE = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from([-2, -1, 1, 2]), st.integers(-300, 300)
)


@FEW
@given(
    st.lists(BOOK, max_size=25),
    st.lists(st.lists(TRADE, min_size=1, max_size=4), max_size=4),
    st.booleans(),
    st.sampled_from([[1, 1, 1], [10**6, 3, 2**40]]),
    st.booleans(),
)
def test_extremes_are_those_of_every_moment(
    steps: list[Any], trips: list[Any], is_open: bool, units: list[int], overlap: bool
) -> None:
    seq, books = 0, []
    for step, i, mid2 in steps:
        seq += step
        books.append((seq, i, mid2))
    at, made = 0, []
    for parts in trips:
        rows = []
        for step, i, quantity, gross in parts:
            at += step
            rows.append((at, i, quantity, gross))
        made.append(rows)
        if overlap and len(rows) > 1:
            at = rows[-2][0]  # the next trip begins before the last fill of this one
    flat = [row for rows in made for row in rows]
    first = np.cumsum([0, *(len(rows) for rows in made)])[:-1]
    columns = [column([row[k] for row in flat]) for k in range(4)]
    inputs = tuple(column([book[k] for book in books]) for k in range(3))
    found, wrong = trip_extremes(
        inputs,
        *columns[:3],
        np.stack(int128_halves(columns[3].tolist())),
        first.astype(np.int64),
        is_open,
        np.stack(int128_halves(units)),
    )
    assert wrong == -1
    lows, highs = (int128_array(*half).tolist() for half in found)
    assert list(zip(lows, highs, strict=True)) == naive_extremes(books, made, is_open, units)


def test_a_result_that_does_not_fit_names_its_trip() -> None:
    books = (column([1]), column([0]), column([2**62]))
    gross = np.stack(int128_halves([0, 0]))
    units = np.stack(int128_halves([2**100]))
    parts = (column([1, 2]), column([0, 0]), column([0, 5]))
    found, wrong = trip_extremes(books, *parts, gross, column([0, 1]), False, units)
    assert wrong == 1 and found.shape == (2, 2, 2)


def test_instruments_without_a_unit_are_refused() -> None:
    units = np.stack(int128_halves([1]))
    none = column([])
    gross = np.zeros((2, 0), np.int64)
    with pytest.raises(ValueError, match="none of the 1 instruments"):
        trip_extremes((column([1]), column([1]), column([9])), none, none, none, gross, none,
                      False, units)  # fmt: skip
