"""The venue's clock: how far it was ahead, and which trades it kept from resting orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted, literal
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import InstrumentKind, OrderType, TimeInForce

#: Clocks told one by one; the rest is one line.
MAX_INSTRUMENTS: Final = 12
#: Instruments of one clock that have a line each; more of them share one.
MOST_ALONE: Final = 2


def clock_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield, for each instrument with orders, what its stamps say where they say anything.

    One that is stamped by the receive clock has no line unless a trade was kept from an order. A
    line says what goes by the clock: trades where an order could rest, settlements of a perpetual.
    Contracts of a chain have one clock, and one line.
    """
    records = run.records
    by_stamps = run.config.costs.trade_clock == "exchange"
    ordered = np.unique(records.orders["instrument"]).tolist()
    found = [
        (i, records.instruments[i].symbol, records.venue_clocks[i])
        for i in ordered
        if records.venue_clocks[i].offset_ns != 0 or records.venue_clocks[i].n_over
    ]
    alike: dict[tuple[int | None, str], list[str]] = {}
    for i, symbol, clock in found:
        by_trades = _can_rest(records.orders, i) and (by_stamps or clock.offset_ns is None)
        judged = ["trades on resting orders"] if by_trades else []
        if records.instruments[i].kind == InstrumentKind.PERP:
            judged.append("settlements")
        if judged or clock.offset_ns is not None:
            alike.setdefault((clock.offset_ns, " and ".join(judged)), []).append(symbol)
    groups = list(alike.items())
    for (offset_ns, judged_by), symbols in groups[:MAX_INSTRUMENTS]:
        if len(symbols) <= MOST_ALONE:
            yield from (_offset_line(literal(one), offset_ns, judged_by) for one in symbols)
        else:
            many = f"{counted(len(symbols), 'instrument[s]')}, such as {literal(symbols[0])},"
            yield _offset_line(many, offset_ns, judged_by)
    over = [(symbol, clock) for _, symbol, clock in found if clock.n_over]
    for symbol, clock in over[:MAX_INSTRUMENTS]:
        yield SummaryLine(
            "clocks",
            "trade[s] [was|were] over when the resting order at [its|their] price arrived",
            f"{symbol}, by exchange stamps; nothing was done for it",
            clock.n_over,
            clock.n_met,
        )
    untold = {symbol for _, symbols in groups[MAX_INSTRUMENTS:] for symbol in symbols}
    untold |= {symbol for symbol, _ in over[MAX_INSTRUMENTS:]}
    if untold:
        yield SummaryLine(
            "clocks",
            "further instrument[s] [has a clock of its|have clocks of their] own",
            "",
            len(untold),
        )


def _can_rest(orders: NDArray[Any], instrument: int) -> bool:
    """Whether an order of the instrument could rest."""
    mine = orders[orders["instrument"] == instrument]
    limits = mine["order_type"] == OrderType.LIMIT
    return bool((limits & (mine["time_in_force"] != TimeInForce.IOC)).any())


def _offset_line(whose: str, offset_ns: int | None, judged: str) -> SummaryLine:
    if offset_ns is None:
        why = f"{judged} go by receive time"
        has = "have" if whose.endswith(",") else "has"
        return SummaryLine("clocks", f"{whose} {has} no exchange stamps", why)
    ms = decimal_text(abs(offset_ns), -6)
    where = "ahead of" if offset_ns >= 0 else "behind"
    return SummaryLine(
        "clocks",
        f"the venue's clock of {whose} was {ms} ms {where} the receive clock",
        "by its largest exchange stamp" + (f"; {judged} go by it" if judged else ""),
        figures={"offset_ns": str(offset_ns)},
    )
