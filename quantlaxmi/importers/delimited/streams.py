"""Consecutive CSV files of one instrument and layout, read as one source of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from quantlaxmi._ext.csv_fields import FAULTS, ROLES
from quantlaxmi._ext.csv_rows import GROUPINGS, CsvRows
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.delimited.layout import APART_NS, CsvFile
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.pipeline import check_share, crowded
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.result import CaptureCounts
from quantlaxmi.schema import EventKind

TABLE_OF = {
    EventKind.TRADE: "trades",
    EventKind.DEPTH: "depth",
    EventKind.QUOTE: "quotes",
    EventKind.FUNDING: "funding",
}
_EXPECTED = "comma-separated values"


@dataclass
class FileState:
    """What became of one file; filled while it is read."""

    file: CsvFile
    log: QuarantineLog
    first_line: int = 0  # lines of the lane before it
    lines: int = 0
    header: int = 0
    read: int = 0
    read_lines: int = 0
    refused: int = 0  # messages and lines that the order showed to be faulty
    refused_lines: int = 0
    reordered: int = 0
    gaps: int = 0
    raw_bytes: int = 0
    text_bytes: int = 0
    sha256: str = ""

    @property
    def messages(self) -> int:
        """Messages in the segment."""
        return self.read - self.refused

    @property
    def message_lines(self) -> int:
        """Lines they were read from."""
        return self.read_lines - self.refused_lines


class Lane:
    """Files of one instrument and layout, one after the other.

    Parameters
    ----------
    files : sequence of CsvFile
        In the order of their first receive times.
    instrument : int
        Number in the segment.
    window_ns : int
    strict : bool
    together : int
        How many lanes there are.
    """

    def __init__(
        self,
        files: Sequence[CsvFile],
        instrument: int,
        window_ns: int,
        strict: bool,
        together: int = 1,
    ) -> None:
        first = files[0]
        layout = first.layout
        self.files = [FileState(f, QuarantineLog(f.path, layout.name, strict)) for f in files]
        self.symbol = first.instrument.symbol
        self.table = TABLE_OF[layout.kind]
        self.rows = CsvRows(
            str(first.path),
            window_ns,
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
        self._window_ns, self._together = window_ns, together
        self._at = -1
        self._source: TextSource | None = None
        self.finished = False

    @property
    def raw_bytes(self) -> int:
        """Read so far, as stored."""
        done = sum(state.raw_bytes for state in self.files)
        return done + (self._source.raw_bytes if self._source is not None else 0)

    def feed(self) -> None:
        """Read the next piece.

        Raises
        ------
        InputError
            The file cannot be read, or holds nothing acceptable, or too much of it waits for its
            place in the order.
        """
        if (crowd := self.rows.crowd()) is not None:
            line, limit = crowd
            state = self.state_of(line)
            raise crowded(state.file.path, line - state.first_line, limit, self._window_ns)
        source = self._source or self._open_next()
        state = self.files[self._at]
        text, end = source.read()
        self.rows.feed(text, end)
        for line, code, detail, excerpt in self.rows.take_faults():
            state.log.add(line - state.first_line, FAULTS[code], detail, excerpt)
        if end:
            self._end(state, source)

    def _open_next(self) -> TextSource:
        self._at += 1
        state = self.files[self._at]
        file = state.file
        self._source = TextSource(file.path, _EXPECTED, True, self._together)
        state.first_line = self.rows.n_lines
        state.reordered = self.rows.n_reordered
        self.rows.begin(
            str(file.path), file.columns, file.check_text, file.head.n_header,
            file.day_from, file.day_to,
        )  # fmt: skip
        return self._source

    def _end(self, state: FileState, source: TextSource) -> None:
        rows = self.rows
        state.lines = rows.n_lines - state.first_line
        state.header = rows.n_header
        state.read, state.read_lines = rows.n_read, rows.n_read_lines
        state.reordered = rows.n_reordered - state.reordered
        state.raw_bytes, state.text_bytes = source.raw_bytes, source.text_bytes
        state.sha256 = source.sha256
        source.close()
        self._source = None
        self.finished = self._at == len(self.files) - 1
        if state.lines == state.header:
            raise InputError(state.file.path, "holds no line behind its header")
        if state.read == 0:
            raise InputError(state.file.path, f"holds no acceptable line; {state.log.words()}")

    def close(self) -> None:
        """Stop reading."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def state_of(self, line: int) -> FileState:
        """The file that holds a line of the lane."""
        return next(s for s in reversed(self.files[: self._at + 1]) if s.first_line < line)

    def refuse(self, line: int, n_lines: int, reason: str, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""
        state = self.state_of(line)
        for k in range(line, line + n_lines):
            state.log.add(k - state.first_line, reason, detail)
        state.refused += 1
        state.refused_lines += n_lines

    def check_share(self, max_quarantine: Fraction) -> None:
        for state in self.files:
            if state.messages == 0:
                raise InputError(state.file.path, f"holds no acceptable line; {state.log.words()}")
            lines = state.lines - state.header
            check_share(state.log, lines, max_quarantine, state.log.words)

    def counts(self, state: FileState) -> CaptureCounts:
        """Counts of one file, checked: no line may be lost."""
        if state.header + state.message_lines + len(state.log) != state.lines:
            raise EngineError(
                f"{state.file.path}: {state.header} header lines, {state.message_lines} lines of "
                f"messages and {len(state.log)} quarantined do not add up to {state.lines}"
            )
        depth = self.table == "depth"
        return CaptureCounts(
            file=state.log.name,
            stream=state.file.layout.name,
            symbol=self.symbol,
            lines=state.lines,
            messages_by_kind={
                table: state.messages if table == self.table else 0 for table in TABLE_OF.values()
            },
            quarantined=len(state.log),
            reordered=state.reordered,
            depth_gaps=state.gaps if depth else 0,
            raw_bytes=state.raw_bytes,
            text_bytes=state.text_bytes,
            message_lines=state.message_lines,
            header_lines=state.header,
            trade_gaps=0 if depth else state.gaps,
        )


def make_lanes(
    files: Sequence[CsvFile], instruments: Sequence[str], window_ns: int, strict: bool
) -> list[Lane]:
    """Put files into lanes, each in the order of the first receive times.

    Raises
    ------
    InputError
        Two layouts of one instrument tell the same, or there are too many lanes.
    """
    groups: dict[tuple[int, str], list[CsvFile]] = {}
    for file in files:
        key = (instruments.index(file.instrument.symbol), file.layout.name)
        groups.setdefault(key, []).append(file)
    holds: dict[tuple[int, str], CsvFile] = {}
    for (number, _), members in sorted(groups.items()):
        told = members[0].layout.holds
        other = holds.setdefault((number, told), members[0]) if told else members[0]
        if other is not members[0]:
            raise InputError(
                members[0].path,
                f"holds {members[0].layout.name} of {instruments[number]}, which tell the same as "
                f"the {other.layout.name} of {other.path.name}; expected one of them",
            )
    if len(groups) > 64:
        raise InputError("import", f"has {len(groups)} kinds of file; expected at most 64")
    return [
        Lane(sorted(members, key=_first_stamp), number, window_ns, strict, len(groups))
        for (number, _), members in sorted(groups.items())
    ]


def _first_stamp(file: CsvFile) -> tuple[int, str]:
    """Receive time of the first line that can be read, in ns, to order files by."""
    at = next(k for k, column in enumerate(file.columns) if column[1] == ROLES["received"])
    for row in file.head.rows:
        text = row[at] if len(row) == len(file.columns) else ""
        if text.isascii() and text.isdigit() and 12 <= len(text) <= 19:
            value = int(text)
            for limit, unit in ((10**14, 10**6), (10**17, 10**3), (10**20, 1)):
                if value < limit:
                    return value * unit, file.path.name
    return 0, file.path.name
