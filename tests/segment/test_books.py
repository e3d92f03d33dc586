"""Books by what an order can do with them, against a count of row after row."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest

from quantlaxmi.segment.books import BookCounts, BookTally, book_counts, book_problems
from tests.cases import replay_cases
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive import book_kinds as naive
from tests.random_markets import random_market
from tests.traded import UNIVERSES

KINDS = ("valid", "no_side", "crossed", "locked", "no_size")
PAIR = UNIVERSES["coarse"]


def market_of(tables, instruments=PAIR):
    return MemorySegment(tables, instruments)


def check(tables, instruments=PAIR):
    found = book_counts(market_of(tables, instruments))
    for k, counts in enumerate(found):
        expected = Counter(naive.kind(book) for book in naive.books_of(tables, k))
        assert {kind: getattr(counts, kind) for kind in KINDS} == {
            kind: expected[kind] for kind in KINDS
        }
        assert counts.books == sum(expected.values())
        depth = [r for r in naive.rows_of(tables["depth"]) if r["instrument"] == k]
        assert counts.depth_messages == len({r["seq"] for r in depth})
        assert counts.depth_snapshots == len({r["seq"] for r in depth if r["flags"] & 2})
    return found


@pytest.mark.parametrize("case", replay_cases(), ids=str)
def test_books_are_counted(case) -> None:
    check(case.tables, UNIVERSES.get(case.universe, PAIR))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("with_quotes", [True, False])
def test_books_of_random_markets_are_counted(seed: int, with_quotes: bool) -> None:
    check(random_market(seed, 200, with_quotes=with_quotes))


@pytest.mark.parametrize("size", [1, 3, 50])
def test_books_are_counted_piece_by_piece(size: int) -> None:
    tables = random_market(5, 200)
    tally = BookTally(["S", "P"])
    messages = int(max(t["seq"][-1] for t in tables.values() if len(t["seq"]))) + 1
    for first in range(0, messages, size):
        tally.add(
            {
                table: {
                    name: column[
                        np.searchsorted(columns["seq"], first) : np.searchsorted(
                            columns["seq"], first + size
                        )
                    ]
                    for name, column in columns.items()
                }
                for table, columns in tables.items()
            }
        )
    assert tally.counts() == book_counts(market_of(tables))


@pytest.mark.parametrize("table", ["quotes", "depth"])
@pytest.mark.parametrize("instrument", [-1, 2])
def test_a_row_of_no_instrument_is_an_error(table: str, instrument: int) -> None:
    tables = random_market(5, 50)
    rows = {**tables[table], "instrument": np.full(len(tables[table]["seq"]), instrument, "<i2")}
    with pytest.raises(IndexError, match="names no instrument"):
        BookTally(["S", "P"]).add({table: rows})


def counts(**changes: int) -> BookCounts:
    zero = dict.fromkeys([f.name for f in BookCounts.__dataclass_fields__.values()], 0)
    return BookCounts(**{**zero, "symbol": "X", **changes})


@pytest.mark.parametrize(
    ("changes", "cadence", "expected"),
    [
        ({"valid": 5, "locked": 5}, "events", []),
        ({}, "events", ["X has no quote and no depth: no order can be filled"]),
        (
            {"valid": 1, "locked": 3599},
            "events",
            ["3,599 of 3,600 books of X cannot be traded on, 3,599 are locked (bid = ask)"],
        ),
        (
            {"no_size": 800},
            "bars",
            [
                "all 800 books of X are without size, because the volume of its bars shows none: "
                "no order can be filled"
            ],
        ),
        (
            {"no_side": 7, "depth_messages": 7},
            "events",
            [
                "all 7 books of X are unknown, because its depth has no snapshot: "
                "no order can be filled"
            ],
        ),
        (
            {"valid": 7, "depth_messages": 1200},
            "events",
            ["depth of X never stands: 1,200 messages, no snapshot; orders meet the top alone"],
        ),
        (
            {"no_side": 3, "crossed": 1},
            "events",
            [
                "4 of 4 books of X cannot be traded on, 3 are without a bid, an ask or both: "
                "no order can be filled"
            ],
        ),
    ],
)
def test_what_cannot_be_traded_is_a_sentence(changes, cadence, expected) -> None:
    assert book_problems(counts(**changes), cadence) == expected


def test_depth_without_a_snapshot_gives_no_book() -> None:
    builder = MarketBuilder()
    for n in range(4):
        builder.depth(0, (n + 1, n + 1, -1), [(1, 99, 1), (-1, 101, 1)]).wait(1)
    found = check(builder.tables())
    assert asdict(found[0])["no_side"] == 4
    assert "no snapshot" in book_problems(found[0], "events")[0]
