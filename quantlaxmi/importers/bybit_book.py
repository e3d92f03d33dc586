"""Bybit's order book files: JSON lines of snapshots and differences, a day a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Literal, TypeVar

import msgspec

from quantlaxmi._ext.binance_rows import FAULTS
from quantlaxmi._ext.bybit_book import BybitBook
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers.delimited.merge import TABLE_OF, crowded
from quantlaxmi.importers.delimited.text_source import TextSource
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import MAX_LISTED_GAPS, ImportedFile, ImportOptions
from quantlaxmi.instruments import Instrument

#: ``2024-01-31_BTCUSDT_ob500.data.zip``.
NAME: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})_(?P<symbol>[A-Z0-9]{2,30})_ob[0-9]{1,4}\.data"
    r"(?:\.zip|\.gz)?"
)
_EXPECTED: Final = "JSON of an order book"
Levels = tuple[tuple[str, str], ...]
L = TypeVar("L")


class _Data(msgspec.Struct, Generic[L], gc=False):
    s: str
    b: L
    a: L
    u: int


class _Line(msgspec.Struct, Generic[L], gc=False):
    topic: str
    type: Literal["snapshot", "delta"]
    ts: int
    data: _Data[L]
    cts: int = 0  # of the matching engine; older files are without


_RAW: Final = msgspec.json.Decoder(_Line[msgspec.Raw]).decode
_EXACT: Final = msgspec.json.Decoder(_Line[Levels]).decode
_SYNTAX: Final = msgspec.json.Decoder(msgspec.Raw).decode
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def classify(body: bytes) -> tuple[object, str, str]:
    """Read one line whatever it is: the line, or the name of its fault and what was found."""
    reason = "not-json"
    try:
        _SYNTAX(body)
        reason = "wrong-shape"
        return _EXACT(body), "", ""
    except _UNREADABLE as error:
        return None, reason, " ".join(str(error).split())[:200]


@dataclass(frozen=True)
class BookFile:
    """One file, understood.

    Attributes
    ----------
    path : Path
    instrument : Instrument
    """

    path: Path
    instrument: Instrument


@dataclass(kw_only=True)
class _Record(ImportedFile):
    """One file of a feed; ``first_line`` is the number of lines before it."""

    first_line: int = 0


class BookFeed:
    """Files of one instrument, read one after the other: a `Feed` of the merge.

    Parameters
    ----------
    files : sequence of BookFile
        In the order of their days.
    number : int
        Of the instrument in the segment.
    options : ImportOptions
    together : int
        How many feeds there are.
    """

    def __init__(
        self, files: Sequence[BookFile], number: int, options: ImportOptions, together: int
    ) -> None:
        first = files[0]
        self.symbol = first.instrument.symbol
        self.files = [
            _Record(
                path=file.path,
                log=QuarantineLog(file.path, "orderbook", options.strict),
                symbol=self.symbol,
            )
            for file in files
        ]
        self._window_ns, self._together = options.reorder_window_ns, together
        venue_symbol = first.instrument.venue_symbol
        self.rows = BybitBook(
            str(first.path), venue_symbol, _RAW, classify, self._window_ns, number
        )
        self._at, self._source = -1, None
        self.finished = False
        self.messages: Counter[str] = Counter()

    _source: TextSource | None

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
            file = self._file_of(crowd[0])
            raise crowded(file.path, crowd[0] - file.first_line, crowd[1], self._window_ns)
        if self._source is None:
            self._at += 1
            file = self.files[self._at]
            self._source = TextSource(file.path, _EXPECTED, True, self._together)
            file.first_line, file.reordered = self.rows.n_lines, self.rows.n_reordered
        source, file = self._source, self.files[self._at]
        text, end = source.read()
        self.rows.feed(text, end)
        for line, code, detail, excerpt in self.rows.take_faults():
            file.log.add(line - file.first_line, FAULTS[code], detail, excerpt)
        if end:
            file.lines = self.rows.n_lines - file.first_line
            file.reordered = self.rows.n_reordered - file.reordered
            file.raw_bytes, file.text_bytes = source.raw_bytes, source.text_bytes
            file.sha256 = source.sha256
            self.close()
            self.finished = self._at == len(self.files) - 1
            self._check_acceptable(file)

    def close(self) -> None:
        """Stop reading."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _file_of(self, line: int) -> _Record:
        return next(f for f in reversed(self.files[: self._at + 1]) if f.first_line < line)

    @staticmethod
    def _check_acceptable(file: ImportedFile) -> None:
        if len(file.log) == file.lines:
            raise InputError(file.path, f"has no acceptable line; {file.log.summary()}")

    def refuse(self, line: int, n_lines: int, code: int, detail: str) -> None:
        """Set a message aside that only the final order showed to be faulty."""
        file = self._file_of(line)
        file.log.add(line - file.first_line, FAULTS[code], detail)

    def count_gap(self, line: int, n_listed: int) -> bool:
        """Count a gap before a line; whether it is listed."""
        self._file_of(line).depth_gaps += 1
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
            file.message_lines = file.lines - len(file.log)
            file.messages_by_kind = dict.fromkeys(TABLE_OF.values(), 0)
            file.messages_by_kind["depth"] = file.message_lines
            self._check_acceptable(file)
        read, written = sum(file.message_lines for file in self.files), self.messages["depth"]
        if written != read or self.messages.total() != written:
            raise EngineError(f"{written} messages of depth were written, {read} were read")
