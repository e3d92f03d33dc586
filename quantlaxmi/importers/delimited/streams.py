"""Consecutive CSV files of one instrument and layout, read as one source of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quantlaxmi._ext.csv_fields import FAULTS, ROLES
from quantlaxmi._ext.csv_rows import GROUPINGS, CsvRows
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.delimited.layout import APART_NS, CsvFile
from quantlaxmi.importers.delimited.line_feed import (
    LineFeed,
    LineRecord,
    check_acceptable,
    no_messages,
)
from quantlaxmi.importers.delimited.merge import TABLE_OF
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportOptions

#: Faults of lines that are no settlement, or one that is told twice.
NO_SETTLEMENT = ("empty-line", "comment-line", "wrong-symbol", "duplicate-id")
_EXPECTED = "comma-separated values"


@dataclass(kw_only=True)
class CsvRecord(LineRecord):
    """One file of a `CsvStream`; filled while it is read.

    Attributes
    ----------
    csv : CsvFile
    messages_read, lines_read : int
        Messages, and lines of them, that could be read.
    messages_refused, lines_refused : int
        Those that only the final order showed to be faulty.
    """

    csv: CsvFile
    messages_read: int = 0
    lines_read: int = 0
    messages_refused: int = 0
    lines_refused: int = 0

    @property
    def n_messages(self) -> int:
        """Messages in the segment."""
        return self.messages_read - self.messages_refused + self.voids


class CsvStream(LineFeed[CsvRecord, CsvRows]):
    """Files of one instrument and layout, read one after the other.

    Parameters
    ----------
    files : sequence of CsvFile
        In the order of their first receive times.
    instrument : int
        Number in the segment.
    options : ImportOptions
    together : int
        How many streams there are.

    Attributes
    ----------
    table : str
    number : int
        Of the instrument in the segment.

    The others are those of `LineFeed`.
    """

    def __init__(
        self,
        files: Sequence[CsvFile],
        instrument: int,
        options: ImportOptions,
        together: int = 1,
    ) -> None:
        first = files[0]
        layout = first.layout
        self.table, self.number = TABLE_OF[layout.kind], instrument
        records = [
            CsvRecord(
                path=file.path,
                log=QuarantineLog(file.path, layout.name, options.strict, n_shown=5),
                symbol=first.instrument.symbol,
                csv=file,
            )
            for file in files
        ]
        rows = CsvRows(
            str(first.path),
            options.reorder_window_ns,
            instrument=instrument,
            rank=int(layout.kind),
            grouping=GROUPINGS[layout.grouping],
            price_exponent=first.instrument.price_exponent,
            qty_exponent=first.instrument.qty_exponent,
            units=layout.units,
            apart_ns=APART_NS,
            fine_ends=first.fine_ends,
            snapshots=layout.snapshots,
            numbered=layout.numbered,
            stamp_is_exchange=layout.stamp_is_exchange,
            follow=first.follow,
            ids=layout.ids,
            count_trades=layout.count_trades,
        )
        super().__init__(records, rows, FAULTS, _EXPECTED, options, together)

    def _begin(self, file: CsvRecord) -> None:
        csv = file.csv
        file.voids, file.one_sided = self.rows.n_voids, self.rows.n_one_sided
        file.rounded = self.rows.n_rounded
        self.rows.begin(
            str(file.path), csv.columns, csv.check_text, csv.head.n_header, csv.day_from, csv.day_to
        )

    def _end(self, file: CsvRecord) -> None:
        rows = self.rows
        file.header_lines = rows.n_header
        file.messages_read, file.lines_read = rows.n_read, rows.n_read_lines
        file.voids = rows.n_voids - file.voids
        file.one_sided = rows.n_one_sided - file.one_sided
        file.rounded = rows.n_rounded - file.rounded
        if self.finished and all(one.is_empty for one in self.files):
            raise InputError(self.files[0].path, "has no line behind its header")
        if not file.is_empty:
            check_acceptable(file, file.messages_read)

    def refuse(self, line: int, n_lines: int, code: int, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""
        super().refuse(line, n_lines, code, detail)
        file = self._file_of(line)
        file.messages_refused += 1
        file.lines_refused += n_lines

    def count_gap(self, line: int, n_listed: int) -> bool:
        """Count a gap before a line; whether it is listed."""
        if self.table == "depth":
            return super().count_gap(line, n_listed)
        self._file_of(line).trade_gaps += 1
        return n_listed < MAX_LISTED_GAPS

    def finish(self) -> None:
        """Fill in what became of the lines.

        Raises
        ------
        InputError
            Of a file no message is left.
        EngineError
            Messages were lost.
        """
        for file in self.files:
            file.message_lines = file.lines_read - file.lines_refused
            if file.csv.layout.name == "fundingRate":
                reasons = file.log.reasons()
                file.lost_settlements = reasons.total() - sum(reasons[r] for r in NO_SETTLEMENT)
            file.messages_by_kind = no_messages() | {self.table: file.n_messages}
            if not file.is_empty:
                check_acceptable(file, file.messages_read - file.messages_refused)
        self._check_written(self.table, sum(file.n_messages for file in self.files))


def make_streams(
    files: Sequence[CsvFile], instruments: Sequence[str], options: ImportOptions
) -> list[CsvStream]:
    """Group files by instrument and layout, each group in the order of the first receive times.

    Parameters
    ----------
    files : sequence of CsvFile
    instruments : sequence of str
        Symbols by their number in the segment.
    options : ImportOptions

    Raises
    ------
    InputError
        Two layouts of one instrument tell the same, or there are too many groups.
    """
    groups: dict[tuple[int, str], list[CsvFile]] = {}
    for file in files:
        key = (instruments.index(file.instrument.symbol), file.layout.name)
        groups.setdefault(key, []).append(file)
    contents: dict[tuple[int, str], CsvFile] = {}
    for (number, _), members in sorted(groups.items()):
        told = members[0].layout.content
        other = contents.setdefault((number, told), members[0]) if told else members[0]
        if other is not members[0]:
            raise InputError(
                members[0].path,
                f"has {members[0].layout.name} of {instruments[number]}, which repeat "
                f"the {other.layout.name} of {other.path.name}; expected one of them",
            )
    if len(groups) > 64:
        raise InputError(
            "import", f"has {counted(len(groups), 'kind[s]')} of file; expected at most 64"
        )
    return [
        CsvStream(sorted(members, key=_first_stamp), number, options, len(groups))
        for (number, _), members in sorted(groups.items())
    ]


def _first_stamp(file: CsvFile) -> tuple[int, str]:
    """Receive time of the first line that can be read, in ns, to order files by."""
    at = next(k for k, column in enumerate(file.columns) if column[1] == ROLES["received"])
    for row in file.head.rows:
        text = row[at] if len(row) == len(file.columns) else ""
        seconds, point, _ = text.partition(".")
        if seconds.isascii() and seconds.isdigit() and len(seconds) == 10:
            return int(seconds) * 10**9, file.path.name
        if not point and text.isascii() and text.isdigit() and 12 <= len(text) <= 19:
            value = int(text)
            for limit, unit in ((10**14, 10**6), (10**17, 10**3), (10**20, 1)):
                if value < limit:
                    return value * unit, file.path.name
    return file.day_from, file.path.name
