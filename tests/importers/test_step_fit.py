"""Columns against steps: exact division and counts, compared with Python's integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi._ext.quote_kinds import add_quotes
from quantlaxmi._ext.step_fit import count_off, divided

VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(10**6), 10**6),
    st.sampled_from([2**52, 2**52 + 1, -(2**52) - 1, 2**53 + 1, -(2**63), 2**63 - 1]),
)
STEPS = st.one_of(st.integers(1, 10**4), st.sampled_from([10**k for k in range(18)]))


@given(st.lists(st.tuples(VALUES, st.integers(-1, 3)), max_size=40), STEPS, STEPS)
def test_division_is_that_of_integers(rows: list[tuple[int, int]], a: int, b: int) -> None:
    by = np.array([a, b, 1], np.int64)
    values = np.array([v for v, _ in rows], np.int64)
    of = np.array([k for _, k in rows], np.int16)
    found, bad = divided(values, of, by)
    rests = [k for v, k in rows if 0 <= k < 3 and v % int(by[k])]
    if rests:
        assert found is None
        assert bad == rests[0]
    else:
        assert bad == -1
        assert found is not None
        assert found.tolist() == [v // int(by[k]) if 0 <= k < 3 else v for v, k in rows]


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), STEPS), max_size=40))
def test_multiples_come_back(rows: list[tuple[int, int]]) -> None:
    rows = [(q, by) for q, by in rows if abs(q * by) < 2**63]
    for q, by in rows:
        found, _ = divided(np.array([q * by]), np.zeros(1, np.int16), np.array([by]))
        assert found is not None
        assert found.tolist() == [q]


@given(st.lists(st.tuples(VALUES, VALUES, st.integers(-1, 2)), max_size=40), STEPS)
def test_rows_off_their_step_are_counted_once(rows: list[tuple[int, int, int]], a: int) -> None:
    steps = [np.array([a, 0], np.int64), np.array([7, 10], np.int64)]
    columns = [np.array([row[k] for row in rows], np.int64) for k in (0, 1)]
    off, n = count_off(columns, np.array([k for *_, k in rows], np.int16), steps)
    for k in (0, 1):
        mine = [row for row in rows if row[2] == k]
        assert n[k] == len(mine)
        is_off = [
            any(int(s[k]) and v % int(s[k]) for v, s in zip(r[:2], steps, strict=True))
            for r in mine
        ]
        assert off[k] == sum(is_off)


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        divided(np.zeros(2, np.int64), np.zeros(3, np.int16), np.ones(1, np.int64))
    with pytest.raises(ValueError, match="length"):
        count_off([np.zeros(2, np.int64)], np.zeros(3, np.int16), [np.ones(1, np.int64)])


@given(st.lists(st.tuples(*[st.integers(-1, 3)] * 4, st.integers(0, 1)), max_size=40))
def test_kinds_of_quotes(rows: list[tuple[int, ...]]) -> None:
    names = ("bid", "ask", "bid_qty", "ask_qty")
    quotes = {name: np.array([r[k] for r in rows], np.int64) for k, name in enumerate(names)}
    quotes["instrument"] = np.array([r[4] for r in rows], np.int16)
    quotes["seq"] = np.arange(5, 5 + len(rows), dtype=np.int64)
    counts, first = np.zeros((2, 5), np.int64), np.full(2, 2**63 - 1, np.int64)
    add_quotes(quotes, counts, first)
    want = np.zeros((2, 5), np.int64)
    for bid, ask, bid_qty, ask_qty, k in rows:
        if bid <= 0 or ask <= 0:
            kind = 1
        elif bid >= ask:
            kind = 2 if bid > ask else 3
        else:
            kind = 0 if bid_qty > 0 and ask_qty > 0 else 4
        want[k, kind] += 1
    assert (counts == want).all()
    for k in (0, 1):
        mine = [5 + i for i, r in enumerate(rows) if r[4] == k]
        assert first[k] == min(mine, default=2**63 - 1)


@pytest.mark.parametrize("of", [-1, 2])
def test_a_quote_of_no_instrument_is_an_error(of: int) -> None:
    quotes = {name: np.ones(1, np.int64) for name in ("seq", "bid", "ask", "bid_qty", "ask_qty")}
    quotes["instrument"] = np.array([of], np.int16)
    with pytest.raises(IndexError, match="names no instrument"):
        add_quotes(quotes, np.zeros((2, 5), np.int64), np.zeros(2, np.int64))
