"""The venue's clock: how far it was ahead, and which trades it kept from resting orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.records import VenueClock
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine

#: Instruments told one by one; the rest is one line.
MAX_INSTRUMENTS: Final = 12


def clock_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield, for each instrument with orders, what its stamps say where they say anything.

    One that is stamped by the receive clock has no line unless a trade was kept from an order.
    """
    records = run.records
    by_stamps = run.config.costs.trade_clock == "exchange"
    judged = "trades on resting orders and settlements" if by_stamps else "settlements"
    ordered = np.unique(records.orders["instrument"]).tolist()
    found = [
        (records.instruments[i].symbol, records.venue_clocks[i])
        for i in ordered
        if records.venue_clocks[i].offset_ns != 0 or records.venue_clocks[i].n_over
    ]
    for symbol, clock in found[:MAX_INSTRUMENTS]:
        yield _offset_line(symbol, clock, judged)
        if clock.n_over:
            yield SummaryLine(
                "clocks",
                "trades were over when the resting order at their price arrived",
                f"{symbol}, by exchange stamps; they did nothing for it",
                clock.n_over,
                clock.n_met,
            )
    if len(found) > MAX_INSTRUMENTS:
        yield SummaryLine(
            "clocks",
            "further instruments have clocks of their own",
            "",
            len(found[MAX_INSTRUMENTS:]),
        )


def _offset_line(symbol: str, clock: VenueClock, judged: str) -> SummaryLine:
    if clock.offset_ns is None:
        why = "trades on resting orders and settlements go by receive time"
        return SummaryLine("clocks", f"{symbol} has no exchange stamps", why)
    ms = decimal_text(abs(clock.offset_ns), -6)
    where = "ahead of" if clock.offset_ns >= 0 else "behind"
    return SummaryLine(
        "clocks",
        f"the venue's clock of {symbol} was {ms} ms {where} the receive clock",
        f"by its largest exchange stamp; {judged} go by it",
        figures={"offset_ns": str(clock.offset_ns)},
    )
