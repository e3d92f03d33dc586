"""Settlements that only faulty lines announce: by lists and sets."""

from __future__ import annotations

import re

#: Faults of lines that name no settlement, or one that is told twice.
SILENT = ("empty-line", "comment-line", "wrong-symbol", "duplicate-id")


def named(layout: str, lines: list[bytes], faults: list[tuple[int, str]]) -> set[int]:
    """Settlement times of faulty lines."""
    found = set()
    for number, reason in faults:
        cells = lines[number - 1].decode("utf-8", "backslashreplace").split(",")
        due = cells[4] if layout == "derivative_ticker" and len(cells) > 4 else ""
        silent = reason in ("empty-line", "comment-line", "wrong-symbol")
        if len(due) == 16 and due.isascii() and due.isdigit() and not silent:
            found.add(1000 * int(due))
    return found


def named_by_marks(lines: list[bytes], faults: list[tuple[int, str]]) -> set[int]:
    """Settlement times of faulty mark prices of a websocket capture."""
    found = set()
    for number, reason in faults:
        line = lines[number - 1]
        if b"markPrice" in line and reason not in SILENT:
            times = re.findall(rb'"T"\s*:\s*"?([0-9]+)', line)
            found |= {10**6 * int(ms) for ms in times if len(ms) == 13}
    return found


def lost_settlements(
    faulty: set[int], instrument: int, tables: dict[str, dict[str, list[int]]]
) -> list[tuple[str, int, int, int]]:
    """Gaps at those times within the data that no row of the instrument announces."""
    times = [at for table in tables.values() for at in table["ts_ns"]]
    funding = tables["funding"]
    pairs = zip(funding["instrument"], funding["next_funding_ns"], strict=True)
    known = {due for number, due in pairs if number == instrument}
    within = {at for at in faulty if times and min(times) <= at <= max(times)}
    return [("funding", -1, at, at) for at in sorted(within - known)]
