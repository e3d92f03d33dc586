"""The venue's clock: how far it was ahead, and which trades it kept from resting orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import literal
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.records import VenueClock
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import InstrumentKind, OrderType, TimeInForce

#: Instruments told one by one; the rest is one line.
MAX_INSTRUMENTS: Final = 12


def clock_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield, for each instrument with orders, what its stamps say where they say anything.

    One that is stamped by the receive clock has no line unless a trade was kept from an order. A
    line says what goes by the clock: trades where an order could rest, settlements of a perpetual.
    """
    records = run.records
    by_stamps = run.config.costs.trade_clock == "exchange"
    ordered = np.unique(records.orders["instrument"]).tolist()
    found = [
        (i, records.instruments[i].symbol, records.venue_clocks[i])
        for i in ordered
        if records.venue_clocks[i].offset_ns != 0 or records.venue_clocks[i].n_over
    ]
    for i, symbol, clock in found[:MAX_INSTRUMENTS]:
        by_trades = _can_rest(records.orders, i) and (by_stamps or clock.offset_ns is None)
        judged = ["trades on resting orders"] if by_trades else []
        if records.instruments[i].kind == InstrumentKind.PERP:
            judged.append("settlements")
        if judged or clock.offset_ns is not None:
            yield _offset_line(symbol, clock, " and ".join(judged))
        if clock.n_over:
            yield SummaryLine(
                "clocks",
                "trade[s] [was|were] over when the resting order at [its|their] price arrived",
                f"{symbol}, by exchange stamps; nothing was done for it",
                clock.n_over,
                clock.n_met,
            )
    if len(found) > MAX_INSTRUMENTS:
        yield SummaryLine(
            "clocks",
            "further instrument[s] [has a clock of its|have clocks of their] own",
            "",
            len(found[MAX_INSTRUMENTS:]),
        )


def _can_rest(orders: NDArray[Any], instrument: int) -> bool:
    """Whether an order of the instrument could rest."""
    mine = orders[orders["instrument"] == instrument]
    limits = mine["order_type"] == OrderType.LIMIT
    return bool((limits & (mine["time_in_force"] != TimeInForce.IOC)).any())


def _offset_line(symbol: str, clock: VenueClock, judged: str) -> SummaryLine:
    if clock.offset_ns is None:
        why = f"{judged} go by receive time"
        return SummaryLine("clocks", f"{literal(symbol)} has no exchange stamps", why)
    ms = decimal_text(abs(clock.offset_ns), -6)
    where = "ahead of" if clock.offset_ns >= 0 else "behind"
    return SummaryLine(
        "clocks",
        f"the venue's clock of {literal(symbol)} was {ms} ms {where} the receive clock",
        "by its largest exchange stamp" + (f"; {judged} go by it" if judged else ""),
        figures={"offset_ns": str(clock.offset_ns)},
    )
