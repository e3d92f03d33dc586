"""Slow, independent reading of Bybit's order books: lines of JSON to depth rows, or why not."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, NamedTuple

from tests.naive.csv_cells import Faulty, Lane, mantissa

DAY = 86_400 * 10**9
WINDOW = 10**9


class Book(NamedTuple):
    ts: int
    line: int
    exch: int
    id: int
    snapshot: bool
    levels: list[tuple[int, int, int]]  # side, price, quantity; bids first


def stamp(value: int) -> int:
    for unit in (10**6, 10**3, 1):
        if 10**17 <= value * unit <= 9_200_000_000_000_000_000:
            return value * unit
    raise Faulty("bad-stamp")


def no_json(word: str) -> Any:
    raise ValueError(word)


def read_line(text: bytes, symbol: str) -> Book:
    """One line; `Faulty` with the reason where it is set aside."""
    if not text:
        raise Faulty("empty-line")
    try:
        content = json.loads(text.decode(), parse_constant=no_json)
    except UnicodeDecodeError:
        raise Faulty("not-utf-8") from None
    except ValueError:
        raise Faulty("not-json") from None
    if not shaped(content):
        raise Faulty("wrong-shape")
    data = content["data"]
    if data["s"] != symbol:
        raise Faulty("wrong-symbol")
    topic = content["topic"]
    if not topic.startswith("orderbook.") or not topic.endswith(f".{symbol}"):
        raise Faulty("unknown-stream")
    ts = stamp(content["ts"])
    exch = stamp(content["cts"]) if content.get("cts") else 0
    if data["u"] < 0:
        raise Faulty("wrong-shape")
    if data["u"] >= 2**63:
        raise Faulty("overflow")
    levels = []
    lane = Lane("trades", b"")
    for side, name in ((1, "b"), (-1, "a")):
        for price_text, qty_text in data[name]:
            price = mantissa(lane, price_text)
            if price <= 0:
                raise Faulty("price-not-positive")
            qty = mantissa(lane, qty_text)
            if qty < 0:
                raise Faulty("bad-quantity")
            levels.append((side, price, qty))
    snapshot = content["type"] == "snapshot"
    bids = [p for s, p, q in levels if s > 0 and q]
    asks = [p for s, p, q in levels if s < 0 and q]
    if snapshot and bids and asks and max(bids) >= min(asks):
        raise Faulty("crossed-book")
    return Book(ts, 0, exch, data["u"], snapshot, levels)


def shaped(content: Any) -> bool:
    if type(content) is not dict or type(content.get("data")) is not dict:
        return False
    data = content["data"]
    whole = [content.get("ts"), content.get("cts", 0), data.get("u")]
    words = [content.get("topic"), content.get("type"), data.get("s")]
    if any(type(v) is not int for v in whole) or any(type(v) is not str for v in words):
        return False
    if content["type"] not in ("snapshot", "delta"):
        return False
    return all(
        type(data.get(name)) is list
        and all(
            type(pair) is list and len(pair) == 2 and all(type(v) is str for v in pair)
            for pair in data[name]
        )
        for name in "ba"
    )


def read(text: bytes, symbol: str) -> tuple[list[Book], list[tuple[int, str]], int]:
    """Messages in their order, faults as (line, reason), and the number of gaps."""
    lines = text.split(b"\n")
    cut = len(lines) if lines[-1] else 0
    if not lines[-1]:
        lines.pop()
    books, faults, high = [], [], None
    for number, raw in enumerate(lines, 1):
        try:
            book = read_line(raw.removesuffix(b"\r"), symbol)._replace(line=number)
            if book.exch and abs(book.ts - book.exch) > DAY:
                raise Faulty("bad-stamp")
            if high is not None and book.ts < high - WINDOW:
                raise Faulty("time-reversal")
            if high is not None and not book.exch and book.ts - high > DAY:
                raise Faulty("time-jump")
            high = book.ts if high is None else max(high, book.ts)
            books.append(book)
        except Faulty as fault:
            reason = str(fault)
            if number == cut and reason in ("not-json", "empty-line", "not-utf-8", "bad-stamp"):
                reason = "half-line"
            faults.append((number, reason))
    books.sort(key=lambda b: (b.ts, b.id, b.line))
    gaps = sum(not book.snapshot and book.id != before.id + 1 for before, book in pairwise(books))
    return books, faults, gaps
