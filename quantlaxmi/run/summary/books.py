"""Instruments of a run on which little or nothing can be traded, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from quantlaxmi.counted import literal
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.segment.books import book_counts, market_problems, traded_books

#: Sentences told; the rest is counted.
MAX_LISTED: Final = 10


def book_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield why orders on an instrument cannot be filled, or mostly cannot."""
    counts = traded_books(book_counts(run.market), run.market.instruments)
    found = market_problems(counts, run.market.cadence)
    for sentence in found[:MAX_LISTED]:
        what, _, cause = sentence.partition(": ")
        yield SummaryLine("books", literal(what), cause)
    if len(found) > MAX_LISTED:
        more = len(found) - MAX_LISTED
        yield SummaryLine("books", "further sentence[s] of this kind", count=more)
