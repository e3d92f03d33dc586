"""The inputs of an import of bars, one or several files each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.series import Series, Settlements
from quantlaxmi.importers.bars.table import Table
from quantlaxmi.importers.source import ImportedFile, Progress


@dataclass
class BarsInput:
    """One input: its files, and the bars and settlements read from them.

    Attributes
    ----------
    files : list of ImportedFile
        One, or several that follow each other; lines are numbered through them.
    series : list of Series
        Of the legs that it has.
    settlements : Settlements or None
    """

    files: list[ImportedFile]
    series: list[Series]
    settlements: Settlements | None

    @property
    def path(self) -> Path:
        """The first file."""
        return self.files[0].path

    def set_aside(self, lines: dict[int, str], reason: str) -> None:
        """Move lines that were accepted to the quarantine, with all that was read from them."""
        if not lines:
            return
        before, rest = 0, sorted(lines)
        for file in self.files:
            own = [line for line in rest if line <= before + file.lines]
            for line in own:
                file.log.add(line - before, reason, lines[line])
            rest, before = rest[len(own) :], before + file.lines
        gone = np.array(sorted(lines), np.int64)
        for series in self.series:
            series.drop(gone)
        if self.settlements is not None:
            self.settlements.drop(gone)

    def finish(self) -> None:
        """Fill in what became of the lines of each file.

        Raises
        ------
        EngineError
            Bars were lost.
        """
        for file in self.files:
            file.symbol = ", ".join(s.leg.instrument.symbol for s in self.series)
            file.message_lines = file.lines - file.header_lines - len(file.log)
            file.messages_by_kind = self._kinds(file.message_lines)
        n_lines = sum(file.message_lines for file in self.files)
        for series in self.series:
            if len(series) != n_lines:
                raise EngineError(
                    f"{self.path}: {counted(len(series), 'bar[s] [is|are]')} of "
                    f"{counted(n_lines, 'line[s]')}"
                )

    def _kinds(self, n_lines: int) -> dict[str, int]:
        if any(series.leg.is_premium for series in self.series):
            return {"premium": n_lines}
        kinds = {"bars": n_lines * len(self.series)}
        if self.settlements is not None:
            kinds["funding"] = n_lines if not self.series else len(self.settlements)
        return kinds


def fill_in(file: ImportedFile, table: Table) -> None:
    """Fill in a file's record from its table, which was read to its end."""
    file.lines, file.header_lines = table.lines, table.header_lines
    file.raw_bytes, file.text_bytes = table.raw_bytes, table.text_bytes
    file.sha256 = table.sha256


def checked_inputs(
    mapping: BarsMapping, inputs: Sequence[Path | str], underlying: str | None
) -> list[Path]:
    """The files, as many as the mapping speaks of.

    Raises
    ------
    InputError
        There are more or fewer, or the mapping names another underlying.
    """
    for leg in mapping.legs:
        known = (leg.instrument.venue_symbol.upper(), leg.instrument.base.upper())
        if underlying is not None and underlying.upper() not in known:
            problem = f"names {known[0]}; expected {underlying}, as --underlying says"
            raise InputError(mapping.source, problem, f"{leg.instrument.kind.value}.symbol")
    if len(inputs) != mapping.n_inputs:
        problem = f"was given {len(inputs)} times; {mapping.source} names {mapping.n_inputs}"
        raise InputError("--input", problem)
    return [Path(path) for path in inputs]


def progress_reporter(
    paths: Sequence[Path], number: int, progress: Progress | None
) -> Callable[[int], None]:
    """Progress of one file as progress of them all."""

    def size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:
            return 0

    total, before = sum(map(size, paths)), sum(map(size, paths[:number]))

    def report_progress(done: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return report_progress
