"""Files of lines, read one after the other as one source of messages: a `Feed` of the merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from quantlaxmi._ext.message_rows import MessageRows
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.delimited.merge import TABLE_OF, crowded
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportedFile, ImportOptions


@dataclass(kw_only=True)
class LineRecord(ImportedFile):
    """One file of a `LineFeed`; filled while it is read.

    Attributes
    ----------
    first_line : int
        Lines of the feed before it.
    """

    first_line: int = 0


Record = TypeVar("Record", bound=LineRecord)
Rows = TypeVar("Rows", bound=MessageRows)


class LineFeed(Generic[Record, Rows]):
    """Consecutive files of one instrument and table.

    A format gives `begin`, `end` and `finish` what is its own; a line's number in ``rows`` counts
    through all files.

    Parameters
    ----------
    files : list of Record
        In the order of their days.
    rows : Rows
    faults : sequence of str
        Names of the codes that ``rows`` gives.
    expected : str
        What a file has, for messages.
    options : ImportOptions
    together : int
        How many feeds there are.

    Attributes
    ----------
    files : list of Record
    rows : Rows
    symbol : str
    finished : bool
    messages : Counter of str
        Messages in the segment, by table.
    """

    def __init__(
        self,
        files: list[Record],
        rows: Rows,
        faults: Sequence[str],
        expected: str,
        options: ImportOptions,
        together: int,
    ) -> None:
        self.files, self.rows = files, rows
        self.symbol = files[0].symbol
        self._faults, self._expected = faults, expected
        self._window_ns, self._together = options.reorder_window_ns, together
        self._at = -1
        self._source: TextSource | None = None
        self.finished = False
        self.messages: Counter[str] = Counter()

    @property
    def raw_bytes(self) -> int:
        """Read so far, as stored."""
        done = sum(file.raw_bytes for file in self.files)
        return done + (self._source.raw_bytes if self._source is not None else 0)

    def feed(self) -> None:
        """Read the next piece.

        Raises
        ------
        InputError
            The file cannot be read, or has nothing acceptable, or too much of it waits for its
            place in the order.
        """
        if (crowd := self.rows.crowd()) is not None:
            line, limit = crowd
            file = self._file_of(line)
            raise crowded(file.path, line - file.first_line, limit, self._window_ns)
        source = self._source or self._open_next()
        file = self.files[self._at]
        text, end = source.read()
        self.rows.feed(text, end)
        for line, code, detail, excerpt in self.rows.take_faults():
            file.log.add(line - file.first_line, self._faults[code], detail, excerpt)
        if not end:
            return
        file.lines = self.rows.n_lines - file.first_line
        file.reordered = self.rows.n_reordered - file.reordered
        file.raw_bytes, file.text_bytes = source.raw_bytes, source.text_bytes
        file.sha256 = source.sha256
        self.close()
        self.finished = self._at == len(self.files) - 1
        self._end(file)

    def _open_next(self) -> TextSource:
        self._at += 1
        file = self.files[self._at]
        self._source = TextSource(file.path, self._expected, True, self._together)
        file.first_line, file.reordered = self.rows.n_lines, self.rows.n_reordered
        self._begin(file)
        return self._source

    def _begin(self, file: Record) -> None:
        """Prepare the rows for a file."""

    def _end(self, file: Record) -> None:
        """Take from the rows what became of a file, and look whether it is of use."""

    def close(self) -> None:
        """Stop reading."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _file_of(self, line: int) -> Record:
        """The file of a line of the feed."""
        return next(f for f in reversed(self.files[: self._at + 1]) if f.first_line < line)

    def refuse(self, line: int, n_lines: int, code: int, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""
        file = self._file_of(line)
        for k in range(line, line + n_lines):
            file.log.add(k - file.first_line, self._faults[code], detail)

    def count_gap(self, line: int, n_listed: int) -> bool:
        """Count a gap before a line; whether it is listed, when ``n_listed`` are already."""
        self._file_of(line).depth_gaps += 1
        return n_listed < MAX_LISTED_GAPS

    def _check_written(self, table: str, read: int) -> None:
        """All messages that were read, and no other, stand in the segment."""
        written = self.messages[table]
        if written != read or self.messages.total() != written:
            raise EngineError(f"{written} messages of {table} were written, {read} were read")


def no_messages() -> dict[str, int]:
    """A count of 0 for every table."""
    return dict.fromkeys(TABLE_OF.values(), 0)


def check_acceptable(file: ImportedFile, n_messages: int) -> None:
    """Refuse a file of which no message is left.

    Raises
    ------
    InputError
    """
    if n_messages == 0:
        raise InputError(file.path, f"has no acceptable line; {file.log.summary()}")
