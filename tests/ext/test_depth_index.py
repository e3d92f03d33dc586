"""DepthIndex against the naive book after every message, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi.schema import DepthFlag
from tests import random_markets
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive import depth_book as naive

ROW = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")


def check(depth, n_instruments):
    """Every level of every instrument, whether its book stands, and sizes, after every message."""
    index = DepthIndex(depth, n_instruments)
    books = [naive.DepthBook() for _ in range(n_instruments)]
    ends = (np.flatnonzero(depth["flags"] & DepthFlag.LAST) + 1).tolist()
    prices = sorted({*depth["price"].tolist(), 0})
    start = 0
    for m, end in enumerate(ends):
        (message,) = naive.messages({name: depth[name][start:end].tolist() for name in ROW})
        books[int(depth["instrument"][start])].apply(message)
        start = end
        for i, book in enumerate(books):
            assert index.stands(i, m) == (book.valid, book.gaps)
            if not book.valid:
                continue
            for side in (1, -1):
                found = [tuple(level) for level in index.levels(i, side, m).tolist()]
                assert found == book.levels(side)
                sizes = dict(found)
                for price in prices:
                    assert index.size(i, side, m, price) == sizes.get(price, 0)
    assert (index.n_rows, index.n_messages) == (len(depth["seq"]), len(ends))
    # Each change is that of a row, or more often of none.
    assert index.n_changes <= index.n_rows
    assert index.n_prices <= index.n_changes
    assert index.nbytes == 103 * len(ends) + 12 * (index.n_changes + index.n_prices)
    return index


@settings(max_examples=examples(300), deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 120), st.booleans())
def test_every_level_after_every_message_is_the_naive_book_s(seed, n, with_quotes):
    check(random_markets.random_market(seed, n, 2, with_quotes)["depth"], 2)


def rows(*messages):
    """(ids, levels, snapshot) messages of instrument 0."""
    builder = MarketBuilder()
    for ids, levels, snapshot in messages:
        builder.depth(0, ids, levels, snapshot=snapshot)
    return builder.tables()["depth"]


def test_held_differences_stand_under_the_snapshot_that_they_continue():
    depth = rows(
        ((11, 12, -1), [(1, 99, 7)], False),
        ((13, 13, -1), [(1, 98, 0), (-1, 101, 4)], False),
        ((11, 11, -1), [(1, 98, 2), (-1, 102, 9)], True),
    )
    index = check(depth, 1)
    assert index.levels(0, 1, 2).tolist() == [[99, 7]]
    assert index.levels(0, -1, 2).tolist() == [[101, 4], [102, 9]]
    assert index.levels(0, 1, 1).tolist() == []


def test_a_snapshot_takes_away_what_it_does_not_name():
    index = check(
        rows(
            ((5, 5, -1), [(1, 99, 7), (1, 98, 3), (-1, 101, 1)], True),
            ((9, 9, -1), [(1, 98, 3)], True),
            ((10, 10, -1), [(1, 99, 0), (1, 97, 1)], False),
        ),
        1,
    )
    assert index.levels(0, 1, 1).tolist() == [[98, 3]]
    assert index.levels(0, 1, 2).tolist() == [[98, 3], [97, 1]]
    assert index.levels(0, -1, 2).tolist() == []
    assert index.size(0, 1, 0, 99) == 7


def test_a_row_that_changes_nothing_is_not_kept():
    same = ((1, 99, 7),)
    index = check(
        rows(
            ((5, 5, -1), same, True),
            ((6, 6, -1), [*same, (1, 80, 0)], False),  # as before; a level that is not there
            ((7, 7, -1), [(1, 99, 8), *same], False),  # the last row of a price counts
        ),
        1,
    )
    assert index.n_changes == 2  # the snapshot's, and one of the third message, whose end is equal
    assert index.n_prices == 1


def test_thousands_of_prices_of_many_instruments():
    rng = np.random.default_rng(3)
    builder = MarketBuilder()
    for m in range(40):
        levels = [
            (int(s), int(p), int(q))
            for s, p, q in zip(
                rng.choice([1, -1], 300),
                rng.integers(1, 4_000, 300),
                rng.integers(0, 4, 300),
                strict=True,
            )
        ]
        builder.depth(m % 3, (m // 3, m // 3, -1), levels, snapshot=m < 3)
    depth = builder.tables()["depth"]
    index = DepthIndex(depth, 3)
    assert index.n_prices > 4_000
    books = [naive.DepthBook() for _ in range(3)]
    for m, start in enumerate(range(0, 40 * 300, 300)):
        part = {name: depth[name][start : start + 300].tolist() for name in ROW}
        books[m % 3].apply(*naive.messages(part))
        for side in (1, -1):
            found = [tuple(x) for x in index.levels(m % 3, side, m).tolist()]
            assert found == books[m % 3].levels(side)


def test_no_rows():
    index = DepthIndex(rows(), 2)
    assert (index.n_messages, index.n_changes, index.nbytes) == (0, 0, 0)
    with pytest.raises(IndexError):
        index.levels(0, 1, 0)


@pytest.fixture
def depth():
    made = rows(
        ((5, 5, -1), [(1, 99, 7), (-1, 101, 3)], True),
        ((6, 6, -1), [(1, 99, 6), (1, 98, 3)], False),
    )
    return {name: column.copy() for name, column in made.items()}


@pytest.mark.parametrize(
    ("name", "row", "value", "problem"),
    [
        ("instrument", 0, -1, "row 0 of depth names no instrument"),
        ("instrument", 2, 1, "row 2 of depth names no instrument"),
        ("instrument", 3, 1, "row 3 of depth differs from its message"),
        ("seq", 3, 9, "row 3 of depth differs from its message"),
        ("ts_ns", 1, 9, "row 1 of depth differs from its message"),
        ("exch_ts_ns", 1, 9, "row 1 of depth differs from its message"),
        ("flags", 3, 0, "row 3 of depth ends no message"),
        ("price", 1, 2**63 // 10, None),
        ("price", 1, 2**63 // 10 + 1, "row 1 of depth has a price outside a tenth of int64"),
        ("price", 1, -(2**63), "row 1 of depth has a price outside a tenth of int64"),
    ],
)
def test_what_the_engine_would_read_otherwise_is_refused(depth, name, row, value, problem):
    depth[name][row] = value
    if problem is None:
        DepthIndex(depth, 1)
        return
    with pytest.raises(ValueError, match=problem):
        DepthIndex(depth, 1)


def test_an_index_has_a_largest_size(depth):
    size = DepthIndex(depth, 1).nbytes
    assert DepthIndex(depth, 1, size).nbytes == size
    for most in (size - 1, 150, 0):
        with pytest.raises(ValueError, match=f"would exceed {most} bytes"):
            DepthIndex(depth, 1, most)


def test_rows_are_read_only_and_an_index_is_made_once(depth):
    for column in depth.values():
        column.setflags(write=False)
    index = DepthIndex(depth, 1)
    with pytest.raises(RuntimeError, match="once"):
        index.__init__(depth, 1)
    for wrong in ((1, 0), (-1, 0), (0, 2), (0, -1)):
        with pytest.raises(IndexError):
            index.stands(*wrong)
