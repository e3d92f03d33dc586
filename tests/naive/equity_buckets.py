"""Naive twin of the equity of a run at given times, and of the times of its round trips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

Row = Mapping[str, int]


def wide(row: Row, name: str) -> int:
    """A 128-bit field from its halves."""
    return (int(row[f"{name}_hi"]) << 64) + (int(row[f"{name}_lo"]) % 2**64)


def equity(
    fills: Sequence[Row],
    funding: Sequence[Row],
    paid_ns: Sequence[int],
    borrow: Sequence[Row],
    scales: Sequence[int],
    weights: Sequence[int],
    loans: Sequence[tuple[int, int]],
    ends: Sequence[int],
    mid2: Sequence[Sequence[int]],
) -> list[int]:
    """Cash, the worth of what is held, less interest owed, at each end, in tenths of a unit."""
    found = []
    for k, end in enumerate(ends):
        total = 0
        for i, (scale, weight) in enumerate(zip(scales, weights, strict=True)):
            cash = held = 0
            for row in fills:
                if row["instrument"] == i and row["ts_ns"] <= end:
                    signed = int(row["side"]) * int(row["qty"])
                    held += signed
                    cash -= signed * int(row["price"]) * scale + wide(row, "fee")
            for row, at in zip(funding, paid_ns, strict=True):
                if row["instrument"] == i and at <= end:
                    cash += wide(row, "amount")
            for row in borrow:
                if row["instrument"] == i and row["ts_ns"] <= end:
                    cash -= wide(row, "amount")
            owed = 0
            coming = [row for row in borrow if row["instrument"] == i and row["ts_ns"] > end]
            if coming and loans[i][1]:
                since = min(end, int(coming[0]["since_ns"]))
                short = -int(coming[0]["position"])
                # round() of a fraction is half to even.
                owed = round(
                    Fraction(int(mid2[i][k]) * short * (end - since) * loans[i][0], loans[i][1])
                )
            cash -= owed
            total += weight * (10 * cash + 5 * held * int(mid2[i][k]) * scale)
        found.append(total)
    return found


def trips(
    fills: Sequence[Row], decided_ns: Sequence[int]
) -> tuple[list[tuple[int, int, int]], bool]:
    """Of each closed trip: opening decided, closing decided, closing filled; and what is open."""
    changes: list[dict[str, Any]] = []
    for row, decided in zip(fills, decided_ns, strict=True):
        if not changes or changes[-1]["decision"] != row["decision"]:
            changes.append({"decision": row["decision"], "fills": []})
        changes[-1]["fills"].append((int(row["instrument"]), int(row["side"]) * int(row["qty"])))
        changes[-1] |= {"decided": int(decided), "filled": int(row["ts_ns"])}
    held: dict[int, int] = {}
    found, since = [], 0
    for change in changes:
        before = {i: q for i, q in held.items() if q}
        for i, q in change["fills"]:
            held[i] = held.get(i, 0) + q
        after = {i: q for i, q in held.items() if q}
        kept = any(q * after.get(i, 0) > 0 for i, q in before.items())
        if before and not kept:
            found.append((since, change["decided"], change["filled"]))
        if not kept and after:
            since = change["decided"]
    return found, any(held.values())
