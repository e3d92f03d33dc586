"""Splitting a segment between messages, by rows or by UTC day; numbers of messages stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.files import staged_directory
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.manifest import Gap, Parent
from quantlaxmi.segment.read import Segment, open_segment, require_sealed
from quantlaxmi.segment.rows import Columns
from quantlaxmi.segment.write import SegmentWriter

MAX_PARTS = 10_000
_DAY_NS = 86_400 * 10**9


def split_segment(
    segment: Segment, out: Path | str, *, rows: int | None = None, by_day: bool = False
) -> tuple[Segment, ...]:
    """Split a segment into parts that are segments themselves.

    Parts are cut between messages and keep the messages' numbers, the instruments, sources and
    notes, and the gaps that touch them. Each names its parent's digest and its range in its
    manifest. What the importer counted (quarantined lines) stays with the parent.

    Parameters
    ----------
    segment : Segment
    out : Path or str
        A folder to make; it gets one folder a part: ``part-0000`` and so on, or ``2024-08-08``.
        It appears whole or not at all.
    rows : int, optional
        Most rows of a part, over all tables; a message that has more is a part by itself.
    by_day : bool
        Cut where the UTC day of the receive time changes. Exactly one of the two is given.

    Returns
    -------
    tuple of Segment
        The parts, in the order of their messages.

    Raises
    ------
    InputError
        ``out`` exists, the segment is empty, or there would be more than 10 000 parts.
    SegmentError
        It is no sealed segment.
    SegmentCorrupt
        The segment's columns were changed.

    Examples
    --------
    >>> from quantlaxmi.segment import open_segment
    >>> parts = split_segment(open_segment("data/planted"), "parts", rows=10_000)
    >>> [part.n_rows <= 10_000 for part in parts]
    [True, True, True]
    """
    out, segment = Path(out), require_sealed(segment)
    if (rows is None) == (not by_day):
        raise InputError(out, "a split is either by rows or by day")
    if rows is not None and rows < 1:
        raise InputError(out, f"rows was {rows}, expected 1 or more", "rows")
    if not segment.n_messages:
        raise InputError(segment.path, "has no messages to split")
    tables = {table: segment.columns(table) for table in TABLES}
    cuts = _cuts_by_rows(tables, rows) if rows is not None else _cuts_by_day(tables)
    rule = f"rows={rows}" if rows is not None else "by_day"
    names: list[str] = []
    with staged_directory(out) as folder:
        for k, (first, stop) in enumerate(cuts):
            if k == MAX_PARTS:
                raise InputError(out, f"would have more than {MAX_PARTS} parts")
            part = {table: _between(columns, first, stop) for table, columns in tables.items()}
            name = f"part-{k:04d}" if rows is not None else _day(part)
            _write_part(segment, folder / name, part, rule)
            names.append(name)
    return tuple(open_segment(out / name, verify="manifest") for name in names)


def _between(columns: Columns, first: int, stop: int) -> Columns:
    start, end = np.searchsorted(columns["seq"], [first, stop])
    return {name: column[start:end] for name, column in columns.items()}


def _span(tables: dict[str, Columns], name: str) -> tuple[int, int]:
    """First and last of an ascending column over all tables that have rows."""
    filled = [columns[name] for columns in tables.values() if len(columns[name])]
    return min(int(c[0]) for c in filled), max(int(c[-1]) for c in filled)


def _cuts_by_rows(tables: dict[str, Columns], rows: int) -> Iterator[tuple[int, int]]:
    def before(seq: int) -> int:
        return sum(int(np.searchsorted(columns["seq"], seq)) for columns in tables.values())

    first, last = _span(tables, "seq")
    while first <= last:
        done = before(first)
        low, high = first + 1, last + 1  # the largest stop in low..high with few enough rows
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if before(middle) - done <= rows else (low, middle - 1)
        if before(low) > done:  # numbers may be missing; a part is never empty
            yield first, low
        first = low


def _cuts_by_day(tables: dict[str, Columns]) -> Iterator[tuple[int, int]]:
    first, last = _span(tables, "seq")
    while first <= last:
        rest = {table: _between(columns, first, last + 1) for table, columns in tables.items()}
        day_end = (_span(rest, "ts_ns")[0] // _DAY_NS + 1) * _DAY_NS
        stop = last + 1
        for columns in rest.values():
            at = int(np.searchsorted(columns["ts_ns"], day_end))
            if at < len(columns["seq"]):
                stop = min(stop, int(columns["seq"][at]))
        yield first, stop
        first = stop


def _day(part: dict[str, Columns]) -> str:
    first_ns = _span(part, "ts_ns")[0]
    return datetime.fromtimestamp(first_ns // 10**9, UTC).strftime("%Y-%m-%d")


def _write_part(segment: Segment, path: Path, part: dict[str, Columns], rule: str) -> None:
    manifest = segment.manifest
    first_seq, last_seq = _span(part, "seq")
    first_ns, last_ns = _span(part, "ts_ns")
    parent = Parent(
        segment_id=segment.segment_id,
        digest=segment.digest,
        manifest_sha256=manifest.manifest_sha256,
        first_seq=first_seq,
        last_seq=last_seq,
        rule=rule,
    )

    def touches(gap: Gap) -> bool:
        return gap.start_ns <= last_ns and gap.end_ns >= first_ns

    with SegmentWriter(
        path,
        venue=manifest.venue,
        instruments=manifest.instruments,
        sources=manifest.sources,
        cadence=segment.cadence,
    ) as writer:
        for table, columns in part.items():
            writer.append(table, columns)
        gaps = filter(touches, manifest.gaps)
        writer.seal(gaps=gaps, notes=manifest.notes, parent=parent)
