"""Naive twin of quantlaxmi.run.decision_points: rows where all traded books are valid.

The market is followed without trading; orders decided at a row meet the book of its arrival, whose
displayed size nobody has touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import EventKind, QuoteFlag
from tests.naive.engine import KINDS, Market, Terms, merged

Bundle = tuple[tuple[int, int], ...]


def points(
    tables: Mapping[str, Any],
    terms: Sequence[Terms],
    traded: Sequence[int],
    wanted: frozenset[EventKind],
    bundles: Sequence[Bundle],
    latency_ns: int,
    notional: Callable[[int, int, int], int],
    fee: Callable[[int, int, int, bool, int, bool], int],
    moved: Callable[[Market, int, int, int, int], int] = lambda market, i, side, qty, price: price,
    lots: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """One dict a row: seq, ts_ns, mid2 by traded instrument, cost by bundle (None: not fillable).

    The end of the data is a row more where a traded mid has moved since the last one.
    """
    market = Market(len(terms))
    messages = merged(tables)
    rows: list[dict[str, Any]] = []
    unpriced = 0

    def price(before: int | Fraction) -> None:
        nonlocal unpriced
        while unpriced < len(rows) and rows[unpriced]["ts_ns"] + latency_ns < before:
            row = rows[unpriced]
            row["costs"] = [cost(bundle, row["mid2"]) for bundle in bundles]
            unpriced += 1

    def cost(bundle: Bundle, mid2: Mapping[int, int]) -> int | None:
        total = 0
        for i, signed in bundle:
            side, left, first = (1 if signed > 0 else -1), abs(signed), True
            for displayed, shown, *_ in market.books[i].available(side):
                level = moved(market, i, side, abs(signed), displayed)
                qty = min(left, shown)
                if shown < left and lots:  # whole lots, or all that is left
                    qty -= qty % (lots[i] or 1)
                left -= qty
                total += side * (10 * notional(i, level, qty) - 5 * notional(i, mid2[i], qty))
                if qty:  # each leg is an order: it pays what is flat once
                    total += 10 * fee(i, level, qty, False, side, first)
                    first = False
            if left:
                return None
        return total

    for table, message in messages:
        row = message[-1]
        price(row["ts_ns"])
        market.apply(table, message)
        quiet = table == "quotes" and row["flags"] & QuoteFlag.QUIET
        if KINDS[table] in wanted and not quiet and all(market.books[i].valid for i in traded):
            mid2 = {i: market.books[i].bid + market.books[i].ask for i in traded}
            rows.append(
                {
                    "seq": row["seq"],
                    "ts_ns": row["ts_ns"],
                    "mid2": mid2,
                    "costs": [None for _ in bundles],
                    "can_trade": True,
                }
            )
    if messages:
        end = messages[-1][1][-1]
        price(end["ts_ns"] + 1)
        final = {i: market.books[i].mid2 for i in traded}
        if rows and rows[-1]["mid2"] != final:
            rows.append(
                {
                    "seq": end["seq"],
                    "ts_ns": end["ts_ns"],
                    "mid2": final,
                    "costs": [None for _ in bundles],
                    "can_trade": False,
                }
            )
    return rows
