"""DepthBook against its naive twin, and the sequence rule by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.depth_book import DepthBook
from tests import random_markets, traded
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive import depth_book as naive

NAMES = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")


def columns_of(tables, instrument):
    rows = tables["depth"]["instrument"] == instrument
    made = {name: np.ascontiguousarray(tables["depth"][name][rows]) for name in NAMES}
    for column in made.values():
        column.setflags(write=False)
    return made


def apply(book, columns, start=0, stop=None):
    book.apply(*(columns[name][start:stop] for name in NAMES))


def state(book):
    return (
        book.valid,
        book.gaps,
        [tuple(x) for x in book.levels(1).tolist()],
        [tuple(x) for x in book.levels(-1).tolist()],
    )


def naive_state(book):
    return (book.valid, book.gaps, book.levels(1), book.levels(-1))


def messages_of(columns):
    return naive.messages({name: column.tolist() for name, column in columns.items()})


def check(tables, instrument=0):
    """Compare after every message."""
    columns = columns_of(tables, instrument)
    book, twin = DepthBook(), naive.DepthBook()
    start = 0
    ends = (np.flatnonzero(columns["flags"] & 1) + 1).tolist()
    for end, message in zip(ends, messages_of(columns), strict=True):
        apply(book, columns, start, end)
        twin.apply(message)
        start = end
        assert state(book) == naive_state(twin)
        if twin.valid:
            assert book.last_id == twin.last_id
    return book


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 120), st.integers(0, 1))
def test_random_streams_match_naive(seed, n, instrument):
    check(random_markets.random_market(seed, n, 2, False), instrument)


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 80), st.lists(st.integers(0, 200), max_size=20))
def test_messages_may_be_cut_anywhere(seed, n, cuts):
    columns = columns_of(random_markets.random_market(seed, n, 2, False), 0)
    whole, pieces = DepthBook(), DepthBook()
    apply(whole, columns)
    size = len(columns["flags"])
    edges = sorted({0, size, *(c for c in cuts if c < size)})
    for start, stop in zip(edges, [*edges[1:], size], strict=True):
        apply(pieces, columns, start, stop)
    assert state(pieces) == state(whole)


def built(*messages):
    """(ids, snapshot) messages on one book; each sets bid 100 - k to size k + 1."""
    builder = MarketBuilder()
    for k, (ids, snapshot) in enumerate(messages):
        builder.depth(0, ids, [(1, 100 - k, k + 1), (-1, 200 + k, k + 1)], snapshot=snapshot)
    return check(builder.tables())


def spot(first, last):
    return (first, last, -1), False


def perp(prev, first, last):
    return (first, last, prev), False


def snap(last):
    return (last, last, -1), True


@pytest.mark.parametrize(
    ("messages", "valid", "gaps", "n_levels"),
    [
        ([snap(10)], True, 0, 1),
        ([spot(1, 5)], False, 0, 0),  # no snapshot yet
        ([snap(10), spot(11, 12)], True, 0, 2),
        ([snap(10), spot(8, 12)], True, 0, 2),  # the first may overlap the snapshot
        ([snap(10), spot(12, 13)], False, 1, 1),
        ([snap(10), spot(8, 10)], True, 0, 1),  # old
        ([snap(10), spot(11, 12), spot(12, 13)], False, 1, 2),  # later ones may not overlap
        ([snap(10), spot(11, 12), spot(13, 13)], True, 0, 3),
        ([snap(10), spot(11, 12), spot(14, 14)], False, 1, 2),
        ([snap(10), spot(11, 12), spot(11, 12)], True, 0, 2),  # a message twice
        ([snap(10), perp(10, 15, 20)], True, 0, 2),  # ids of one book have holes on perpetuals
        ([snap(10), perp(7, 8, 20)], True, 0, 2),
        ([snap(10), perp(8, 12, 20)], True, 0, 2),  # covers (8, 20], the snapshot lies within
        ([snap(10), perp(11, 12, 20)], False, 1, 1),
        ([snap(10), perp(7, 8, 20), perp(20, 30, 40)], True, 0, 3),
        ([snap(10), perp(7, 8, 20), perp(19, 20, 40)], False, 1, 2),
        # Differences before their snapshot are kept for it, older ones dropped.
        ([spot(5, 6), spot(7, 8), spot(9, 12), snap(8)], True, 0, 2),
        ([spot(5, 6), spot(7, 8), spot(9, 12), snap(20)], True, 0, 1),
        ([spot(5, 6), spot(8, 9), snap(6)], False, 1, 1),
        ([spot(5, 6), spot(8, 9), snap(6), snap(7)], True, 1, 2),  # what was left fits a later one
        # After a gap all is kept until a snapshot joins it.
        ([snap(10), spot(12, 13), spot(14, 14), snap(12)], True, 1, 3),
        ([snap(10), spot(11, 12), snap(9)], True, 0, 2),  # an older snapshot adds nothing
        ([snap(10), spot(11, 12), snap(13)], True, 0, 1),
        ([snap(10), snap(10)], True, 0, 1),
    ],
)
def test_sequence_rule(messages, valid, gaps, n_levels):
    book = built(*messages)
    assert (book.valid, book.gaps, len(book.levels(1))) == (valid, gaps, n_levels)


def test_five_events_by_hand():
    """A snapshot, an overlap, a difference, a gap, and the snapshot that mends it."""
    builder = MarketBuilder()
    builder.depth(0, (10, 10, -1), [(1, 99, 5), (1, 98, 4), (-1, 101, 6)], snapshot=True)
    builder.depth(0, (8, 11, -1), [(1, 99, 0), (-1, 102, 2)])
    builder.depth(0, (12, 12, -1), [(1, 100, 7), (-1, 101, 1)])
    builder.depth(0, (14, 14, -1), [(1, 97, 9)])
    builder.depth(0, (13, 13, -1), [(1, 96, 3), (-1, 103, 8)], snapshot=True)
    columns = columns_of(builder.tables(), 0)
    ends = (np.flatnonzero(columns["flags"] & 1) + 1).tolist()
    after = [
        (True, 0, [(99, 5), (98, 4)], [(101, 6)]),
        (True, 0, [(98, 4)], [(101, 6), (102, 2)]),
        (True, 0, [(100, 7), (98, 4)], [(101, 1), (102, 2)]),
        (False, 1, [(100, 7), (98, 4)], [(101, 1), (102, 2)]),
        (True, 1, [(97, 9), (96, 3)], [(103, 8)]),  # what came after the gap was held
    ]
    book, start = DepthBook(), 0
    for end, expected in zip(ends, after, strict=True):
        apply(book, columns, start, end)
        start = end
        assert state(book) == expected
    check(builder.tables())


def test_levels():
    builder = MarketBuilder()
    builder.depth(0, (1, 1, -1), [(1, 5, 1), (1, 7, 2), (-1, 9, 3), (-1, 8, 4)], snapshot=True)
    builder.depth(0, (2, 2, -1), [(1, 7, 0), (1, 6, 9), (-1, 8, 5), (-1, 1000, 0), (1, 5, -3)])
    builder.depth(0, (3, 3, -1), [])
    book = check(builder.tables())
    assert book.levels(1).tolist() == [[6, 9]]
    assert book.levels(-1).tolist() == [[8, 5], [9, 3]]
    assert book.last_id == 3


def test_many_levels_in_any_order():
    prices = np.random.default_rng(4).permutation(3000) + 1
    levels = [(1 if p <= 1500 else -1, int(p), int(p) % 7 + 1) for p in prices]
    builder = MarketBuilder().depth(0, (1, 1, -1), levels, snapshot=True)
    builder.depth(0, (2, 2, -1), [(s, p, 0) for s, p, _ in levels[::2]])
    book = check(builder.tables())
    assert len(book.levels(1)) + len(book.levels(-1)) == 1500


@settings(max_examples=examples(40), deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([-3, -1, 0, 1, 3]), st.sampled_from([1, 40, 300, 700])
)
def test_levels_that_wander_match_naive(seed, drift, width):
    """The levels grow and go at either end, so that their room is laid out again and again."""
    rng = np.random.default_rng(seed)
    builder, middle = MarketBuilder().depth(0, (0, 0, -1), [], snapshot=True), 10**6
    for number in range(1, 60):
        middle += drift * int(rng.integers(0, 2 * width + 2))
        levels = []
        for _ in range(int(rng.integers(0, width))):
            away = int(rng.integers(1, 2 * width + 2))
            side = 1 if rng.integers(2) else -1
            levels.append((side, middle - side * away, int(rng.integers(-1, 4))))
        if width > 1 and number % 7 == 0:  # whatever was left behind on one side
            side = 1 if rng.integers(2) else -1
            levels += [(side, middle - side * k, 0) for k in range(0, -3 * width, -1)]
        builder.depth(0, (number, number, -1), levels)
    check(builder.tables())


def test_values_next_to_the_limit():
    high = traded.I64_MAX
    levels = [(1, high - 1, high), (-1, high, high), (1, -high, 1)]
    builder = MarketBuilder().depth(0, (high - 1, high - 1, -1), levels, snapshot=True)
    builder.depth(0, (high, high, -1), [(1, high - 2, 1)])
    book = check(builder.tables())
    assert book.valid
    assert book.last_id == high


def test_nothing():
    book = DepthBook()
    apply(book, columns_of(MarketBuilder().tables(), 0))
    assert state(book) == (False, 0, [], [])
    assert book.levels(1).shape == (0, 2)


def test_columns_of_unequal_length_are_refused():
    columns = columns_of(MarketBuilder().depth(0, (1, 1, -1), [(1, 1, 1)]).tables(), 0)
    with pytest.raises(ValueError, match="differ in length"):
        DepthBook().apply(*(columns[name][: name != "qty"] for name in NAMES))
