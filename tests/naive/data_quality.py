"""Naive twin of quantlaxmi.data_quality: rows as dicts, one after another, ratios as Fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

from quantlaxmi.schema import DepthFlag
from tests.naive.depth_book import DepthBook, messages

SHARES = (0, 1, 5, 25, 50, 75, 95, 99, 100)
Row = dict[str, int]


def quantiles(values: list[int]) -> tuple[int, tuple[int, ...]] | None:
    """Number of values, and at each share the least value that it does not exceed."""
    if not values:
        return None
    ranked = sorted(values)
    n, found = len(ranked), []
    for share in SHARES:
        if n < 200:
            enough = (v for v in ranked if sum(x <= v for x in ranked) * 100 >= share * n)
            found.append(next(enough))
        else:
            found.append(ranked[max(1, ceil(Fraction(share * n, 100))) - 1])
    return n, tuple(found)


def bps(ratio: Fraction) -> int:
    """A ratio in 10**-4 bps, rounded down."""
    return floor(ratio * 10**8)


def kind(rows: list[Row], stale_ns: int) -> dict[str, Any]:
    """Figures of one kind of one instrument; ``rows`` has one row a message."""
    steps = [(b["ts_ns"] - a["ts_ns"], -a["ts_ns"]) for a, b in pairwise(rows)]
    told = [row for row in rows if row["exch_ts_ns"]]
    longest, begun = max(steps, default=(0, -rows[0]["ts_ns"]))
    return {
        "messages": len(rows),
        "first_ts_ns": rows[0]["ts_ns"],
        "last_ts_ns": rows[-1]["ts_ns"],
        "equal_stamps": sum(step == 0 for step, _ in steps),
        "stale": sum(step > stale_ns for step, _ in steps),
        "stale_ns": sum(step for step, _ in steps if step > stale_ns),
        "longest_ns": longest,
        "longest_from_ns": -begun,
        "clock_offset_ns": quantiles([row["ts_ns"] - row["exch_ts_ns"] for row in told]),
        "exchange_backwards": sum(b["exch_ts_ns"] < a["exch_ts_ns"] for a, b in pairwise(told)),
    }


def usable(quote: Row) -> bool:
    return 0 < quote["bid"] < quote["ask"]


def spreads(quotes: list[Row]) -> tuple[Any, Any]:
    """Quantiles of the spread as price and in bps."""
    good = [q for q in quotes if usable(q)]
    return (
        quantiles([q["ask"] - q["bid"] for q in good]),
        quantiles(
            [bps(Fraction(q["ask"] - q["bid"]) / Fraction(q["ask"] + q["bid"], 2)) for q in good]
        ),
    )


def basis(quotes: list[Row], spot: int, perp: int, exponents: list[int]) -> Any:
    """Quantiles of the basis after every usable quote of either."""
    mids: dict[int, Fraction] = {}
    found = []
    for quote in quotes:
        if quote["instrument"] in (spot, perp) and usable(quote):
            unit = Fraction(10) ** exponents[quote["instrument"]]
            mids[quote["instrument"]] = Fraction(quote["bid"] + quote["ask"], 2) * unit
            if len(mids) == 2:
                found.append(bps(mids[perp] / mids[spot] - 1))
    return quantiles(found)


def depth(columns: dict[str, list[int]], quotes: list[Row]) -> dict[str, int]:
    """Figures of the rebuilt book of one instrument."""
    names = ("messages", "snapshots", "gaps", "standing", "crossed", "locked", "one_sided",
             "compared", "agreeing", "compared_exact", "agreeing_exact")  # fmt: skip
    found = dict.fromkeys(names, 0)
    quotes = [q for q in quotes if q["bid"] or q["ask"]]  # the others tell of no book
    ids = [q["update_id"] for q in quotes]
    comparable = bool(ids) and ids[0] > 0 and ids == sorted(ids)
    book = DepthBook()
    found["snapshots"] = sum(
        flags & DepthFlag.LAST and flags & DepthFlag.SNAPSHOT != 0 for flags in columns["flags"]
    )
    for message in messages(columns):
        book.apply(message)
        found["messages"] += 1
        if not book.valid:
            continue
        found["standing"] += 1
        bids, asks = book.levels(1)[:1], book.levels(-1)[:1]
        if bids and asks:
            found["crossed"] += bids[0][0] > asks[0][0]
            found["locked"] += bids[0][0] == asks[0][0]
        else:
            found["one_sided"] += 1
        before = [q for q in quotes if q["update_id"] <= book.last_id] if comparable else []
        if not before:
            continue
        q = before[-1]
        same = bids == [(q["bid"], q["bid_qty"])] and asks == [(q["ask"], q["ask_qty"])]
        found["compared"] += 1
        found["agreeing"] += same
        if q["update_id"] == book.last_id:
            found["compared_exact"] += 1
            found["agreeing_exact"] += same
    found["gaps"] = book.gaps
    return found
