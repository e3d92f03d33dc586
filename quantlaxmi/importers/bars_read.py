"""Lines of a bars file to bars and funding settlements, or to quarantine.

A line that several mappings share (spot, perpetual and funding of one file) is taken whole or set
aside whole: half of a hedged pair is no pair.

Lines are taken many at once. What is not plain, or not right, or not behind all that came before,
is read again by itself, which decides and words the fault.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars_cells import Faulty, Series, Settlements
from quantlaxmi.importers.bars_mapping import BarsMapping
from quantlaxmi.importers.bars_parts import Columns, FundingPart, LegPart, MixedSymbols
from quantlaxmi.importers.bars_table import Batch, Row, Table
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.spool import Store


def read_input(
    table: Table, mapping: BarsMapping, number: int, log: QuarantineLog, store: Store
) -> tuple[list[Series], Settlements | None]:
    """Read one file.

    Parameters
    ----------
    table : Table
    mapping : BarsMapping
    number : int
        The file's place among the inputs, from 0.
    log : QuarantineLog
    store : Store
        Where rows are kept until they are written.

    Returns
    -------
    list of Series
        Of the legs that stand in this file.
    Settlements or None

    Raises
    ------
    InputError
        A column is missing, the stamps are in another unit, or two symbols are mixed.
    """
    columns = Columns(table)
    legs = [
        LegPart(leg, columns, mapping.interval_ns, store)
        for leg in mapping.legs
        if leg.input == number
    ]
    paid = None
    if mapping.funding is not None and mapping.funding.input == number:
        exponent = mapping.legs[-1].instrument.price_exponent
        paid = FundingPart(mapping.funding, columns, exponent, not legs, mapping.interval_ns, store)
    parts: list[LegPart | FundingPart] = [*legs, *([paid] if paid else [])]
    for batch in table.batches(columns.places):
        _take_batch(table, batch, parts, log)
    return [part.series for part in legs], paid.settlements if paid else None


def _take_batch(
    table: Table, batch: Batch, parts: list[LegPart | FundingPart], log: QuarantineLog
) -> None:
    """Take rows many at once, and one by one where something is the matter."""
    n = len(batch.plain)
    good = batch.plain.copy()
    for part in parts:
        part.columns(batch, good)
    kept = np.zeros(n, np.bool_)
    at = 0
    # The first bars are read with care: they begin the grid that the others are held to.
    while at < n and any(isinstance(p, LegPart) and p.series.first_ns < 0 for p in parts):
        kept[at] = _take_row(table, batch, at, parts, log)
        at += 1
    good[:at] = kept[:at]
    ordered = good.copy()
    for part in parts:
        part.hold_order(ordered)
    ordered[:at] = 1
    while at < n:
        wrong = ordered[at:] == 0
        k = at + int(wrong.argmax()) if wrong.any() else n
        if k > at:
            kept[at:k] = True
            for part in parts:
                part.reach(k - 1, batch.first_line + k - 1)
        if k < n and _take_row(table, batch, k, parts, log):
            kept[k] = True
            for part in parts:
                part.pass_on(ordered[k + 1 :])
        at = k + 1
    lines = np.arange(batch.first_line, batch.first_line + n)
    for part in parts:
        part.end_batch(kept, lines)


def _take_row(
    table: Table, batch: Batch, k: int, parts: list[LegPart | FundingPart], log: QuarantineLog
) -> bool:
    """Read a row with care; False where it was set aside."""
    row = batch.row(k)
    fault = _fault(table, row, parts)
    if fault is None:
        for part in parts:
            part.keep(k, row.line)
        return True
    if fault[0] == "stamp-unit" and row.line == 1 + table.header_lines:
        raise InputError(table.path, fault[1], f"line {row.line}")
    for part in parts:
        if isinstance(part, FundingPart):
            part.lose(k)
    log.add(row.line, fault[0], fault[1], row.excerpt)
    return False


def _fault(table: Table, row: Row, parts: list[LegPart | FundingPart]) -> tuple[str, str] | None:
    """Read a line into the parts; the first fault, or None."""
    for part in parts:
        if isinstance(part, FundingPart):
            part.at_ns = -1
    if row.fault is not None:
        return row.fault
    fault = None
    # Funding is read even after a fault, so that a settlement lost with its line is known.
    for part in parts:
        if fault is not None and isinstance(part, LegPart):
            continue
        try:
            part.read(row.cells)
        except Faulty as error:
            fault = fault or (error.reason, error.detail)
        except MixedSymbols as error:
            raise InputError(table.path, str(error), f"line {row.line}") from None
    if fault is None and row.open_end:
        return "half-line", "has no newline, so that its last cell may be cut"
    return fault
