"""Lines of a bars file to bars and funding settlements, or to quarantine.

A line that several mappings share (spot, perpetual and funding of one file) is taken whole or set
aside whole: half of a hedged pair is no pair.

Lines are taken many at once. What is not plain, or not right, or not behind all that came before,
is read again by itself, which decides and words the fault.
"""

from __future__ import annotations

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.cell_checks import Faulty
from quantlaxmi.importers.bars.field_readers import Columns, FundingPart, LegPart, MixedSymbols
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.series import Series, Settlements
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.importers.bars.table import Batch, Row, Table
from quantlaxmi.importers.quarantine import QuarantineLog


class Reading:
    """The reading of one input: of a file, or of several that follow each other.

    Parameters
    ----------
    mapping : BarsMapping
    number : int
        The input's place, from 0.
    store : Store
        Where rows are kept until they are written.

    Attributes
    ----------
    series : list of Series
        Of the legs that stand in it.
    settlements : Settlements or None
    stream : str
        What it is read as.
    alone : bool
        It has funding and no bars.

    Raises
    ------
    InputError
        No table of the mapping names the input.
    """

    def __init__(self, mapping: BarsMapping, number: int, store: Store) -> None:
        self.number = number
        legs = [leg for leg in mapping.read if leg.input == number]
        paid = mapping.funding is not None and mapping.funding.input == number
        names = [leg.key for leg in legs] + ["funding"] * paid
        if not names:
            problem = f"input {number + 1} is used by no table"
            raise InputError(mapping.source, problem, "input")
        self.stream, self.alone = "+".join(names), not legs
        self.series = [Series(leg, store) for leg in legs]
        self.settlements = Settlements(store) if paid else None

    def next_file(self, name: str, before: int) -> None:
        """Go on with another file; the files before it have ``before`` lines."""
        for rows in (*self.series, *([self.settlements] if self.settlements is not None else [])):
            rows.files.append((before, name))


def read_input(table: Table, mapping: BarsMapping, reading: Reading, log: QuarantineLog) -> None:
    """Read one file.

    Parameters
    ----------
    table : Table
    mapping : BarsMapping
    reading : Reading
        Filled.
    log : QuarantineLog

    Raises
    ------
    InputError
        A column is missing, the stamps are in another unit, or two symbols are mixed.
    """
    columns, interval_ns = Columns(table), mapping.interval_ns
    legs = [leg for leg in mapping.read if leg.input == reading.number]
    parts: list[LegPart | FundingPart] = [
        LegPart(leg, columns, interval_ns, series)
        for leg, series in zip(legs, reading.series, strict=True)
    ]
    if mapping.funding is not None and reading.settlements is not None:
        parts.append(
            FundingPart(
                mapping.funding,
                columns,
                mapping.legs[-1],
                reading.alone,
                interval_ns,
                reading.settlements,
            )
        )
    for part in parts:
        part.base = part.rows.files[-1][0] if part.rows.files else 0
    for batch in table.batches(columns.places):
        _take_batch(table, batch, parts, log)


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
    # The first bars are read with care: they begin the grid that the others must follow.
    while at < n and any(isinstance(p, LegPart) and p.series.first_ns < 0 for p in parts):
        kept[at] = _take_row(table, batch, at, parts, log)
        at += 1
    good[:at] = kept[:at]
    ordered = good.copy()
    for part in parts:
        part.check_order(ordered)
    ordered[:at] = 1
    while at < n:
        wrong = ordered[at:] == 0
        k = at + int(wrong.argmax()) if wrong.any() else n
        if k > at:
            kept[at:k] = True
            for part in parts:
                part.reach(k - 1, batch.lines)
        if k < n and _take_row(table, batch, k, parts, log):
            kept[k] = True
            for part in parts:
                part.pass_on(ordered[k + 1 :])
        at = k + 1
    for part in parts:
        part.end_batch(kept, batch.lines)


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
    if fault[0] == "stamp-unit" and row.line == table.first_line:
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
