"""Bybit's order book files: JSON lines of snapshots and differences, a day a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Literal, TypeVar

import msgspec

from quantlaxmi._ext.binance_rows import FAULTS
from quantlaxmi._ext.bybit_book import BybitBook
from quantlaxmi.importers.delimited.line_feed import (
    LineFeed,
    LineRecord,
    check_acceptable,
    no_messages,
)
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportOptions
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


class BookFeed(LineFeed[LineRecord, BybitBook]):
    """Files of one instrument, read one after the other.

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
        records = [
            LineRecord(
                path=file.path,
                log=QuarantineLog(file.path, "orderbook", options.strict),
                symbol=first.instrument.symbol,
            )
            for file in files
        ]
        venue_symbol, window_ns = first.instrument.venue_symbol, options.reorder_window_ns
        rows = BybitBook(str(first.path), venue_symbol, _RAW, classify, window_ns, number)
        super().__init__(records, rows, FAULTS, _EXPECTED, options, together)

    def _end(self, file: LineRecord) -> None:
        check_acceptable(file, file.lines - len(file.log))

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
            file.messages_by_kind = no_messages() | {"depth": file.message_lines}
            check_acceptable(file, file.message_lines)
        self._check_written("depth", sum(file.message_lines for file in self.files))
