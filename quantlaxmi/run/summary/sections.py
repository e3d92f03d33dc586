"""All sections of a run's summary, in the order in which they are told.

A section is a function from a `FinishedRun` to `SummaryLine`s, in a file of its own; one that has
nothing to say yields nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from quantlaxmi.run.summary.base_fees import base_fee_lines
from quantlaxmi.run.summary.books import book_lines
from quantlaxmi.run.summary.bundles import bundle_lines
from quantlaxmi.run.summary.capital import capital_lines
from quantlaxmi.run.summary.clocks import clock_lines
from quantlaxmi.run.summary.gaps import gap_lines
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.run.summary.margin import margin_lines
from quantlaxmi.run.summary.orders import order_lines
from quantlaxmi.run.summary.settled import settled_lines
from quantlaxmi.run.summary.short_spot import short_spot_lines
from quantlaxmi.run.summary.steps import step_lines

Section = Callable[[FinishedRun], Iterable[SummaryLine]]

SECTIONS: Final[tuple[Section, ...]] = (
    capital_lines,
    margin_lines,
    book_lines,
    gap_lines,
    step_lines,
    order_lines,
    clock_lines,
    bundle_lines,
    settled_lines,
    base_fee_lines,
    short_spot_lines,
)


def summary_lines(run: FinishedRun) -> tuple[SummaryLine, ...]:
    """Return the lines of every section."""
    return tuple(line for section in SECTIONS for line in section(run))
