"""Inputs of bars as one source: all lines are read before the first row is made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.funding import (
    check_lost,
    check_settlements,
    missing_settlements,
    set_marks,
)
from quantlaxmi.importers.bars.inputs import BarsInput
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.messages import BarTables
from quantlaxmi.importers.bars.notes import bars_notes, rounding_notes
from quantlaxmi.importers.bars.premium_index import IndicativeRates, missing_rates
from quantlaxmi.importers.bars.series import Series, partial_lines
from quantlaxmi.importers.bars.sessions import GapRule, NextBar, Sessions, check_calendar
from quantlaxmi.importers.bars.spool import Store, chunks
from quantlaxmi.importers.pipeline import check_copies
from quantlaxmi.importers.source import (
    MAX_LISTED_GAPS,
    ImportedFile,
    ImportOptions,
    Source,
    Tables,
)
from quantlaxmi.importers.tick_sizes import with_steps
from quantlaxmi.segment.manifest import Gap


@dataclass
class Bars:
    """Inputs of bars, read to their ends.

    Attributes
    ----------
    mapping : BarsMapping
        With the interval, which some formats learn from the data.
    inputs : list of BarsInput
    rates : IndicativeRates or None
        By the premium index, where the mapping names one.
    notes : list of str
        What else a reader should know.
    """

    mapping: BarsMapping
    inputs: list[BarsInput]
    rates: IndicativeRates | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[ImportedFile]:
        """The files of all inputs."""
        return [file for one in self.inputs for file in one.files]

    @property
    def legs(self) -> dict[str, tuple[Series, BarsInput]]:
        """Bars and their input, by the name of their table in the mapping."""
        return {series.leg.key: (series, one) for one in self.inputs for series in one.series}

    @property
    def paid(self) -> BarsInput | None:
        """The input that has funding settlements."""
        return next((one for one in self.inputs if one.settlements is not None), None)


def bars_source(
    mapping: BarsMapping,
    read: Callable[[Store], Bars],
    options: ImportOptions,
    store_in: Callable[[Path], Store] = Store,
) -> Source:
    """Bars as a source.

    Parameters
    ----------
    mapping : BarsMapping
    read : callable
        Reads all inputs; rows wait in the given store until they are written.
    options : ImportOptions
    store_in : callable
        Makes that store, in a folder.
    """
    if mapping.calendar:
        check_calendar(mapping.source, mapping.calendar)
    source = Source(
        venue=mapping.venue,
        cadence="bars",
        instruments=[leg.instrument for leg in mapping.legs],
        tables=lambda folder: _tables(store_in(folder), read, options, source),
    )
    return source


def _tables(
    stored: Store, read: Callable[[Store], Bars], options: ImportOptions, source: Source
) -> Generator[Tables, None, None]:
    """Yield the rows of bars and settlements in order, and fill in the source.

    Raises
    ------
    InputError
        A file has no bars or too many faulty lines, or the two legs' bars do not begin on one grid.
    """
    with stored as store:
        bars = read(store)
        source.files += bars.files
        check_copies(bars.files)
        _set_partial_bars_aside(bars)
        _check_legs(bars, options.max_quarantine)
        _check_schedule(bars)
        n_own_marks = _mark_settlements(bars)
        for file in bars.files:  # where too much of a file is faulty, that is said
            _check_file(file, options.max_quarantine)
        _check_lost_settlements(bars, options.max_quarantine)
        for one in bars.inputs:
            one.finish()
        legs = [bars.legs[leg.key] for leg in bars.mapping.legs]
        all_series = [series for series, _ in legs]
        first_ns = min(series.first_ns for series in all_series)
        lots = [with_steps(instrument, first_ns).lot for instrument in source.instruments]
        settlements = bars.paid.settlements if bars.paid is not None else None
        made = BarTables(
            all_series,
            settlements,
            bars.rates,
            [one.path for _, one in legs],
            lots,
            MAX_LISTED_GAPS,
            _gap_rule(bars.mapping, all_series),
        )
        yield from made.tables()
        source.gaps, n_gaps = _gaps(bars, made, all_series[-1])
        n_settlements = len(settlements) if settlements is not None else 0
        source.notes += bars_notes(
            bars.mapping, lots, made.widest, n_settlements, n_own_marks, n_gaps
        )
        source.notes += [*rounding_notes(all_series, settlements), *bars.notes]


def _gap_rule(mapping: BarsMapping, all_series: Sequence[Series]) -> GapRule:
    if not mapping.calendar:
        return (NextBar if mapping.next_bar else GapRule)(mapping.interval_ns)
    first_ns = min(series.first_ns for series in all_series)
    last_ns = max(series.last_ns for series in all_series)
    return Sessions(mapping.source, mapping.calendar, mapping.interval_ns, first_ns, last_ns)


def _set_partial_bars_aside(bars: Bars) -> None:
    """Set bars aside whose close is too far from the next open, where the mapping says how far."""
    mapping = bars.mapping
    if mapping.max_jump_bps is None:
        return
    for one in bars.inputs:
        found: dict[int, str] = {}
        for series in (s for s in one.series if not s.leg.is_premium):
            found = partial_lines(series, mapping.interval_ns, mapping.max_jump_bps) | found
        one.set_aside(found, "partial-bar")


def _check_legs(bars: Bars, max_quarantine: Fraction) -> None:
    """Refuse a leg without bars, and legs whose bars begin on different grids."""
    interval_ns, legs = bars.mapping.interval_ns, bars.legs
    first, first_input = legs[bars.mapping.legs[0].key]
    for series, one in (legs[leg.key] for leg in bars.mapping.read):
        if not len(series):
            for file in one.files:
                _check_file(file, max_quarantine)
            raise InputError(one.path, f"has no bar of {series.leg.instrument.symbol}")
        if apart := abs(series.first_ns - first.first_ns) % interval_ns:
            problem = f"its bars begin {apart // 10**9} s off those of {first_input.path.name}"
            raise InputError(one.path, f"{problem}; expected one grid of {interval_ns // 10**9} s")


def _check_schedule(bars: Bars) -> None:
    """Refuse settlements off their schedule."""
    paid, funding = bars.paid, bars.mapping.funding
    if paid is not None and paid.settlements is not None and funding is not None:
        check_settlements(paid.settlements, funding, paid.path)


def _check_lost_settlements(bars: Bars, max_quarantine: Fraction) -> None:
    """Refuse settlements that were set aside, which the default share forgives never."""
    mapping, paid = bars.mapping, bars.paid
    if paid is not None and paid.settlements is not None and mapping.funding is not None:
        perp, _ = bars.legs[mapping.legs[-1].key]
        check_lost(paid.settlements, perp, mapping.interval_ns, max_quarantine, paid.path)


def _mark_settlements(bars: Bars) -> int:
    """Give each settlement a mark price; return how many had one of their own."""
    paid = bars.paid
    if paid is None or paid.settlements is None:
        return 0
    settlements, n_own_marks = paid.settlements, 0
    for start, stop in chunks(len(settlements)):
        n_own_marks += int(np.count_nonzero(settlements.column("mark")[start:stop]))
    perp, _ = bars.legs[bars.mapping.legs[-1].key]
    paid.set_aside(set_marks(settlements, perp, bars.mapping.interval_ns), "no-mark")
    return n_own_marks


def _check_file(file: ImportedFile, max_quarantine: Fraction) -> None:
    if file.lines == file.header_lines:
        raise InputError(file.path, "has no line below its header; expected bars")
    file.check_share(max_quarantine)


def _gaps(bars: Bars, made: BarTables, perp: Series) -> tuple[list[Gap], int]:
    """Gaps to list, and how many there are: bars, then settlements, then indicative rates."""
    gaps, n_gaps = list(chain(*made.gaps)), made.n_gaps
    missing: list[Iterator[Gap]] = []
    mapping, paid = bars.mapping, bars.paid
    if mapping.funding is not None and paid is not None and paid.settlements is not None:
        missing.append(missing_settlements(paid.settlements, mapping.funding.every_ns, perp))
    if bars.rates is not None:
        symbol, interval_ns = perp.leg.instrument.symbol, mapping.interval_ns
        first_ns, last_ns = made.first_ns, made.last_ns
        missing.append(missing_rates(bars.rates, symbol, interval_ns, first_ns, last_ns))
    for gap in chain(*missing):
        n_gaps += 1
        if len(gaps) < MAX_LISTED_GAPS:
            gaps.append(gap)
    return gaps[:MAX_LISTED_GAPS], n_gaps
