"""Gaps of the data over which positions were held: nobody knows what the market did there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from quantlaxmi.counted import literal
from quantlaxmi.run.summary.held import Held, held_positions, utc_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.segment import Gap

#: Held gaps told one by one, the longest first.
MAX_LISTED: Final = 10
#: Positions named that were held over the same gap.
_NAMED: Final = 2


def gap_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield how many of the recorded gaps were held over, then the longest of them, a line a gap.

    A gap concerns an instrument where it names its symbol or none. It is held over where the
    position was not flat at any time between its ends.
    """
    gaps = run.market.gaps
    if not gaps:
        return
    over: dict[int, list[tuple[Held, int]]] = {}
    for held in held_positions(run.records).values():
        for number, gap in enumerate(gaps):
            if gap.symbol in ("", held.instrument.symbol):
                position = held.between(gap.start_ns, gap.end_ns)
                if position:
                    over.setdefault(number, []).append((held, position))
    yield SummaryLine("gaps", "gap[s] of the data [was|were] held over", "", len(over), len(gaps))
    found = sorted(((gaps[k], positions) for k, positions in over.items()), key=_longest_first)
    for gap, positions in found[:MAX_LISTED]:
        yield SummaryLine(
            "gaps",
            f"{literal(_positions_text(positions))} held over a gap of {gap.table or 'all data'}, "
            f"{utc_text(gap.start_ns)} to {utc_text(gap.end_ns)}",
            gap.reason,
            figures={
                "symbol": ", ".join(held.instrument.symbol for held, _ in positions),
                "start_ns": str(gap.start_ns),
                "length_ns": str(gap.end_ns - gap.start_ns),
            },
        )
    if len(found) > MAX_LISTED:
        yield SummaryLine(
            "gaps", "gap[s] held over [is|are] shorter", count=len(found) - MAX_LISTED
        )


def _longest_first(one: tuple[Gap, list[tuple[Held, int]]]) -> int:
    gap, _ = one
    return gap.start_ns - gap.end_ns


def _positions_text(positions: list[tuple[Held, int]]) -> str:
    """``"2 of S was"``, ``"2 of S, -1 of T were"``, or two of many and how many more."""
    texts = [held.text(position) for held, position in positions]
    if len(texts) == 1:
        return f"{texts[0]} was"
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return f"{', '.join(texts[:_NAMED])}{more} were"
