"""Naive twin of quantlaxmi.segment.books and of the steps in a run's summary: row after row."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.naive.depth_book import DepthBook, messages

Row = dict[str, int]
Book = tuple[int, int, int, int, int, int]  # seq, time, bid, size, ask, size


def rows_of(columns: Mapping[str, Any]) -> list[Row]:
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def books_of(tables: Mapping[str, Mapping[str, Any]], instrument: int) -> list[Book]:
    """Every book of an instrument: rebuilt depth until its first quote, then quotes."""
    quotes = [r for r in rows_of(tables["quotes"]) if r["instrument"] == instrument]
    depth = [r for r in rows_of(tables["depth"]) if r["instrument"] == instrument]
    first = quotes[0]["seq"] if quotes else None
    columns = {name: [row[name] for row in depth] for name in tables["depth"]}
    book, found, places = DepthBook(), [], {r["seq"]: r["ts_ns"] for r in depth}
    for (seq, ts_ns), message in zip(places.items(), messages(columns), strict=True):
        if first is not None and seq > first:
            break
        book.apply(message)
        bid = max(book.bids, default=0) if book.valid else 0
        ask = min(book.asks, default=0) if book.valid else 0
        found.append((seq, ts_ns, bid, book.bids.get(bid, 0), ask, book.asks.get(ask, 0)))
    names = ("seq", "ts_ns", "bid", "bid_qty", "ask", "ask_qty")
    return found + [tuple(r[name] for name in names) for r in quotes]


def kind(book: Book) -> str:
    _, _, bid, bid_qty, ask, ask_qty = book
    if bid <= 0 or ask <= 0:
        return "no_side"
    if bid >= ask:
        return "crossed" if bid > ask else "locked"
    return "valid" if bid_qty > 0 and ask_qty > 0 else "no_size"


def steps(books: list[Book], fills: list[Row], factor: Fraction) -> list[tuple[int, int, int, int]]:
    """(position, mid2 before, mid2 after, time) of the steps that were held over."""
    found, last = [], None
    for book in books:
        if kind(book) != "valid":
            continue
        mid2 = book[2] + book[4]
        position = 0
        for fill in fills:
            if fill["seq"] < book[0]:
                position = fill["position"]
        if last and position and Fraction(max(last, mid2), min(last, mid2)) > factor:
            found.append((position, last, mid2, book[1]))
        last = mid2
    return found
