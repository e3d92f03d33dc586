"""Gaps of the data over which positions were held: nobody knows what the market did there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from quantlaxmi.run.summary.held import Held, held_positions, utc_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.segment import Gap

#: Held gaps told one by one, the longest first.
MAX_LISTED: Final = 10


def gap_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield how many of the recorded gaps were held over, then the longest of them.

    A gap concerns an instrument where it names its symbol or none. It is held over where the
    position was not flat at any time between its ends.
    """
    gaps = run.market.gaps
    if not gaps:
        return
    found: list[tuple[int, Gap, Held, int]] = []
    seen: set[int] = set()
    for held in held_positions(run.records).values():
        for number, gap in enumerate(gaps):
            if gap.symbol in ("", held.instrument.symbol):
                position = held.between(gap.start_ns, gap.end_ns)
                if position:
                    found.append((gap.end_ns - gap.start_ns, gap, held, position))
                    seen.add(number)
    what = "gap of the data was held over" if len(gaps) == 1 else "gaps of the data were held over"
    yield SummaryLine("gaps", what, "", len(seen), len(gaps))
    found.sort(key=lambda one: -one[0])
    for length, gap, held, position in found[:MAX_LISTED]:
        kind = gap.table or "all data"
        yield SummaryLine(
            "gaps",
            f"{held.text(position)} was held over a gap of {kind}, "
            f"{utc_text(gap.start_ns)} to {utc_text(gap.end_ns)}",
            gap.reason,
            figures={
                "symbol": held.instrument.symbol,
                "start_ns": str(gap.start_ns),
                "length_ns": str(length),
            },
        )
    if len(found) > MAX_LISTED:
        yield SummaryLine("gaps", "gaps held over are shorter", count=len(found) - MAX_LISTED)
