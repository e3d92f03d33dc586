"""Settlements of which no announcement could be read: gaps of table ``funding``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.importers.delimited.streams import NO_SETTLEMENT
from quantlaxmi.importers.quarantine import Fault
from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportedFile, Tables
from quantlaxmi.segment.manifest import Gap

#: Most settlements of one instrument: those of fifteen years, one an hour.
MAX_SETTLEMENTS: Final = 1 << 17
_NONE: Final = np.empty(0, np.int64)
#: What an excerpt has of a line, in bytes: its last cell may be cut.
_EXCERPT = 160


class Announced:
    """Settlement times that the rows of a segment announce, by instrument.

    Many lines announce one settlement, and one good line is enough: only a settlement that is
    named by faulty lines alone, at a time within the data, is missing.

    Parameters
    ----------
    files : mapping of int to Path
        A file of each instrument that has announcements, for errors.
    """

    def __init__(self, files: Mapping[int, Path]) -> None:
        self._files = files
        self._known: dict[int, NDArray[np.int64]] = {}
        self._first_ns = self._last_ns = -1

    def add(self, tables: Tables) -> None:
        """Note what a batch of rows announces, and its times.

        Raises
        ------
        InputError
            An instrument has more settlements than any market: memory stays bounded.
        """
        for columns in tables.values():
            times = columns["ts_ns"]
            if len(times):
                low, high = int(times.min()), int(times.max())
                self._first_ns = low if self._first_ns < 0 else min(self._first_ns, low)
                self._last_ns = max(self._last_ns, high)
        if "funding" not in tables:
            return
        funding = tables["funding"]
        for number in np.unique(funding["instrument"]).tolist():
            own = funding["next_funding_ns"][funding["instrument"] == number]
            known = np.union1d(self._known.get(number, _NONE), own)
            if len(known) > MAX_SETTLEMENTS:
                problem = f"announces more than {MAX_SETTLEMENTS:,} settlements of one instrument"
                raise InputError(self._files[number], f"{problem}; expected one an hour at most")
            self._known[number] = known

    def lost(self, number: int, faulty: Iterable[int]) -> list[int]:
        """Those of the settlement times of faulty lines that are missing, ascending."""
        known = self._known.get(number, _NONE)
        within = {at for at in faulty if self._first_ns <= at <= self._last_ns}
        return sorted(within.difference(known.tolist()))


def settlement_gaps(
    announced: Announced, found: Iterable[tuple[int, ImportedFile, Iterable[int]]]
) -> Iterator[Gap]:
    """Gaps of the settlements that are missing; each file learns how many it lost.

    Parameters
    ----------
    announced : Announced
        Of all rows.
    found : iterable of (int, ImportedFile, iterable of int)
        Number of an instrument, a file of it, and the settlement times that the file's faulty
        lines name.
    """
    told: set[tuple[int, int]] = set()
    for number, file, faulty in found:
        lost = announced.lost(number, faulty)
        file.lost_settlements = len(lost)
        for at_ns in lost[:MAX_LISTED_GAPS]:
            if (number, at_ns) not in told:
                told.add((number, at_ns))
                yield Gap(
                    table="funding",
                    symbol=file.symbol,
                    start_ns=at_ns,
                    end_ns=at_ns,
                    reason="a settlement is missing: no announcement of it could be read",
                )


def times_of_cells(faults: Sequence[Fault], column: int) -> set[int]:
    """Settlement times that faulty lines of a CSV file name, in ns since 1970.

    Parameters
    ----------
    faults : sequence of Fault
    column : int
        Of the settlement time, from 0; a number of microseconds.
    """
    found = set()
    for fault in faults:
        if fault.excerpt is None or fault.reason in NO_SETTLEMENT:
            continue
        cells = fault.excerpt.split(",")
        whole = len(cells) - (len(fault.excerpt) >= _EXCERPT)
        text = cells[column] if column < whole else ""
        if text.isascii() and text.isdigit() and len(text) == 16:
            found.add(int(text) * 1000)
    return found
